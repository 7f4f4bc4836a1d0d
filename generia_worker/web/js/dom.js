// Elements, and the few formats that the page needs. Text is only ever set as text: what a model wrote never becomes
// markup, but for its formulas (formulas.js).

import "./formulas.js";
import { locale, text } from "./texts.js";

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

/** What a text of people or models stands in: its direction is the text's own, its language that of the world (empty: not
 * known, which is not the page's). */
export const content = (language) => ({ dir: "auto", lang: language ?? "" });

/** A hue that belongs to an id, for what stands where a picture will be. */
export function tint(element, id) {
  let sum = 0;
  for (const char of id) sum = (sum * 31 + char.codePointAt(0)) % 360;
  element.style.setProperty("--hue", sum);
  return element;
}

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
  if (!unit) return text("justNow");
  return new Intl.RelativeTimeFormat(locale, { numeric: "auto" }).format(Math.round(seconds / size), unit);
}

/** A moment, as a person says it; the exact one is in its title. */
export function moment(iso) {
  const then = new Date(iso);
  if (Number.isNaN(then.getTime())) return null;
  const exact = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short" }).format(then);
  return h("time", { class: "ago", datetime: iso, title: exact }, ago(then));
}

/** A day. */
export function day(iso) {
  const then = new Date(iso);
  if (Number.isNaN(then.getTime())) return null;
  return h("time", { datetime: iso }, new Intl.DateTimeFormat(locale, { dateStyle: "long" }).format(then));
}

/** “Just now” does not stay true. */
export function renewMoments() {
  for (const time of document.querySelectorAll("time.ago")) time.textContent = ago(new Date(time.dateTime));
}

/** Dollars, with as many places as small sums need. */
export function dollars(sum) {
  if (sum > 0 && sum < 0.0001) return text("money.under", { sum: money(0.0001, 4) });
  return money(sum, sum >= 1 || sum === 0 ? 2 : sum >= 0.1 ? 3 : 4);
}

/** Dollars, with so many places. */
export function money(sum, places) {
  const options = { style: "currency", currency: "USD", currencyDisplay: "narrowSymbol" };
  const digits = { minimumFractionDigits: places, maximumFractionDigits: places };
  return new Intl.NumberFormat(locale, { ...options, ...digits }).format(sum);
}

let simulated = false;

/** Say whether nothing is really spent here; told by the session. */
export function dollarsAreSimulated(yes) {
  simulated = yes;
}

/** What stands beside a sum where nothing is really spent. */
export const simulatedMark = () =>
  simulated && h("span", { class: "quiet is-simulated" }, ` (${text("money.simulated")})`);

/** Seconds, roughly. */
export function duration(seconds) {
  if (seconds < 60) return measure(Math.max(1, Math.round(seconds)), "second");
  if (seconds < 5400) return measure(Math.round(seconds / 60), "minute");
  return measure(seconds / 3600, "hour");
}

function measure(number, unit) {
  const options = { style: "unit", unit, unitDisplay: "short", maximumFractionDigits: 1 };
  return new Intl.NumberFormat(locale, options).format(number);
}

/** What went wrong, as it is shown: what only the server has words for stands in those, which are English. */
export function told(error) {
  return error.untold ? h("span", { lang: "en" }, error.message) : error.message;
}

/** What a world is called, also before it has a name. */
export function nameOf(world) {
  const prompt = world.prompt ?? "";
  return world.name || (prompt.length > 60 ? `${prompt.slice(0, 57).trimEnd()}…` : prompt) || text("world.unnamed");
}

/** True until nothing more will happen to a world by itself. */
export function isBeingMade(world) {
  return world.generation_status === "pending" || world.generation_status === "in_progress";
}

/** Say something to a screen reader, once, without showing it. */
export function announce(text) {
  document.getElementById("announcer").textContent = text;
}
