// What a world is: its lore, as far as it has been written.

import { h, lines, rich } from "./dom.js";

const TEXTS = [
  ["theme", "Theme"],
  ["geography", "Geography"],
  ["culture", "Culture"],
  ["social_structure", "Society"],
  ["technology_level", "Technology"],
  ["visual_style", "How it looks"],
];
const DETAILS = [
  ["climate", "Climate"],
  ["resources", "Resources"],
  ["conflicts", "Conflicts"],
  ["traditions", "Traditions"],
  ["technology", "Tools and crafts"],
  ["magic_system", "Magic"],
  ["time_period", "Time"],
  ["language", "Language"],
];

/** The view. */
export function aboutView(world) {
  const lore = world.params;
  const prompt = h(
    "figure",
    { class: "about-prompt" },
    h("figcaption", {}, "It began with one sentence"),
    h("blockquote", { dir: "auto" }, rich(world.prompt)),
  );
  if (!lore) return part(prompt, h("p", { class: "quiet" }, "More about this world is being written."));
  const details = lore.additional_details ?? {};
  return part(
    h("div", { class: "prose" }, paragraphs(lore.description || lore.description_short)),
    prompt,
    facts([...rows(lore, TEXTS), ...rows(details, DETAILS)]),
    lore.history &&
      h("div", { class: "prose" }, h("h2", { class: "part-title" }, "History"), paragraphs(lore.history)),
    h(
      "div",
      { class: "columns" },
      list("What people do here", lore.common_activities),
      list("Stories that are told", lore.typical_stories),
    ),
    list("And this", details.custom_details),
  );
}

const part = (...children) => ({
  element: h("section", { class: "page-part about", "aria-label": "About this world" }, ...children),
});

function paragraphs(text) {
  return lines(String(text ?? ""))
    .filter((line) => line.trim())
    .map((line) => h("p", { dir: "auto" }, rich(line)));
}

function rows(source, names) {
  return names
    .filter(([name]) => typeof source[name] === "string" && source[name].trim())
    .map(([name, label]) => [label, source[name]]);
}

function facts(pairs) {
  if (pairs.length === 0) return null;
  return h(
    "dl",
    { class: "facts" },
    pairs.map(([label, text]) => h("div", {}, h("dt", {}, label), h("dd", { dir: "auto" }, rich(text)))),
  );
}

function list(title, items) {
  if (!Array.isArray(items) || items.length === 0) return null;
  return h(
    "div",
    {},
    h("h2", { class: "part-title" }, title),
    h(
      "ul",
      { class: "plain" },
      items.map((item) => h("li", { dir: "auto" }, rich(item))),
    ),
  );
}
