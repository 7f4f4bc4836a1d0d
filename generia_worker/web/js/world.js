// A world: cover, name, and below them the feed, its people, its lore or its receipt. One stream feeds all of them.

import { Problem, get, post, query } from "./api.js";
import { announce, content, h, icon, isBeingMade, nameOf, rich, tint, told } from "./dom.js";
import { Feed } from "./feed.js";
import { picture, show } from "./images.js";
import { openPost, postCard } from "./post.js";
import { reactionsAllowed } from "./reactions.js";
import { follow } from "./stream.js";
import { Strip } from "./strip.js";
import { parts, text } from "./texts.js";
import { keepVisit, knownUntil } from "./visits.js";

const PAGE = 20;
/** The events of posts come with the counter; what has not come by then is asked for. */
const MISSING_MS = 2000;
const FIRST_WAIT_MS = 2000;

export class WorldView {
  constructor({ id }, { user, changed }) {
    this.id = id;
    this.user = user;
    this.changed = changed;
    this.title = text("world.unnamed");
    this.dialog = null;
    this.part = null;
    this.head = this.makeHead();
    this.body = h("div", { class: "world-body" });
    this.element = tint(h("div", { class: "world" }, this.head, this.tabs, this.body), id);
    const since = knownUntil(user, id);
    this.strip = new Strip(id, () => this.feed.focus());
    this.feed = new Feed({
      load: (cursor) => get(query(`/worlds/${id}/posts`, { limit: PAGE, cursor })),
      make: (post, eager) =>
        postCard(post, { eager, language: this.world.language, fresh: since !== "" && post.created_at > since }),
      since,
    });
    this.left = () => this.feed.newest && keepVisit(user, id, this.feed.newest);
    addEventListener("pagehide", this.left);
    this.place = h("div", { class: "panel-place" });
    this.more = this.makeMore();
    this.ready = this.begin();
  }

  makeHead() {
    const fresh = (name) => async () => (await get(`/worlds/${this.id}`))[name];
    this.cover = picture("", { eager: true, refresh: fresh("image_url") });
    this.icon = picture("", { eager: true, refresh: fresh("icon_url") });
    this.name = h("h1", { tabindex: -1, dir: "auto" });
    this.short = h("p", { class: "world-short", ...content() });
    this.facts = h("p", { class: "world-facts quiet" });
    this.join = h(
      "button",
      { class: "button primary", hidden: true, onclick: () => this.joinWorld() },
      text("world.join"),
    );
    this.tabs = h("nav", { class: "tabs", "aria-label": text("world.parts") });
    return h(
      "header",
      { class: "world-head" },
      h("div", { class: "box cover" }, this.cover),
      h(
        "div",
        { class: "world-words" },
        h("div", { class: "box world-icon" }, this.icon),
        h("div", { class: "world-title" }, this.name, this.join),
        this.short,
        this.facts,
      ),
    );
  }

  /** Read the world; while it is being made, the stream is opened before the feed is read, so that no post is missed. */
  async begin() {
    try {
      this.take(await get(`/worlds/${this.id}`));
    } catch (error) {
      if (error instanceof Problem && error.status !== 401) this.fail(error);
      throw error;
    }
    if (this.closed) return;
    this.strip.refresh();
    if (isBeingMade(this.world)) await this.watch();
    else if (this.world.generation_status !== "completed") this.showEnd();
  }

  fail(error) {
    const missing = error.status === 404 || error.status === 422;
    const link = h("a", { href: "/worlds" }, text("page.allWorlds"));
    this.title = text(missing ? "page.nothing" : "page.notNow");
    this.name.textContent = this.title;
    if (this.element.isConnected) document.title = `${this.title} · Generia`;
    this.element.classList.add("is-missing");
    this.body.replaceChildren(
      h(
        "p",
        { class: "page-part" },
        missing ? parts("world.unknown", { link }) : [told(error), " ", link],
      ),
    );
  }

  get mine() {
    return this.world?.creator_id === this.user.id;
  }

  /** Show a world as it is now. */
  take(world) {
    this.world = world;
    show(this.cover, world.image_url);
    show(this.icon, world.icon_url);
    this.title = nameOf(world);
    this.name.lang = this.short.lang = this.strip.language = world.language ?? "";
    this.name.replaceChildren(...rich(this.title));
    this.short.replaceChildren(...rich(world.params?.description_short || (world.name ? world.prompt : "")));
    const counts = [
      text("number.characters", { n: world.users_count }),
      text("number.posts", { n: world.posts_count }),
    ];
    this.feed.explain(text(isBeingMade(world) ? "world.noPostsYet" : "world.noPosts"));
    this.facts.textContent = isBeingMade(world) ? text("state.in_progress") : counts.join(" · ");
    this.join.hidden = world.is_joined || this.mine;
    this.more.hidden = !this.mine || world.generation_status !== "completed";
    if (this.element.isConnected) document.title = `${this.title} · Generia`;
    this.markTabs();
  }

  async joinWorld() {
    await post(`/worlds/${this.id}/join`);
    this.take({ ...this.world, is_joined: true });
    announce(text("world.joined"));
    // The button that was pressed is gone.
    this.name.focus();
    this.changed();
  }

  /** Room for more of the world; the form's script is loaded when it is wanted. */
  makeMore() {
    const opened = (name, form) => {
      const room = h("details", {}, h("summary", {}, text(name)));
      room.addEventListener("toggle", async () => {
        if (!room.open || room.children.length > 1) return;
        const made = await form();
        if (room.children.length === 1) room.append(made);
      });
      return room;
    };
    const more = async () => {
      const { moreForm } = await import("./more.js");
      return moreForm(this.world, { begun: (status) => this.goesOn(status) });
    };
    const days = async () => (await import("./days.js")).daysForm(this.world);
    const replies = async () => (await import("./replies.js")).repliesForm(this.world);
    return h(
      "div",
      { class: "going-on", hidden: true },
      opened("more.name", more),
      opened("days.name", days),
      reactionsAllowed() && opened("replies.name", replies),
    );
  }

  async goesOn(status) {
    for (const room of this.more.children) room.open = false;
    await this.makePanel();
    this.panel.show(status);
    this.take({ ...this.world, generation_status: status.status });
    this.watch();
    this.name.focus();
  }

  // --- while it is being made --------------------------------------------------------------------------------------
  /** Make the panel. Like all that not every visit needs, its script is loaded when it is wanted. */
  async makePanel() {
    const { Panel } = await import("./panel.js");
    if (this.panel || this.closed) return;
    this.panel = new Panel(this.id, { mine: this.mine, act: (action) => this.act(action) });
    this.place.replaceChildren(this.panel.element);
  }

  async watch() {
    await this.makePanel();
    if (this.closed) return;
    this.stages = {};
    this.stream?.stop();
    this.stream = follow(this.id, {
      opened: (again) => {
        this.panel.connected(true);
        if (again) this.feed.catchUp().catch(() => {});
      },
      lost: () => this.panel.connected(false),
      refused: () => this.refused(),
      status: (status) => this.progress(status),
      post: (event) => this.posted(event),
      done: () => this.ended(),
    });
  }

  async refused() {
    this.take(await get(`/worlds/${this.id}`));
    if (isBeingMade(this.world)) return false;
    await this.showEnd();
    await this.ended();
    return true;
  }

  async posted(event) {
    const whole =
      "caption" in event ? event : await get(`/worlds/${this.id}/posts/${event.post_id}`).catch(() => null);
    if (!whole) return;
    this.feed.live({ tags: [], ...whole });
    this.strip.seen(whole);
  }

  progress(status) {
    const before = this.stages;
    this.stages = Object.fromEntries(status.stages.map((stage) => [stage.name, stage.status]));
    const ended = (name) => this.stages[name] !== before[name] && this.stages[name] === "completed";
    // The description brings the name, the picture stage the cover and the icon.
    if (ended("world_description") || ended("world_image")) this.reread();
    if (status.users_created !== this.people) this.strip.refresh();
    this.people = status.users_created;
    this.panel.show(status);
    this.expect(status.posts_created);
  }

  /** Where the stream tells no posts (it may know the status alone), the feed is asked for what the counter promises. */
  expect(posts) {
    this.promised = posts;
    if (this.missing || posts <= this.feed.size || this.closed) return;
    this.missing = setTimeout(() => {
      this.missing = 0;
      if (this.promised > this.feed.size) this.feed.catchUp().catch(() => {});
    }, MISSING_MS);
  }

  /** Read the world again; one call at a time is enough, and the last wish counts. */
  async reread() {
    this.wish = (this.wish ?? 0) + 1;
    const wish = this.wish;
    const world = await get(`/worlds/${this.id}`).catch(() => null);
    if (world && wish === this.wish && !this.closed) this.take(world);
    if (world?.name && wish === this.wish) this.changed();
    return world;
  }

  async ended(wait = FIRST_WAIT_MS) {
    if (this.closed) return;
    const world = await this.reread();
    if (!world) {
      // The end is known, what it is like is not: asked again, ever more seldom, until the server answers.
      setTimeout(() => this.ended(wait * 2), wait);
      return;
    }
    this.panel?.connected(true);
    this.strip.refresh();
    this.part?.refresh?.();
    // A post may have been settled with the very last change.
    this.feed.catchUp().catch(() => {});
    this.panel?.farewell((element) => this.fold(element));
    this.feed.settle();
    this.changed();
  }

  /** A world that failed or was cancelled says so: that takes one call, once. */
  async showEnd() {
    const status = await get(`/worlds/${this.id}/status`).catch(() => null);
    if (!status || this.closed) return;
    await this.makePanel();
    this.panel?.show(status);
  }

  /** Cancel, resume or retry; returns what went wrong, as it is shown, or an empty text. */
  async act(action) {
    try {
      const status = await post(`/worlds/${this.id}:${action}`);
      await this.makePanel();
      this.panel.show(status);
      this.take({ ...this.world, generation_status: status.status });
      if (action !== "cancel") this.watch();
      return "";
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      return told(error);
    }
  }

  /** Fold the panel away. Who reads further down must not see the text move. */
  fold(element) {
    if (this.closed) return;
    const gone = () => {
      element.remove();
      this.panel?.close();
      this.panel = null;
    };
    const box = element.getBoundingClientRect();
    if (!element.isConnected || box.bottom < 0) {
      const before = document.documentElement.scrollHeight;
      gone();
      if (!CSS.supports("overflow-anchor", "auto"))
        scrollBy(0, document.documentElement.scrollHeight - before);
      return;
    }
    element.classList.add("is-folding");
    element.addEventListener("transitionend", (event) => event.target === element && gone());
    setTimeout(() => element.isConnected && gone(), 900);
  }

  // --- parts -------------------------------------------------------------------------------------------------------
  /** Show the part of the world that an address names. */
  async show(params) {
    const part = params.post ? "feed" : (params.part ?? "feed");
    this.dialog?.();
    this.dialog = params.post ? openPost(this.id, params.post, () => this.languageOf()) : null;
    const key = `${part} ${params.character ?? ""}${params.tag ?? ""}`;
    this.element.dataset.part = part;
    this.key = key;
    this.markTabs();
    await this.ready;
    if (this.key !== key || key === this.part?.key || this.closed) return;
    const made = await this.makePart(part, params);
    if (this.key !== key || this.closed) return made.close?.();
    this.leavePart();
    this.part = { key, ...made };
    this.body.replaceChildren(this.part.element);
    this.part.attached?.();
  }

  /** The language of the world, once that is read; empty when it is not known, or cannot be read. */
  async languageOf() {
    await this.ready.catch(() => {});
    return this.world?.language ?? "";
  }

  async makePart(part, params) {
    if (part === "characters") {
      const { peopleView, personView } = await import("./people.js");
      return params.character ? personView(this.world, params.character) : peopleView(this.world);
    }
    if (part === "about") return (await import("./about.js")).aboutView(this.world);
    if (part === "receipt" && !this.mine) return { element: h("p", { class: "page-part" }, text("receipt.others")) };
    if (part === "tag") {
      const make = (post, eager) => postCard(post, { eager, language: this.world.language });
      return (await import("./tags.js")).tagView(this.world, params.tag, make);
    }
    if (part === "receipt") {
      return (await import("./receipt.js")).receiptView(this.world, { retry: () => this.act("retry") });
    }
    const element = h("div", { class: "world-feed" }, this.place, this.more, this.strip.element, this.feed.element);
    return { element, attached: () => this.feed.attach(), close: () => this.feed.detach() };
  }

  leavePart() {
    this.part?.close?.();
    this.part = null;
  }

  markTabs() {
    const base = `/worlds/${this.id}`;
    const tabs = [
      ["feed", base],
      ["characters", `${base}/characters`],
      ["about", `${base}/about`],
    ];
    if (this.mine) tabs.push(["receipt", `${base}/receipt`]);
    const here = this.element?.dataset.part;
    const back = h(
      "a",
      { class: "tabs-back", href: base },
      icon("left"),
      h("span", { ...content(this.world?.language) }, nameOf(this.world ?? {})),
    );
    this.tabs.replaceChildren(
      back,
      ...tabs.map(([name, href]) =>
        h("a", { href, "aria-current": name === here && "page" }, text(`tab.${name}`)),
      ),
    );
  }

  close() {
    this.closed = true;
    this.left();
    removeEventListener("pagehide", this.left);
    clearTimeout(this.missing);
    this.leavePart();
    this.dialog?.();
    this.stream?.stop();
    this.panel?.close();
  }
}
