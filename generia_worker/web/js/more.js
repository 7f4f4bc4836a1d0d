// More of a completed world: new characters, new posts, and what they may cost. For who made it.

import { post, wrongField } from "./api.js";
import { budgetIn } from "./budget.js";
import { h } from "./dom.js";
import { estimateOf, leftToday } from "./estimate.js";
import { field, sends } from "./forms.js";
import { slider } from "./slider.js";
import { text } from "./texts.js";

/** The form; `begun(status)` is told once more is being made. */
export function moreForm(world, { begun }) {
  const of = (kind, max, value) => ({
    number: text(`create.${kind}Number`),
    counted: `number.${kind}`,
    min: 0,
    max,
    value,
  });
  const fields = {
    characters: slider("characters_count", text("more.characters"), of("characters", 40, 0)),
    posts: slider("posts_count", text("more.posts"), of("posts", 250, 10)),
    budget: field(
      text("create.budget"),
      h("input", { name: "budget", inputmode: "decimal", autocomplete: "off" }),
      { hint: text("more.budgetHint") },
    ),
  };
  const counts = [fields.characters, fields.posts];
  const size = () => Object.fromEntries(counts.map((one) => [one.name, one.input.valueAsNumber]));
  const isSome = () => counts.some((one) => one.input.valueAsNumber);
  const estimate = estimateOf(`/worlds/${world.id}:estimate`, () => (isSome() ? size() : undefined), counts);
  const button = h("button", { class: "button primary", type: "submit" }, text("more.button"));
  const general = h("p", { class: "field-error", role: "alert" });
  const form = h(
    "form",
    { class: "more-form" },
    h("div", { class: "sliders" }, fields.characters.row, fields.posts.row),
    fields.budget.row,
    general,
    h("div", { class: "create-end" }, button, h("div", {}, estimate.element, leftToday({ worlds: false }))),
  );
  // What is sent again after a broken connection is the same request, until it was taken.
  let request = crypto.randomUUID();
  async function action() {
    for (const one of counts) if (one.wrong()) throw wrongField(one.name, one.wrong());
    const body = size();
    if (!isSome()) throw wrongField("posts_count", text("more.nothing"));
    body.budget = budgetIn(fields.budget);
    const status = await post(`/worlds/${world.id}:extend`, { ...body, request_id: request });
    request = crypto.randomUUID();
    begun(status);
  }
  form.addEventListener("input", () => (request = crypto.randomUUID()));
  sends(form, { fields: Object.values(fields), button, general, action });
  return form;
}
