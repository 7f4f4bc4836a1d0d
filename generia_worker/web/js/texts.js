// What the page says, in the reader's language: one file a language, in /texts/. A message is a text, or one a plural
// category of the number `n`; `{name}` stands for a value.

/** The languages that there is a file of, each by its own name. */
export const LANGUAGES = { en: "English", ru: "Русский" };
const FALLBACK = "en";
const KEY = "language";

/** The language of the page, and the same as the reader's browser says it (“en-GB”): dates and numbers go by this one. */
export let language = FALLBACK;
export let locale = FALLBACK;
let texts = {};
let numbers = null;
let plurals = null;
let changed = () => {};

const base = (tag) => tag.toLowerCase().split("-")[0];

function kept() {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null;
  }
}

/** The languages of the reader that there is a file of, the best one first. */
function wanted() {
  return [kept() ?? "", ...navigator.languages].filter((tag) => Object.hasOwn(LANGUAGES, base(tag)));
}

async function use(tag) {
  const reply = await fetch(`/texts/${base(tag)}.json`);
  if (!reply.ok) throw new Error(`There are no texts: the server answered ${reply.status}.`);
  texts = await reply.json();
  language = base(tag);
  locale = navigator.languages.find((one) => base(one) === language) ?? language;
  numbers = new Intl.NumberFormat(locale);
  plurals = new Intl.PluralRules(locale);
  document.documentElement.lang = language;
}

/** Name what is to be done when the reader chose another language. */
export function onLanguage(action) {
  changed = action;
}

/** Let the page speak another language from now on, in this browser. */
export async function choose(code) {
  await use(code);
  try {
    localStorage.setItem(KEY, code);
  } catch {
    // Without storage it is kept as long as the page.
  }
  changed();
}

/** True when there is a message of this name. */
export const knows = (name) => Object.hasOwn(texts, name);

/** A message in pieces: its texts, and its values in between, which may be elements. */
export function parts(name, values = {}) {
  const found = texts[name] ?? name;
  const message = typeof found === "string" ? found : (found[plurals.select(values.n)] ?? found.other);
  return message.split(/\{(\w+)\}/).map((part, at) => (at % 2 ? shown(values[part]) : part));
}

/** A message as text. */
export const text = (name, values) => parts(name, values).join("");

/** A message that may not be there, such as the name of what a later server knows: then `otherwise`. */
export const textOr = (name, otherwise, values) => (knows(name) ? text(name, values) : otherwise);

/** A number, as the reader writes it. */
export const number = (value) => numbers.format(value);

function shown(value) {
  return typeof value === "number" ? number(value) : value;
}

await use(wanted()[0] ?? FALLBACK);
