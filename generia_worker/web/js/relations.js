// Whom a character knows: a map around it for those who see, and below it a list that says the same and more.

import { get, query } from "./api.js";
import { content, h, rich, tint } from "./dom.js";
import { avatarOf, personPath } from "./strip.js";
import { text } from "./texts.js";

/** So many stand on the map. */
const MOST = 12;
/** They are known by their names alone, which are looked for among so many characters of the world. */
const PAGE = 100;
const PAGES = 3;
const COLUMNS = 3;

const words = (value) => (typeof value === "string" ? value.trim() : "");
const keyOf = (name) => words(name).toLowerCase();

/** Whom a character knows, with a map; nothing where it knows nobody. Faces and links come once they are found. */
export function relations(person, language) {
  const known = knownTo(person);
  if (known.length === 0) return null;
  const place = h("div", { class: "relations" });
  const show = (found) => {
    const people = known.map((one) => {
      const living = found.get(keyOf(one.name));
      return { ...one, found: living, name: living?.display_name ?? one.name };
    });
    place.replaceChildren(
      h("h2", { class: "part-title" }, text("person.relations")),
      mapOf(person, people, language),
      h("ul", {}, people.map((one) => row(one, language))),
    );
  };
  show(new Map());
  lookUp(person.world_id, known).then(show, () => {});
  return place;
}

/** What a model or a service wrote may be anything: what names nobody is left out. */
function knownTo(person) {
  const list = person.meta?.relationships;
  return (Array.isArray(list) ? list : [])
    .map((one) => ({
      name: words(one?.character),
      type: words(one?.relationship_type),
      description: words(one?.description),
    }))
    .filter((one) => one.name);
}

async function lookUp(worldId, wanted) {
  const found = new Map();
  for (let n = 0; n < PAGES; n += 1) {
    const page = await get(query(`/worlds/${worldId}/characters`, { limit: PAGE, offset: n * PAGE }));
    for (const one of page.characters) {
      const key = keyOf(one.display_name);
      // Of those who are called the same, the first one is meant.
      if (!found.has(key)) found.set(key, one);
    }
    if (page.characters.length < PAGE || wanted.every((one) => found.has(keyOf(one.name)))) break;
  }
  return found;
}

function row({ name, type, description, found }, language) {
  return h(
    "li",
    { ...content(language) },
    h("strong", {}, found ? h("a", { href: personPath(found) }, name) : name),
    type && ` · ${type}`,
    description && h("p", {}, rich(description)),
  );
}

// --- the map -----------------------------------------------------------------------------------------------------------
/** Hidden from screen readers and the keyboard, which have the list: it says the same. */
function mapOf(person, people, language) {
  const shown = people.slice(0, MOST);
  const rows = shown.length <= 2 ? 1 : shown.length <= 8 ? 3 : 5;
  const cells = around(rows);
  const lines = svg("svg", { class: "knows-lines" });
  const field = h("div", { class: `knows-field has-${rows}` }, lines);
  const middle = [1, (rows - 1) / 2];
  // Where the face of a cell is: in the middle, with room for two lines and two lines below it.
  const pointOf = ([column, row]) => [`${((column + 0.5) * 100) / COLUMNS}%`, `${((row + 0.27) * 100) / rows}%`];
  const put = (one, cell) => {
    const [[x1, y1], [x, y]] = [pointOf(middle), pointOf(cell)];
    lines.append(svg("line", { x1, y1, x2: x, y2: y }));
    one.style.left = x;
    one.style.top = y;
    field.append(one);
  };
  put(node(person.display_name, "", person, language), middle);
  // Evenly spread over the cells.
  shown.forEach((one, at) =>
    put(node(one.name, one.type, one.found, language, true), cells[Math.round((at * cells.length) / shown.length)]),
  );
  const left = people.length - shown.length;
  return h(
    "figure",
    { class: "knows", "aria-hidden": "true" },
    field,
    left > 0 && h("figcaption", { class: "quiet" }, text("person.knowsMore", { n: left })),
  );
}

/** The cells around the middle, clockwise from the top. */
function around(rows) {
  if (rows === 1) return [[2, 0], [0, 0]];
  const [last, down] = [rows - 1, Array.from({ length: rows }, (_, row) => row)];
  return [[1, 0], ...down.map((row) => [2, row]), [1, last], ...down.toReversed().map((row) => [0, row])];
}

/** One who stands on the map; initials stand where there is no face. */
function node(name, type, found, language, leads = false) {
  const said = content(language);
  const face = tint(
    h("span", { class: "box knows-face" }, h("span", { class: "initials", ...said }, initials(name)), found && avatarOf(found)),
    found?.id ?? name,
  );
  const label = h("span", { class: "knows-name", ...said }, name);
  const who =
    found && leads
      ? h("a", { class: "knows-who", href: personPath(found), tabindex: -1 }, face, label)
      : h("span", { class: "knows-who" }, face, label);
  return h("div", { class: "knows-one" }, who, type && h("span", { class: "knows-type quiet", ...said }, type));
}

function initials(name) {
  const letters = name.split(/\s+/).map((word) => Array.from(word)[0] ?? "");
  return letters.slice(0, 2).join("").toLocaleUpperCase();
}

function svg(tag, attributes) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}
