// All worlds, as cards. Those that are being made show how far they are.

import { get, query } from "./api.js";
import { content, h, isBeingMade, nameOf, rich, tint, told } from "./dom.js";
import { picture, show } from "./images.js";
import { follow } from "./stream.js";
import { knows, parts, text } from "./texts.js";

const PAGE = 24;
/** A browser has few connections to one server: so many cards move at a time, the others follow as these end. */
const MOVING = 2;

/** The view. */
export function worldsView() {
  const grid = h("ul", { class: "cards" });
  const more = h("button", { class: "button", hidden: true }, text("more"));
  const note = h("p", { class: "quiet", role: "status" }, text("loading"));
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
        ...(shown ? [] : parts("worlds.none", { link: h("a", { href: "/" }, text("worlds.makeFirst")) })),
      );
    } catch (error) {
      note.replaceChildren(told(error));
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
      h("h1", { tabindex: -1 }, text("worlds.title")),
      h("a", { class: "button primary", href: "/" }, text("frame.newWorld")),
    ),
    note,
    grid,
    h("div", { class: "more" }, more),
  );
  const close = () => {
    closed = true;
    followers.stop();
  };
  return { element, title: text("worlds.title"), close };
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
    this.name = h("a", { class: "card-name", href: `/worlds/${world.id}`, ...content() });
    this.text = h("p", { class: "card-text", ...content() });
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
    this.name.lang = this.text.lang = world.language ?? "";
    this.name.replaceChildren(...rich(nameOf(world)));
    this.text.replaceChildren(...rich(world.params?.description_short || world.prompt));
    const state = world.generation_status;
    const counts = [
      text("number.characters", { n: world.users_count }),
      text("number.posts", { n: world.posts_count }),
    ];
    this.facts.replaceChildren(
      isBeingMade(world) ? "" : counts.join(" · "),
      knows(`state.${state}`) ? h("span", { class: `state is-${state}` }, text(`state.${state}`)) : "",
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
    const counts = [
      text("made.characters", { made: users, n: allUsers }),
      text("made.posts", { made: posts, n: allPosts }),
    ];
    const state = h("span", { class: "state is-in_progress" }, text("state.in_progress"));
    this.facts.replaceChildren(users ? counts.join(" · ") : "", state);
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
