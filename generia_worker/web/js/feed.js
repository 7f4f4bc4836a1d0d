// A feed of any length in a bounded DOM: posts stand in small groups, and a group that is far from what is seen is taken
// out and leaves its height behind. So nothing jumps, and nothing has to be computed about heights.

import { h, told } from "./dom.js";
import { text } from "./texts.js";

const GROUP = 4;
/** How far from the window a group is still drawn, and how far from the end more is asked for. */
const NEAR = "1200px 0px";
const AHEAD = "1600px 0px";
/** A person who has scrolled further than this reads: new posts wait for them in place of pushing the text away. */
const READING_PX = 160;

const newer = (a, b) =>
  a.created_at > b.created_at || (a.created_at === b.created_at && a.post_id > b.post_id);

export class Feed {
  /**
   * `load(cursor)` returns {posts, next_cursor}; `make(post)` makes an element, `eager` for those seen at once. Posts that
   * are younger than `since` are new to who reads; empty: none is.
   */
  constructor({ load, make, since = "" }) {
    this.load = load;
    this.make = make;
    this.since = since;
    this.news = h("p", { class: "feed-news", hidden: true });
    this.known = new Map();
    // What came live and is older than all that is loaded: it has its place once that part of the feed is.
    this.beyond = new Map();
    this.groups = [];
    this.waiting = [];
    // What came live and stands where its date belongs, further down than anybody has looked yet.
    this.below = new Map();
    this.cursor = "";
    this.whole = false;
    this.loading = false;
    // A feed without articles is none: it gets its role with the first one.
    this.body = h("div", { class: "feed", tabindex: -1 });
    this.pill = h("button", { class: "pill", hidden: true, onclick: () => this.showWaiting() });
    this.note = h("p", { class: "feed-note quiet" });
    this.again = h("button", { class: "button", hidden: true, onclick: () => this.more() }, text("again"));
    this.end = h("div", { class: "feed-end" }, this.note, this.again);
    this.note.hidden = true;
    this.scrolled = () => this.below.size > 0 && requestAnimationFrame(() => this.look());
    this.element = h(
      "div",
      { class: "feed-frame" },
      h("div", { class: "pill-place" }, this.pill),
      this.news,
      this.body,
      this.end,
    );
  }

  /** Call when the element stands in the page (again). */
  attach() {
    this.attached = true;
    this.drawer = new IntersectionObserver((entries) => entries.forEach((entry) => this.drawNear(entry)), {
      rootMargin: NEAR,
    });
    this.asker = new IntersectionObserver((entries) => entries.at(-1).isIntersecting && this.more(), {
      rootMargin: AHEAD,
    });
    for (const group of this.groups) this.drawer.observe(group.element);
    this.asker.observe(this.end);
    addEventListener("scroll", this.scrolled, { passive: true });
    this.offer();
  }

  /** Call before the element is taken out of the page. */
  detach() {
    this.attached = false;
    removeEventListener("scroll", this.scrolled);
    this.drawer?.disconnect();
    this.asker?.disconnect();
  }

  /** Load the next page, once at a time; after an error only when the person asks for it. */
  async more() {
    if (this.loading || this.whole) return;
    this.loading = true;
    this.again.hidden = true;
    this.name();
    try {
      const page = await this.load(this.cursor);
      const first = this.cursor === "";
      this.cursor = page.next_cursor;
      this.whole = !page.next_cursor;
      this.append(
        page.posts.filter((post) => !this.known.has(post.post_id)),
        first,
      );
      // One that appeared after its page had been read is in none.
      for (const post of this.beyond.values()) if (this.whole || this.reaches(post)) this.insert(post);
      this.note.hidden = this.known.size > 0;
      this.tellNews();
    } catch (error) {
      this.note.hidden = false;
      this.note.replaceChildren(told(error));
      this.again.hidden = false;
    } finally {
      this.loading = false;
      this.name();
    }
    // An observer tells of changes only: look again, in case the end is still in sight.
    if (this.attached && this.again.hidden) {
      this.asker.unobserve(this.end);
      this.asker.observe(this.end);
    }
  }

  append(posts, first) {
    for (const post of posts) {
      this.known.set(post.post_id, post);
      this.beyond.delete(post.post_id);
    }
    if (first && this.groups.length > 0) {
      // What came live while the first page was on its way is newer than most of it, but not than all of it.
      posts = [...this.groups.flatMap((group) => group.posts), ...posts].sort((a, b) =>
        newer(a, b) ? -1 : 1,
      );
      this.groups = [];
      this.body.replaceChildren();
    }
    for (let at = 0; at < posts.length; at += GROUP)
      this.addGroup(posts.slice(at, at + GROUP), this.groups.length);
  }

  /** Take a post that has just appeared, or a newer form of one that is here. */
  live(post) {
    if (this.known.has(post.post_id)) return this.replace(post);
    if (!this.whole && this.groups.length > 0 && !this.reaches(post)) {
      this.beyond.set(post.post_id, post);
      return;
    }
    this.note.hidden = true;
    const reading = !this.attached || this.element.getBoundingClientRect().top < -READING_PX;
    if (!reading) {
      this.insert(post, true);
      this.below.set(post.post_id, post);
      return this.look();
    }
    this.known.set(post.post_id, post);
    this.waiting.push(post);
    if (this.attached) this.offer();
  }

  /** Say how many posts are new to who reads: at least as many as are loaded, until one is that they know. */
  tellNews() {
    if (!this.since) return;
    const dates = [...this.known.values()].map((post) => post.created_at);
    const n = dates.filter((date) => date > this.since).length;
    this.news.hidden = n === 0;
    this.news.textContent = text(n < dates.length || this.whole ? "feed.since" : "feed.sinceMore", { n });
  }

  /** The date of the newest post; empty without one. */
  get newest() {
    return [...this.known.values()].reduce((date, post) => (post.created_at > date ? post.created_at : date), "");
  }

  /** How many posts it knows of, whether they are shown or not. */
  get size() {
    return this.known.size + this.beyond.size;
  }

  /** Whether a post belongs into what is loaded. */
  reaches(post) {
    return this.groups.length > 0 && newer(post, this.groups.at(-1).posts.at(-1));
  }

  /** Read what is loaded again after a time without a stream: what was missed may have any date. */
  async catchUp() {
    let cursor = "";
    do {
      const page = await this.load(cursor);
      const missed = page.posts.filter((post) => !this.known.has(post.post_id));
      for (const post of missed.reverse()) this.live(post);
      cursor = this.whole || page.posts.some((post) => this.reaches(post)) ? page.next_cursor : "";
    } while (cursor);
  }

  /** Say what is new and not seen: what waits, or else what stands further down. */
  offer() {
    const [name, n] = this.waiting.length > 0 ? ["feed.new", this.waiting.length] : ["feed.below", this.below.size];
    if (n > 0) this.pill.textContent = text(name, { n });
    this.pill.hidden = n === 0;
    // It covers nothing that one looks at first: what leads down stands at the lower edge.
    this.pill.parentElement.classList.toggle("is-below", name === "feed.below");
  }

  /** Take what has come into sight from what stands further down. */
  look() {
    for (const post of this.below.values())
      if (this.elementOf(post)?.getBoundingClientRect().top < innerHeight) this.below.delete(post.post_id);
    this.offer();
  }

  /** Nothing more will come: what stands further down is new no longer than that. */
  settle() {
    this.below.clear();
    this.offer();
  }

  /** Show what is new: what waited is put in, what stands further down is gone to, the newest first. */
  showWaiting() {
    if (this.waiting.length === 0) {
      const [post] = [...this.below.values()].sort((a, b) => (newer(a, b) ? -1 : 1));
      if (!post) return;
      this.below.delete(post.post_id);
      this.draw(this.groups.find((group) => group.posts.includes(post)));
      const element = this.elementOf(post);
      element.scrollIntoView({ block: "start" });
      element.focus({ preventScroll: true });
      return this.look();
    }
    const waiting = this.waiting.sort((a, b) => (newer(a, b) ? 1 : -1));
    let newest;
    for (const post of waiting) newest = this.insert(post) ?? newest;
    this.waiting = [];
    this.offer();
    const onTop = !newest || newest === this.body.querySelector("article");
    (onTop ? this.element : newest).scrollIntoView({ block: "start" });
    (newest ?? this.body.querySelector("article"))?.focus({ preventScroll: true });
  }

  replace(post) {
    this.known.set(post.post_id, post);
    for (const group of this.groups) {
      const at = group.posts.findIndex((one) => one.post_id === post.post_id);
      if (at < 0) continue;
      group.posts[at] = post;
      if (group.drawn) group.element.children[at].replaceWith(this.make(post));
    }
  }

  insert(post, fresh = false) {
    this.known.set(post.post_id, post);
    this.beyond.delete(post.post_id);
    const index = this.groups.findIndex((group) => newer(post, group.posts.at(-1)));
    const group = this.groups[index];
    const onTop = this.groups.length === 0 || (index === 0 && newer(post, group.posts[0]));
    if (onTop && (!group || group.posts.length >= GROUP || !group.drawn)) {
      this.addGroup([post], 0);
    } else if (group) {
      const at = group.posts.findIndex((one) => newer(post, one));
      this.put(post, index, at);
    } else if (this.groups.at(-1).posts.length < GROUP) {
      this.put(post, this.groups.length - 1, this.groups.at(-1).posts.length);
    } else {
      this.addGroup([post], this.groups.length);
    }
    const element = this.elementOf(post);
    if (fresh) element?.classList.add("is-new");
    return element;
  }

  /** Put a post into a group; one that has grown too large is two. */
  put(post, index, at) {
    const group = this.groups[index];
    group.posts.splice(at, 0, post);
    if (group.drawn) group.element.insertBefore(this.make(post), group.element.children[at] ?? null);
    if (group.posts.length < 2 * GROUP) return;
    const rest = group.posts.splice(GROUP);
    if (group.drawn) for (const _ of rest) group.element.lastChild.remove();
    this.addGroup(rest, index + 1);
  }

  /** The element of a post that is drawn. */
  elementOf(post) {
    for (const group of this.groups) {
      const at = group.posts.indexOf(post);
      if (at >= 0 && group.drawn) return group.element.children[at];
    }
    return undefined;
  }

  /** Say what this is, to those who hear it. */
  name() {
    if (this.groups.length === 0) return;
    this.body.setAttribute("role", "feed");
    this.body.setAttribute("aria-label", text("feed.name"));
    this.body.setAttribute("aria-busy", String(this.loading));
  }

  /** Say what it means that there are no posts. */
  explain(nothing) {
    this.note.textContent = nothing;
  }

  /** Take the keyboard to the first post. */
  focus() {
    (this.body.querySelector("article") ?? this.body).focus();
  }

  addGroup(posts, index) {
    const eager = this.groups.length === 0;
    const element = h(
      "div",
      { class: "feed-group" },
      posts.map((post, at) => this.make(post, eager && at === 0)),
    );
    const group = { posts, element, drawn: true };
    this.body.insertBefore(element, this.groups[index]?.element ?? null);
    this.groups.splice(index, 0, group);
    this.name();
    if (this.attached) this.drawer.observe(element);
    return group;
  }

  drawNear({ target, isIntersecting, boundingClientRect }) {
    const group = this.groups.find((one) => one.element === target);
    if (!group || !target.isConnected || group.drawn === isIntersecting) return;
    if (isIntersecting) return this.draw(group);
    // The keyboard's place must not vanish.
    if (target.contains(document.activeElement)) return;
    target.style.height = `${boundingClientRect.height}px`;
    target.replaceChildren();
    group.drawn = false;
  }

  draw(group) {
    if (group.drawn) return;
    group.element.replaceChildren(...group.posts.map((post) => this.make(post)));
    group.element.style.height = "";
    group.drawn = true;
  }
}
