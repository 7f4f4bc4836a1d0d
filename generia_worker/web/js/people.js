// Who lives in a world: the page of all, and one character's page.

import { get, query } from "./api.js";
import { content, day, h, icon, rich, tint, told } from "./dom.js";
import { picture } from "./images.js";
import { relations } from "./relations.js";
import { avatarOf, personPath } from "./strip.js";
import { parts, text } from "./texts.js";

const PAGE = 60;
const GRID = 30;

/** The page of all characters. */
export function peopleView(world) {
  const grid = h("ul", { class: "people" });
  const note = h("p", { class: "quiet", role: "status" }, text("loading"));
  const more = h("button", { class: "button", hidden: true }, text("more"));
  let shown = 0;
  async function load() {
    try {
      const page = await get(query(`/worlds/${world.id}/characters`, { limit: PAGE, offset: shown }));
      grid.append(...page.characters.map((person) => personCard(person, world.language)));
      shown += page.characters.length;
      more.hidden = shown >= page.total || page.characters.length === 0;
      note.textContent = shown ? "" : text("people.none");
    } catch (error) {
      note.replaceChildren(told(error));
      more.hidden = false;
    }
  }
  more.addEventListener("click", load);
  load();
  return {
    element: h(
      "section",
      { class: "page-part", "aria-label": text("tab.characters") },
      note,
      grid,
      h("div", { class: "more" }, more),
    ),
  };
}

function personCard(person, language) {
  const meta = person.meta ?? {};
  return h(
    "li",
    { class: "person" },
    tint(h("span", { class: "box person-face" }, avatarOf(person)), person.id),
    h(
      "div",
      {},
      h("h2", {}, h("a", { href: personPath(person), ...content(language) }, person.display_name)),
      h("p", { ...content(language) }, rich(meta.bio)),
    ),
  );
}

/** One character: who it is, and a grid of its posts. */
export function personView(world, characterId) {
  const head = h("div", { class: "character" }, h("p", { class: "quiet" }, text("loading")));
  const grid = h("ul", { class: "grid" });
  const note = h("p", { class: "quiet", role: "status" });
  const end = h("div", { class: "feed-end" });
  const element = h(
    "section",
    { class: "page-part" },
    head,
    h("h2", { class: "part-title" }, text("person.posts")),
    grid,
    note,
    end,
  );
  const posts = gridOf(world, characterId, { grid, note, end });
  get(`/characters/${characterId}`).then(
    (person) => head.replaceChildren(...portrait(person, world.language)),
    (error) => head.replaceChildren(h("p", { class: "field-error" }, told(error))),
  );
  return { element, attached: posts.start, close: posts.stop };
}

function gridOf(world, characterId, { grid, note, end }) {
  let shown = 0;
  let loading = false;
  let whole = false;
  const asker = new IntersectionObserver((entries) => entries.at(-1).isIntersecting && more(), {
    rootMargin: "800px 0px",
  });
  async function more() {
    if (loading || whole) return;
    loading = true;
    try {
      const page = await get(
        query(`/worlds/${world.id}/character/${characterId}/posts`, { limit: GRID, offset: shown }),
      );
      grid.append(...page.posts.map((post) => tile(post, world.language)));
      shown += page.posts.length;
      whole = shown >= page.total || page.posts.length === 0;
      note.textContent = page.total ? text("number.posts", { n: page.total }) : text("person.noPosts");
    } catch (error) {
      whole = true;
      note.replaceChildren(
        told(error),
        " ",
        h(
          "button",
          {
            class: "link",
            onclick: () => {
              whole = false;
              more();
            },
          },
          text("again"),
        ),
      );
    }
    loading = false;
    asker.unobserve(end);
    if (!whole) asker.observe(end);
  }
  return { start: () => asker.observe(end), stop: () => asker.disconnect() };
}

function tile(post, language) {
  const refresh = async () => (await get(`/worlds/${post.world_id}/posts/${post.post_id}`)).media_url;
  const label = post.caption.length > 80 ? `${post.caption.slice(0, 78)}…` : post.caption;
  const path = `/worlds/${post.world_id}/posts/${post.post_id}`;
  return h(
    "li",
    {},
    tint(
      h("a", { class: "box tile", href: path, lang: language ?? "", "aria-label": label }, picture(post.media_url, { refresh })),
      post.post_id,
    ),
  );
}

const TRAITS = ["personality", "background_story", "appearance", "speaking_style", "daily_routine"];

function portrait(person, language) {
  const meta = person.meta ?? {};
  const facts = TRAITS.filter((name) => typeof meta[name] === "string" && meta[name]);
  return [
    tint(
      h(
        "div",
        { class: "box character-face" },
        avatarOf(person, { eager: true, alt: text("person.portrait", { name: person.display_name }) }),
      ),
      person.id,
    ),
    h(
      "div",
      { class: "character-words" },
      h("h1", { tabindex: -1, ...content(language) }, person.display_name),
      h(
        "p",
        { class: "quiet" },
        meta.username && [h("span", content(), `@${String(meta.username).replace(/^@/, "")}`), " · "],
        parts("person.since", { date: day(person.created_at) }),
      ),
      meta.bio && h("p", { class: "character-bio", ...content(language) }, rich(meta.bio)),
      chips(meta.interests, language),
      facts.length > 0 &&
        h(
          "dl",
          { class: "facts" },
          facts.map((name) =>
            h("div", {}, h("dt", {}, text(`person.${name}`)), h("dd", { ...content(language) }, rich(meta[name]))),
          ),
        ),
      relations(person, language),
      meta.secret &&
        h(
          "details",
          { class: "secret" },
          h("summary", {}, icon("lock"), text("person.secret")),
          h("p", { ...content(language) }, rich(meta.secret)),
        ),
    ),
  ];
}

function chips(words, language) {
  if (!Array.isArray(words) || words.length === 0) return null;
  return h(
    "ul",
    { class: "tags is-plain", "aria-label": text("person.interests") },
    words.map((word) => h("li", { ...content(language) }, rich(word))),
  );
}
