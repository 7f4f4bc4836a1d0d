// The choice of the page's language.

import { h } from "./dom.js";
import { LANGUAGES, choose, language, text } from "./texts.js";

/** A list of all languages, each by its own name. */
export function languageChoice() {
  const list = h(
    "select",
    { class: "language", "aria-label": text("language") },
    Object.entries(LANGUAGES).map(([code, name]) =>
      h("option", { value: code, lang: code, selected: code === language }, name),
    ),
  );
  list.addEventListener("change", () => choose(list.value));
  return list;
}
