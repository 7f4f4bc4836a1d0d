// Whether the characters of a world reply to people, and what that may cost. For who made it.

import { Problem, call, get, wrongField } from "./api.js";
import { budgetIn } from "./budget.js";
import { dollars, h, told } from "./dom.js";
import { field, sends } from "./forms.js";
import { text } from "./texts.js";

/** How the switch stands, and the form that changes it. */
export function repliesForm(world) {
  const path = `/worlds/${world.id}/replies`;
  const state = h("p", { class: "quiet", role: "status" });
  const budget = field(text("replies.budget"), h("input", { name: "budget", inputmode: "decimal", autocomplete: "off" }), {
    hint: text("replies.budgetHint"),
  });
  const general = h("p", { class: "field-error", role: "alert" });
  const on = h("button", { class: "button primary", type: "submit" }, text("replies.on"));
  const off = h("button", { class: "button", type: "button", hidden: true }, text("replies.off"));
  const form = h(
    "form",
    { class: "more-form" },
    state,
    budget.row,
    general,
    h("div", { class: "panel-actions" }, on, off),
  );

  function show(status) {
    state.textContent = said(status);
    on.textContent = text(status.on ? "replies.change" : "replies.on");
    off.hidden = !status.on;
    if (status.budget !== null) budget.input.value = status.budget;
  }

  async function switchOn() {
    const usd = budgetIn(budget);
    if (usd === undefined) throw wrongField("budget", text("replies.budgetNeeded"));
    show(await call("PUT", path, { budget: usd }));
  }

  off.addEventListener("click", async () => {
    general.replaceChildren();
    try {
      show(await call("DELETE", path));
      on.focus();
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      general.replaceChildren(told(error));
    }
  });
  sends(form, { fields: [budget], button: on, general, action: switchOn });
  get(path, { quiet: true }).then(show, (error) => general.replaceChildren(told(error)));
  return form;
}

function said({ on, budget, replies, spent_usd: spent, used_up: usedUp, a_day: most }) {
  if (budget === null) return text("replies.never");
  const so = text("replies.soFar", { n: replies, sum: dollars(spent), most: dollars(budget) });
  if (!on) return `${so} ${text("replies.isOff")}`;
  return `${so} ${usedUp ? text("replies.usedUp") : text("replies.isOn", { n: most })}`;
}
