// Who lives in a world: the page of all, and one character's page.

import { get, query } from "./api.js";
import { count, h, icon, moment, rich, tint } from "./dom.js";
import { picture } from "./images.js";
import { avatarOf, personPath } from "./strip.js";

const PAGE = 60;
const GRID = 30;

/** The page of all characters. */
export function peopleView(worldId) {
  const grid = h("ul", { class: "people" });
  const note = h("p", { class: "quiet", role: "status" }, "Loading …");
  const more = h("button", { class: "button", hidden: true }, "Show more");
  let shown = 0;
  async function load() {
    try {
      const page = await get(query(`/worlds/${worldId}/characters`, { limit: PAGE, offset: shown }));
      grid.append(...page.characters.map(personCard));
      shown += page.characters.length;
      more.hidden = shown >= page.total || page.characters.length === 0;
      note.textContent = shown ? "" : "Nobody lives here yet.";
    } catch (error) {
      note.textContent = error.message;
      more.hidden = false;
    }
  }
  more.addEventListener("click", load);
  load();
  return {
    element: h(
      "section",
      { class: "page-part", "aria-label": "Characters" },
      note,
      grid,
      h("div", { class: "more" }, more),
    ),
  };
}

function personCard(person) {
  const meta = person.meta ?? {};
  return h(
    "li",
    { class: "person" },
    tint(h("span", { class: "box person-face" }, avatarOf(person)), person.id),
    h(
      "div",
      {},
      h("h2", {}, h("a", { href: personPath(person), dir: "auto" }, person.display_name)),
      h("p", { dir: "auto" }, rich(meta.bio)),
    ),
  );
}

/** One character: who it is, and a grid of its posts. */
export function personView(worldId, characterId) {
  const head = h("div", { class: "character" }, h("p", { class: "quiet" }, "Loading …"));
  const grid = h("ul", { class: "grid" });
  const note = h("p", { class: "quiet", role: "status" });
  const end = h("div", { class: "feed-end" });
  const element = h(
    "section",
    { class: "page-part" },
    head,
    h("h2", { class: "part-title" }, "Posts"),
    grid,
    note,
    end,
  );
  const posts = gridOf(worldId, characterId, { grid, note, end });
  get(`/characters/${characterId}`).then(
    (person) => head.replaceChildren(...portrait(person)),
    (error) => head.replaceChildren(h("p", { class: "field-error" }, error.message)),
  );
  return { element, attached: posts.start, close: posts.stop };
}

function gridOf(worldId, characterId, { grid, note, end }) {
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
        query(`/worlds/${worldId}/character/${characterId}/posts`, { limit: GRID, offset: shown }),
      );
      grid.append(...page.posts.map(tile));
      shown += page.posts.length;
      whole = shown >= page.total || page.posts.length === 0;
      note.textContent = page.total ? count(page.total, "post") : "No posts yet.";
    } catch (error) {
      whole = true;
      note.replaceChildren(
        error.message,
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
          "Try again",
        ),
      );
    }
    loading = false;
    asker.unobserve(end);
    if (!whole) asker.observe(end);
  }
  return { start: () => asker.observe(end), stop: () => asker.disconnect() };
}

function tile(post) {
  const refresh = async () => (await get(`/worlds/${post.world_id}/posts/${post.post_id}`)).media_url;
  const label = post.caption.length > 80 ? `${post.caption.slice(0, 78)}…` : post.caption;
  const path = `/worlds/${post.world_id}/posts/${post.post_id}`;
  return h(
    "li",
    {},
    tint(
      h("a", { class: "box tile", href: path, "aria-label": label }, picture(post.media_url, { refresh })),
      post.post_id,
    ),
  );
}

const TRAITS = [
  ["personality", "Personality"],
  ["background_story", "Story so far"],
  ["appearance", "Appearance"],
  ["speaking_style", "How they speak"],
  ["daily_routine", "An ordinary day"],
];

function portrait(person) {
  const meta = person.meta ?? {};
  const facts = TRAITS.filter(([name]) => typeof meta[name] === "string" && meta[name]);
  const joined = moment(person.created_at);
  return [
    tint(
      h(
        "div",
        { class: "box character-face" },
        avatarOf(person, { eager: true, alt: `Portrait of ${person.display_name}` }),
      ),
      person.id,
    ),
    h(
      "div",
      { class: "character-words" },
      h("h1", { tabindex: -1, dir: "auto" }, person.display_name),
      h(
        "p",
        { class: "quiet" },
        meta.username && `@${String(meta.username).replace(/^@/, "")} · `,
        "here since ",
        joined,
      ),
      meta.bio && h("p", { class: "character-bio", dir: "auto" }, rich(meta.bio)),
      chips(meta.interests),
      facts.length > 0 &&
        h(
          "dl",
          { class: "facts" },
          facts.map(([name, label]) =>
            h("div", {}, h("dt", {}, label), h("dd", { dir: "auto" }, rich(meta[name]))),
          ),
        ),
      relations(meta.relationships),
      meta.secret &&
        h(
          "details",
          { class: "secret" },
          h("summary", {}, icon("lock"), "A secret"),
          h("p", { dir: "auto" }, rich(meta.secret)),
        ),
    ),
  ];
}

function chips(words) {
  if (!Array.isArray(words) || words.length === 0) return null;
  return h(
    "ul",
    { class: "tags", "aria-label": "Interests" },
    words.map((word) => h("li", { dir: "auto" }, rich(word))),
  );
}

function relations(list) {
  if (!Array.isArray(list) || list.length === 0) return null;
  const row = (one) =>
    h(
      "li",
      { dir: "auto" },
      h("strong", {}, String(one.character ?? "")),
      one.relationship_type && ` · ${one.relationship_type}`,
      one.description && h("p", {}, rich(one.description)),
    );
  return h(
    "div",
    { class: "relations" },
    h("h2", { class: "part-title" }, "Who is who to them"),
    h("ul", {}, list.map(row)),
  );
}
