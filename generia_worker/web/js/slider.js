// A range with a filled track and its value on the thumb, and a field in which the value can be typed. Both inputs are the
// browser's own: keyboard, touch and screen readers work as everywhere.

import { h } from "./dom.js";
import { text } from "./texts.js";

/**
 * Make one. `number` names the field, `counted` the message that says a value (“number.posts”). `wrong()` says what is wrong
 * with what was typed, or nothing.
 */
export function slider(name, label, { number, counted, min, max, value }) {
  const id = `slider-${name}`;
  const error = h("p", { class: "field-error", id: `${id}-error` });
  const input = h("input", { type: "range", name, id, min, max, value, step: 1, "aria-describedby": error.id });
  const typed = h("input", {
    type: "text",
    class: "slider-typed",
    inputmode: "numeric",
    autocomplete: "off",
    "aria-label": number,
    "aria-describedby": error.id,
  });
  const bubble = h("span", { class: "slider-value", "aria-hidden": "true" });
  const track = h("div", { class: "slider-track" }, input, bubble);
  const row = h(
    "div",
    { class: "field slider" },
    h("div", { class: "slider-head" }, h("label", { for: id }, label), typed),
    track,
    h(
      "div",
      { class: "slider-ends", "aria-hidden": "true" },
      h("span", {}, String(min)),
      h("span", {}, String(max)),
    ),
    error,
  );
  function show() {
    const part = (input.valueAsNumber - min) / (max - min);
    track.style.setProperty("--part", part.toFixed(4));
    bubble.textContent = input.value;
    input.setAttribute("aria-valuetext", text(counted, { n: input.valueAsNumber }));
  }
  function set(value) {
    input.value = value;
    input.dispatchEvent(new Event("input", { bubbles: true }));
  }
  input.addEventListener("input", () => {
    fail("");
    if (document.activeElement !== typed) typed.value = input.value;
    show();
  });
  const wrong = () => {
    const found = /^\d{1,6}$/.test(typed.value.trim()) ? Number(typed.value) : NaN;
    return found >= min && found <= max ? "" : text("create.wholeNumber", { min, max });
  };
  typed.addEventListener("input", () => (wrong() ? fail("") : set(typed.value.trim())));
  typed.addEventListener("change", () => fail(wrong()));
  // A finger that goes on to scroll the page has touched the slider on its way: the browser takes the touch away from it.
  let before = input.value;
  input.addEventListener("pointerdown", () => (before = input.value), { capture: true });
  input.addEventListener("pointercancel", () => set(before));
  function fail(wrong) {
    error.replaceChildren(wrong);
    if (wrong) typed.setAttribute("aria-invalid", "true");
    else typed.removeAttribute("aria-invalid");
  }
  typed.value = input.value;
  show();
  return { row, input, typed, fail, name, wrong };
}

/** A slider over a few words. `words` are [value, label]; `input.value` is the place of one, `chosen()` its value. */
export function wordSlider(name, label, words, value) {
  const id = `slider-${name}`;
  const at = Math.max(words.findIndex(([one]) => one === value), 0);
  const input = h("input", { type: "range", name, id, min: 0, max: words.length - 1, value: at, step: 1 });
  const track = h("div", { class: "slider-track" }, input);
  const said = h("output", { class: "slider-word", for: id });
  const row = h(
    "div",
    { class: "field slider" },
    h("div", { class: "slider-head" }, h("label", { for: id }, label), said),
    track,
    h(
      "div",
      { class: "slider-ends", "aria-hidden": "true" },
      h("span", {}, words[0][1]),
      h("span", {}, words[words.length - 1][1]),
    ),
  );
  function show() {
    const word = words[input.valueAsNumber][1];
    track.style.setProperty("--part", (input.valueAsNumber / (words.length - 1)).toFixed(4));
    said.textContent = word;
    input.setAttribute("aria-valuetext", word);
  }
  input.addEventListener("input", show);
  show();
  return { row, input, name, fail: () => {}, wrong: () => "", chosen: () => words[input.valueAsNumber][0] };
}
