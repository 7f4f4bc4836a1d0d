// All worlds, as cards. Those that are being made show how far they are.

import { get, query } from "./api.js";
import { content, h, isBeingMade, nameOf, rich, tint, told } from "./dom.js";
import { picture, show } from "./images.js";
import { follow } from "./stream.js";
import { knows, parts, text } from "./texts.js";

const PAGE = 24;
/** As many as one call may ask for; and as many as the first page shows. */
const PAGE_MAX = 100;
const FEW = 5;
/** A browser has few connections to one server: so many cards move at a time, the others follow as these end. */
const MOVING = 2;

/** What one may choose from, as the address and the server name it; the first is what is shown unasked. */
const WHICH = ["all", "mine", "being_made"];
const ORDERS = ["newest", "popular"];
/** How long one must have stopped typing before it is searched. */
const REST_MS = 300;

/** The view: what is shown stands in the address, how much of it with the entry of the history. */
export function worldsView() {
  const grid = h("ul", { class: "cards" });
  const more = h("button", { class: "button", hidden: true }, text("more"));
  const note = h("p", { class: "quiet", role: "status" }, text("loading"));
  const search = h("input", {
    type: "search",
    name: "search",
    maxlength: 200,
    "aria-label": text("worlds.search"),
    placeholder: text("worlds.searchHint"),
  });
  const which = WHICH.map((name) =>
    h("label", {}, h("input", { type: "radio", name: "which", value: name }), h("span", {}, text(`worlds.${name}`))),
  );
  const order = h(
    "select",
    { "aria-label": text("worlds.order") },
    ORDERS.map((name) => h("option", { value: name }, text(`worlds.${name}`))),
  );
  const form = h(
    "form",
    { class: "worlds-form", role: "search" },
    search,
    h("div", { class: "worlds-which", role: "radiogroup", "aria-label": text("worlds.which") }, which),
    order,
  );
  const followers = new Followers();
  let shown = 0;
  let asked = null;
  /** What was asked for last, as an address. */
  let question = "";
  let timer = 0;

  const wanted = () => ({
    search: search.value.trim(),
    which: form.elements.which.value,
    order: order.value,
  });
  function fill() {
    const given = new URLSearchParams(location.search);
    const one = (name, known) => (known.includes(given.get(name)) ? given.get(name) : known[0]);
    search.value = given.get("search") ?? "";
    form.elements.which.value = one("which", WHICH);
    order.value = one("order", ORDERS);
  }
  function addressOf(values) {
    const plain = { search: "", which: WHICH[0], order: ORDERS[0] };
    const given = Object.entries(values).filter(([name, value]) => value !== plain[name]);
    return given.length > 0 ? `/worlds?${new URLSearchParams(given)}` : "/worlds";
  }

  /** Ask for so many worlds more; those of a question that is not the last one any more are left out. */
  async function load(count) {
    const mine = asked;
    const values = wanted();
    more.disabled = true;
    try {
      const page = await get(
        query("/worlds", {
          limit: count,
          offset: shown,
          search: values.search,
          order: values.order,
          ...(values.which === "all" ? {} : { [values.which]: true }),
        }),
      );
      if (mine !== asked) return;
      for (const world of page.worlds) {
        const card = new Card(world);
        grid.append(card.element);
        if (isBeingMade(world)) followers.add(card);
      }
      shown += page.worlds.length;
      more.hidden = shown >= page.total || page.worlds.length === 0;
      note.replaceChildren(...said(page.total, values));
      history.replaceState({ ...history.state, shown }, "");
    } catch (error) {
      if (mine !== asked) return;
      note.replaceChildren(told(error));
      more.hidden = false;
    }
    more.disabled = false;
  }

  function said(total, values) {
    const plain = addressOf(values) === "/worlds";
    if (shown > 0) return plain ? [] : [text("worlds.found", { n: total })];
    if (plain) return parts("worlds.none", { link: h("a", { href: "/" }, text("worlds.makeFirst")) });
    return parts("worlds.nothing", { link: h("a", { href: "/worlds" }, text("worlds.showAll")) });
  }

  /** Show what is asked for, from its beginning, and as many of it as were there when one left. */
  async function begin(count = PAGE) {
    followers.stop();
    asked = {};
    question = addressOf(wanted());
    shown = 0;
    grid.replaceChildren();
    const mine = asked;
    do {
      const before = shown;
      await load(Math.min(count - shown, PAGE_MAX));
      if (shown === before) return;
    } while (mine === asked && shown < count && !more.hidden);
  }

  function change() {
    clearTimeout(timer);
    // A field that is left says once more that it was changed: to ask again would take away what is being clicked.
    if (addressOf(wanted()) === question) return;
    history.replaceState({ ...history.state, shown: 0 }, "", addressOf(wanted()));
    begin();
  }
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("change", change);
  search.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(change, REST_MS);
  });
  more.addEventListener("click", () => load(PAGE));
  const element = h(
    "div",
    { class: "page" },
    h(
      "header",
      { class: "page-head" },
      h("h1", { tabindex: -1 }, text("worlds.title")),
      h("a", { class: "button primary", href: "/" }, text("frame.newWorld")),
    ),
    form,
    note,
    grid,
    h("div", { class: "more" }, more),
  );
  const close = () => {
    asked = null;
    clearTimeout(timer);
    followers.stop();
  };
  /** Show what the address names, when it is opened and when one comes back. */
  const show = () => {
    fill();
    return begin(Math.max(PAGE, history.state?.shown ?? 0));
  };
  return { element, title: text("worlds.title"), show, close };
}

/** Some worlds to look into, or nothing where there are none; for the first page. */
export function fewWorlds() {
  const grid = h("ul", { class: "cards" });
  const element = h(
    "section",
    { class: "few-worlds", "aria-labelledby": "few-worlds", hidden: true },
    h("h2", { id: "few-worlds" }, text("worlds.look")),
    grid,
    h("p", {}, h("a", { href: "/worlds" }, text("page.allWorlds"))),
  );
  get(query("/worlds", { limit: FEW, order: "popular" }), { quiet: true })
    .then(({ worlds }) => {
      grid.append(...worlds.map((world) => new Card(world, "h3").element));
      element.hidden = worlds.length === 0;
    })
    .catch(() => {});
  return element;
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
  /** `level`: the element of its heading. */
  constructor(world, level = "h2") {
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
        h("div", { class: "card-words" }, h(level, {}, this.name), this.text, this.facts),
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
