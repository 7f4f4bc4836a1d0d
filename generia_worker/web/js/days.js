// A world that lives on: so many posts a day, what they may cost, a pause, an end. For who made it.

import { Problem, call, get, wrongField } from "./api.js";
import { budgetIn } from "./budget.js";
import { dollars, h, told } from "./dom.js";
import { field, sends } from "./forms.js";
import { slider } from "./slider.js";
import { locale, text } from "./texts.js";

/** How the world lives on, and the form that changes it. */
export function daysForm(world) {
  const path = `/worlds/${world.id}/schedule`;
  const state = h("p", { class: "quiet", role: "status" });
  const fields = {
    posts: slider("posts_a_day", text("days.posts"), {
      number: text("create.postsNumber"),
      counted: "number.posts",
      min: 1,
      max: 50,
      value: 5,
    }),
    day: sum("budget_a_day", text("days.budgetADay")),
    all: sum("budget_total", text("days.budgetTotal")),
    until: field(text("days.until"), h("input", { name: "until", type: "date" }), { hint: text("days.untilHint") }),
  };
  const general = h("p", { class: "field-error", role: "alert" });
  const begin = h("button", { class: "button primary", type: "submit" }, text("days.begin"));
  const pause = h("button", { class: "button", type: "button", hidden: true });
  const end = h("button", { class: "button", type: "button", hidden: true }, text("days.end"));
  let now = null;

  const form = h(
    "form",
    { class: "more-form" },
    state,
    fields.posts.row,
    fields.day.row,
    fields.all.row,
    fields.until.row,
    general,
    h("div", { class: "panel-actions" }, begin, pause, end),
  );

  function show(schedule) {
    now = schedule;
    const lives = schedule && !schedule.ended;
    state.textContent = schedule ? said(schedule) : text("days.none");
    begin.textContent = text(lives ? "days.change" : "days.begin");
    pause.hidden = end.hidden = !lives;
    pause.textContent = text(schedule?.paused ? "days.goOn" : "days.pause");
  }

  function body(paused) {
    if (fields.posts.wrong()) throw wrongField("posts_a_day", fields.posts.wrong());
    const asked = { posts_a_day: fields.posts.input.valueAsNumber, paused };
    for (const one of [fields.day, fields.all]) asked[one.name] = budgetIn(one);
    if (fields.until.input.value) asked.until = fields.until.input.value;
    return asked;
  }

  const change = async (paused) => show(await call("PUT", path, body(paused)));
  const pressed = (action) => async () => {
    try {
      general.replaceChildren();
      await action();
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      general.replaceChildren(told(error));
    }
  };
  pause.addEventListener("click", pressed(() => change(!now.paused)));
  end.addEventListener("click", pressed(async () => show(await call("DELETE", path))));
  sends(form, { fields: Object.values(fields), button: begin, general, action: () => change(false) });

  get(path, { quiet: true }).then(
    (schedule) => {
      show(schedule);
      if (!schedule) return;
      fields.posts.input.value = schedule.posts_a_day;
      fields.posts.input.dispatchEvent(new Event("input", { bubbles: true }));
      fields.day.input.value = schedule.budget_a_day ?? "";
      fields.all.input.value = schedule.budget_total ?? "";
      fields.until.input.value = schedule.until;
    },
    () => show(null),
  );
  return form;
}

function sum(name, label) {
  return field(label, h("input", { name, inputmode: "decimal", autocomplete: "off" }), { hint: text("days.optional") });
}

function said({ days, spent_usd: spent, paused, ended, waiting, next_at: next }) {
  const values = { n: days, sum: dollars(spent) };
  const so = text("days.soFar", values);
  if (ended) return `${so} ${text("days.ended")}`;
  if (paused) return `${so} ${text("days.paused")}`;
  if (waiting) return `${so} ${text("days.waits")}`;
  const when = next ? new Date(next).toLocaleString(locale, { dateStyle: "medium", timeStyle: "short" }) : "";
  return `${so} ${text("days.next", { when })}`;
}
