// What a world is: its lore, as far as it has been written.

import { get } from "./api.js";
import { content, h, lines, rich } from "./dom.js";
import { locale, text } from "./texts.js";

const TEXTS = ["theme", "geography", "culture", "social_structure", "technology_level", "visual_style"];
const DETAILS = [
  "climate",
  "resources",
  "conflicts",
  "traditions",
  "technology",
  "magic_system",
  "time_period",
  "language",
];

/** The view. */
export function aboutView(world) {
  const lore = world.params;
  const said = content(world.language);
  const prompt = h(
    "figure",
    { class: "about-prompt" },
    h("figcaption", {}, text("about.prompt")),
    h("blockquote", said, rich(world.prompt)),
  );
  if (!lore) return part(prompt, h("p", { class: "quiet" }, text("about.later")));
  const details = lore.additional_details ?? {};
  return part(
    h("div", { class: "prose" }, paragraphs(lore.description || lore.description_short, said)),
    prompt,
    facts([...rows(lore, TEXTS), ...rows(details, DETAILS)], said),
    lore.history &&
      h(
        "div",
        { class: "prose" },
        h("h2", { class: "part-title" }, text("about.history")),
        paragraphs(lore.history, said),
      ),
    h(
      "div",
      { class: "columns" },
      list("common_activities", lore, said),
      list("typical_stories", lore, said),
    ),
    list("custom_details", details, said),
    chronicle(world, said),
  );
}

/** What happened, day by day, the last day first; nothing where the world does not live on. */
function chronicle(world, said) {
  const place = h("div", {});
  get(`/worlds/${world.id}/chronicle`, { quiet: true }).then(
    (days) => {
      if (days.length === 0) return;
      const day = (one) =>
        h(
          "div",
          {},
          h("dt", {}, new Date(`${one.day}T12:00:00Z`).toLocaleDateString(locale, { dateStyle: "medium" })),
          h("dd", said, h("strong", {}, rich(one.headline)), " ", rich(one.what_happened)),
        );
      const heading = h("h2", { class: "part-title" }, text("about.chronicle"));
      place.replaceChildren(heading, h("dl", { class: "facts" }, days.reverse().map(day)));
    },
    () => {},
  );
  return place;
}

const part = (...children) => ({
  element: h("section", { class: "page-part about", "aria-label": text("about.name") }, ...children),
});

function paragraphs(whole, said) {
  return lines(String(whole ?? ""))
    .filter((line) => line.trim())
    .map((line) => h("p", said, rich(line)));
}

function rows(source, names) {
  return names
    .filter((name) => typeof source[name] === "string" && source[name].trim())
    .map((name) => [text(`about.${name}`), source[name]]);
}

function facts(pairs, said) {
  if (pairs.length === 0) return null;
  return h(
    "dl",
    { class: "facts" },
    pairs.map(([label, fact]) => h("div", {}, h("dt", {}, label), h("dd", said, rich(fact)))),
  );
}

function list(name, source, said) {
  const items = source[name];
  if (!Array.isArray(items) || items.length === 0) return null;
  return h(
    "div",
    {},
    h("h2", { class: "part-title" }, text(`about.${name}`)),
    h(
      "ul",
      { class: "plain" },
      items.map((item) => h("li", said, rich(item))),
    ),
  );
}
