// All worlds, as cards. Those that are being made show how far they are.

import { get, query } from "./api.js";
import { count, h, isBeingMade, nameOf, rich, tint } from "./dom.js";
import { picture, show } from "./images.js";
import { follow } from "./stream.js";

const PAGE = 24;
/** A browser has few connections to one server: so many cards move at a time, the others follow as these end. */
const MOVING = 2;
const STATES = { pending: "Waiting", in_progress: "Being made", failed: "Failed", cancelled: "Cancelled" };

/** The view. */
export function worldsView() {
  const grid = h("ul", { class: "cards" });
  const more = h("button", { class: "button", hidden: true }, "Show more");
  const note = h("p", { class: "quiet", role: "status" }, "Loading …");
  const followers = new Followers();
  let shown = 0;
  let closed = false;
  async function load() {
    more.disabled = true;
    try {
      const page = await get(query("/worlds", { limit: PAGE, offset: shown }));
      if (closed) return;
      for (const world of page.worlds) {
        const card = new Card(world);
        grid.append(card.element);
        if (isBeingMade(world)) followers.add(card);
      }
      shown += page.worlds.length;
      more.hidden = shown >= page.total || page.worlds.length === 0;
      note.replaceChildren(
        ...(shown ? [] : ["There are no worlds yet. ", h("a", { href: "/" }, "Make the first one.")]),
      );
    } catch (error) {
      note.textContent = error.message;
      more.hidden = false;
    }
    more.disabled = false;
  }
  more.addEventListener("click", load);
  load();
  const element = h(
    "div",
    { class: "page" },
    h(
      "header",
      { class: "page-head" },
      h("h1", { tabindex: -1 }, "Worlds"),
      h("a", { class: "button primary", href: "/" }, "New world"),
    ),
    note,
    grid,
    h("div", { class: "more" }, more),
  );
  const close = () => {
    closed = true;
    followers.stop();
  };
  return { element, title: "Worlds", close };
}

/** Follows some cards at a time, in turn. */
class Followers {
  constructor() {
    this.waiting = [];
    this.running = new Map();
  }

  add(card) {
    this.waiting.push(card);
    this.next();
  }

  next() {
    while (this.running.size < MOVING && this.waiting.length > 0) {
      const card = this.waiting.shift();
      const over = async () => {
        this.running.delete(card);
        await card.refresh();
        this.next();
      };
      const refused = async () => {
        const ended = await card.refresh();
        if (ended) over();
        return ended;
      };
      this.running.set(
        card,
        follow(card.world.id, { status: (status) => card.progress(status), done: over, refused }),
      );
    }
  }

  stop() {
    this.waiting = [];
    for (const stream of this.running.values()) stream.stop();
    this.running.clear();
  }
}

class Card {
  constructor(world) {
    this.world = world;
    const fresh = (name) => async () => (await get(`/worlds/${world.id}`))[name];
    this.cover = picture(world.image_url, { refresh: fresh("image_url") });
    this.icon = picture(world.icon_url, { refresh: fresh("icon_url") });
    this.name = h("a", { class: "card-name", href: `/worlds/${world.id}`, dir: "auto" });
    this.text = h("p", { class: "card-text", dir: "auto" });
    this.facts = h("p", { class: "card-facts" });
    this.bar = h("span", { class: "card-bar", hidden: true });
    this.element = tint(
      h(
        "li",
        { class: "card" },
        h("div", { class: "box card-cover" }, this.cover, this.bar),
        h("div", { class: "box card-icon" }, this.icon),
        h("div", { class: "card-words" }, h("h2", {}, this.name), this.text, this.facts),
      ),
      world.id,
    );
    this.show(world);
  }

  show(world) {
    this.world = world;
    show(this.cover, world.image_url);
    show(this.icon, world.icon_url);
    this.name.replaceChildren(...rich(nameOf(world)));
    this.text.replaceChildren(...rich(world.params?.description_short || world.prompt));
    const state = STATES[world.generation_status];
    const counts = [count(world.users_count, "character"), count(world.posts_count, "post")];
    this.facts.replaceChildren(
      isBeingMade(world) ? "" : counts.join(" · "),
      state ? h("span", { class: `state is-${world.generation_status}` }, state) : "",
    );
    if (!isBeingMade(world)) this.bar.hidden = true;
  }

  /** Show how far the world is. */
  progress(status) {
    const {
      users_created: users,
      posts_created: posts,
      users_predicted: allUsers,
      posts_predicted: allPosts,
    } = status;
    const counts = users
      ? `${users} of ${count(allUsers, "character")} · ${posts} of ${count(allPosts, "post")}`
      : "";
    this.facts.replaceChildren(counts, h("span", { class: "state is-in_progress" }, STATES.in_progress));
    this.bar.hidden = false;
    this.bar.style.setProperty("--part", ((users + posts) / Math.max(1, allUsers + allPosts)).toFixed(4));
    const described = status.stages.filter((stage) => stage.status === "completed").length;
    if (described > (this.described ?? 1) && described <= 3) this.refresh();
    this.described = described;
  }

  /** Read the world again; returns whether it has ended. */
  async refresh() {
    const world = await get(`/worlds/${this.world.id}`);
    const ended = !isBeingMade(world);
    if (ended || world.name) this.show(world);
    return ended;
  }
}
