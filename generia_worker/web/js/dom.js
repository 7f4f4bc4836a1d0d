// Elements, and the few formats that the page needs. Text is only ever set as text: what a model wrote never becomes
// markup, but for its formulas (formulas.js).

import "./formulas.js";

/** Texts that may hold formulas: as nodes, and as lines. */
export const { rich, lines } = globalThis.formulas;

/** Make an element. `on…` props are listeners; children are nodes or text; empty ones are left out. */
export function h(tag, props, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name === "className" ? "class" : name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child || child === 0));
  return element;
}

/** One of the symbols in index.html, as decoration. */
export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `#i-${name}`);
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  svg.append(use);
  return svg;
}

/** A hue that belongs to an id, for what stands where a picture will be. */
export function tint(element, id) {
  let sum = 0;
  for (const char of id) sum = (sum * 31 + char.codePointAt(0)) % 360;
  element.style.setProperty("--hue", sum);
  return element;
}

const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto", style: "long" });
const absolute = new Intl.DateTimeFormat("en", { dateStyle: "medium", timeStyle: "short" });
const UNITS = [
  ["year", 31536000],
  ["month", 2592000],
  ["day", 86400],
  ["hour", 3600],
  ["minute", 60],
];

function ago(then) {
  const seconds = (then - Date.now()) / 1000;
  const [unit, size] = UNITS.find(([, size]) => Math.abs(seconds) >= size) ?? ["", 0];
  return unit ? relative.format(Math.round(seconds / size), unit) : "just now";
}

/** A moment, as a person says it; the exact one is in its title. */
export function moment(iso) {
  const then = new Date(iso);
  if (Number.isNaN(then.getTime())) return null;
  return h("time", { datetime: iso, title: absolute.format(then) }, ago(then));
}

/** “Just now” does not stay true. */
export function renewMoments() {
  for (const time of document.querySelectorAll("time")) time.textContent = ago(new Date(time.dateTime));
}

/** “3 posts”, “1 post”. */
export function count(number, one, many = `${one}s`) {
  return `${number} ${number === 1 ? one : many}`;
}

/** Dollars, with as many places as small sums need. */
export function dollars(sum) {
  if (sum === 0) return "$0.00";
  if (sum < 0.0001) return "under $0.0001";
  return `$${sum.toFixed(sum >= 1 ? 2 : sum >= 0.1 ? 3 : 4)}`;
}

/** Seconds, roughly. */
export function duration(seconds) {
  if (seconds < 60) return `${Math.max(1, Math.round(seconds))} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}

/** What a world is called, also before it has a name. */
export function nameOf(world) {
  const prompt = world.prompt ?? "";
  return world.name || (prompt.length > 60 ? `${prompt.slice(0, 57).trimEnd()}…` : prompt) || "A world";
}

/** True until nothing more will happen to a world by itself. */
export function isBeingMade(world) {
  return world.generation_status === "pending" || world.generation_status === "in_progress";
}

/** Say something to a screen reader, once, without showing it. */
export function announce(text) {
  document.getElementById("announcer").textContent = text;
}
