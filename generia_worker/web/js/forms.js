// Fields whose errors stand beside them, and forms that send once.

import { Problem } from "./api.js";
import { h, told } from "./dom.js";

let lastId = 0;

/**
 * A labelled field around `input`; `fail(text)` shows an error at it, and an empty text takes it away. `rule` is what the
 * field takes, in words.
 */
export function field(label, input, { hint = "", name = input.name, rule = "" } = {}) {
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
    error.replaceChildren(text);
    if (text) input.setAttribute("aria-invalid", "true");
    else input.removeAttribute("aria-invalid");
  }
  input.addEventListener("input", () => fail(""));
  return { row, input, fail, name, rule };
}

/** Sends a form once at a time, and shows what is wrong where it is wrong. */
export function sends(form, { fields, button, general, action }) {
  form.noValidate = true;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (button.getAttribute("aria-busy") === "true") return;
    button.setAttribute("aria-busy", "true");
    general.replaceChildren();
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
  for (const one of atFault) one.fail(words(problem.fields[one.name], one.rule));
  if (atFault.length > 0) (atFault[0].typed ?? atFault[0].input).focus();
  else general.replaceChildren(told(problem));
}

/** What is wrong with a field: a pattern is no explanation, the rule is one. */
function words(wrong, rule) {
  if (!wrong.untold) return wrong.message;
  return rule || told({ ...wrong, message: sentence(wrong.message) });
}

/** Validation speaks in fragments; a person is spoken to in sentences. */
function sentence(text) {
  const whole = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?…]$/.test(whole) ? whole : `${whole}.`;
}
