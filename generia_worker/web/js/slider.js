// A range with a filled track and its value on the thumb. The input is the browser's own: keyboard, touch and screen
// readers work as everywhere.

import { h } from "./dom.js";

/** Make one. `noun` says what it counts (“characters”). */
export function slider(name, label, noun, { min, max, value }) {
  const input = h("input", { type: "range", name, id: `slider-${name}`, min, max, value, step: 1 });
  const bubble = h("span", { class: "slider-value", "aria-hidden": "true" });
  const error = h("p", { class: "field-error", id: `slider-${name}-error` });
  input.setAttribute("aria-describedby", error.id);
  const track = h("div", { class: "slider-track" }, input, bubble);
  const row = h(
    "div",
    { class: "field slider" },
    h("label", { for: input.id }, label),
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
    input.setAttribute("aria-valuetext", `${input.value} ${noun}`);
  }
  input.addEventListener("input", () => {
    fail("");
    show();
  });
  function fail(text) {
    error.textContent = text;
  }
  show();
  return { row, input, fail, name };
}
