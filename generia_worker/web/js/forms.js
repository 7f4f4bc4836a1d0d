// Fields whose errors stand beside them, and forms that send once.

import { Problem } from "./api.js";
import { h } from "./dom.js";

let lastId = 0;

/** A labelled field around `input`; `fail(text)` shows an error at it, and an empty text takes it away. */
export function field(label, input, { hint = "", name = input.name } = {}) {
  const id = `field-${++lastId}`;
  const error = h("p", { class: "field-error", id: `${id}-error` });
  input.id = id;
  input.setAttribute("aria-describedby", hint ? `${id}-hint ${id}-error` : `${id}-error`);
  const row = h(
    "div",
    { class: "field" },
    h("label", { for: id }, label),
    hint && h("p", { class: "hint", id: `${id}-hint` }, hint),
    input,
    error,
  );
  function fail(text) {
    error.textContent = text;
    if (text) input.setAttribute("aria-invalid", "true");
    else input.removeAttribute("aria-invalid");
  }
  input.addEventListener("input", () => fail(""));
  return { row, input, fail, name };
}

/** Sends a form once at a time, and shows what is wrong where it is wrong. */
export function sends(form, { fields, button, general, action }) {
  form.noValidate = true;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (button.getAttribute("aria-busy") === "true") return;
    button.setAttribute("aria-busy", "true");
    general.textContent = "";
    for (const one of fields) one.fail("");
    try {
      await action();
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      showProblem(error, fields, general);
    } finally {
      button.setAttribute("aria-busy", "false");
    }
  });
}

function showProblem(problem, fields, general) {
  const atFault = fields.filter((one) => problem.fields[one.name]);
  for (const one of atFault) one.fail(sentence(problem.fields[one.name]));
  if (atFault.length > 0) (atFault[0].typed ?? atFault[0].input).focus();
  else general.textContent = problem.message;
}

/** Validation speaks in fragments; a person is spoken to in sentences. */
export function sentence(text) {
  const whole = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?…]$/.test(whole) ? whole : `${whole}.`;
}
