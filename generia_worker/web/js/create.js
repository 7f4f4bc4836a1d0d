// The first page: a sentence, two sliders, what it will take, and one button.

import { Problem, get, post } from "./api.js";
import { count, duration, dollars, h, icon } from "./dom.js";
import { dropDraft, keepDraft, readDraft } from "./draft.js";
import { field, sends } from "./forms.js";
import { go } from "./router.js";
import { slider } from "./slider.js";

const EXAMPLES = [
  "A lighthouse kept by retired pirates",
  "A night market on the moon",
  "An Alpine village run by its cows",
];
const PROMPT_MIN = 10;
/** As the server counts: code points, without the spaces around them. */
const PROMPT_MAX = 10_000;
const BUDGET_MAX = 10_000;
/** “0.50”, “0,5”, “$2”. “1,000” would be one dollar to some and a thousand to others. */
const AMOUNT = /^\$?\s*(\d{0,5})(?:[.,](?=\d))?((?<=\.)\d{1,6}|(?<=,)\d{1,2})?$/;
/** How long the sliders must rest before the estimate is asked for. */
const REST_MS = 250;

/** The view of `user`; `created()` is called once a world is ordered. */
export function createView({ user, created }) {
  const draft = readDraft(user);
  const prompt = h("textarea", {
    name: "prompt",
    rows: 3,
    dir: "auto",
    placeholder: "A small town at the edge of a desert where it rains only on Thursdays …",
  });
  const fields = {
    prompt: field("Your world, in a sentence or two", prompt),
    characters: slider("characters_count", "Characters", "characters", { min: 1, max: 40, value: draft.characters_count ?? 5 }),
    posts: slider("posts_count", "Posts", "posts", { min: 1, max: 250, value: draft.posts_count ?? 15 }),
    budget: field(
      "Budget in dollars",
      h("input", { name: "budget", inputmode: "decimal", autocomplete: "off" }),
      {
        hint: "Optional. The world ends in order where it is reached.",
      },
    ),
  };
  prompt.value = draft.prompt ?? "";
  fields.budget.input.value = draft.budget ?? "";
  prompt.addEventListener("input", () => fields.prompt.fail(tooLong(prompt.value)));
  const all = Object.values(fields);
  const estimate = estimateOf(fields);
  const button = h(
    "button",
    { class: "button primary large", type: "submit" },
    icon("spark"),
    "Create world",
  );
  const general = h("p", { class: "field-error", role: "alert" });
  const form = h(
    "form",
    { class: "create-form" },
    fields.prompt.row,
    chips(prompt),
    h("div", { class: "sliders" }, fields.characters.row, fields.posts.row),
    h("details", { class: "budget", open: Boolean(draft.budget) }, h("summary", {}, "Set a budget"), fields.budget.row),
    general,
    h("div", { class: "create-end" }, button, h("div", {}, estimate.element, leftToday())),
  );
  form.addEventListener("input", () => {
    const values = Object.fromEntries(all.map((one) => [one.name, one.input.value]));
    keepDraft(user, values);
  });
  sends(form, { fields: all, button, general, action: () => begin(fields, form, created) });
  const element = h(
    "div",
    { class: "page create" },
    h("h1", { tabindex: -1 }, "What world shall it be?"),
    h(
      "p",
      { class: "lead" },
      "Describe it. Its history, its people, what they write and the pictures they take are made for you, while you watch.",
    ),
    form,
  );
  return { element, title: "New world", close: estimate.stop };
}

function chips(prompt) {
  const make = (text) => {
    const chip = h("button", { type: "button", class: "chip" }, text);
    chip.addEventListener("click", () => {
      prompt.focus();
      prompt.select();
      // As if it were typed: undo gives back what stood there. There is no other way than this one, which is an old one.
      if (!document.execCommand("insertText", false, text)) {
        prompt.value = text;
        prompt.dispatchEvent(new Event("input", { bubbles: true }));
      }
    });
    return chip;
  };
  return h("div", { class: "chips", role: "group", "aria-label": "Examples" }, EXAMPLES.map(make));
}

async function begin(fields, form, created) {
  const world = await order(fields, form);
  dropDraft();
  created();
  go(`/worlds/${world.id}`);
}

async function order(fields, form) {
  const text = fields.prompt.input.value.trim();
  if ([...text].length < PROMPT_MIN) {
    const message = text
      ? `A little more, please: at least ${PROMPT_MIN} characters.`
      : "Say what world it shall be.";
    throw new Problem(422, { errors: [{ field: "prompt", message }] });
  }
  if (tooLong(text)) throw new Problem(422, { errors: [{ field: "prompt", message: tooLong(text) }] });
  for (const one of [fields.characters, fields.posts])
    if (one.wrong()) throw new Problem(422, { errors: [{ field: one.name, message: one.wrong() }] });
  const body = { prompt: text, ...sizeOf(fields) };
  const budget = fields.budget.input.value.trim();
  if (budget) {
    body.budget = amount(budget);
    if (!(body.budget > 0 && body.budget <= BUDGET_MAX)) {
      form.querySelector("details").open = true;
      const message = `An amount of dollars above 0, such as 0.50, and at most ${BUDGET_MAX}.`;
      throw new Problem(422, { errors: [{ field: "budget", message }] });
    }
  }
  try {
    return await post("/worlds", body);
  } catch (error) {
    if (error.fields?.budget) form.querySelector("details").open = true;
    throw error;
  }
}

/** Say how many characters of a text are too many, or nothing. */
function tooLong(text) {
  const more = [...text.trim()].length - PROMPT_MAX;
  if (more <= 0) return "";
  return `${count(more, "character")} too many: there is room for ${PROMPT_MAX.toLocaleString("en")}.`;
}

/** Dollars as a person writes them, as a number; NaN where it is none. */
function amount(text) {
  const [, whole, part = ""] = AMOUNT.exec(text) ?? [];
  return whole || part ? Number(`${whole || 0}.${part || 0}`) : NaN;
}

function sizeOf(fields) {
  return {
    characters_count: fields.characters.input.valueAsNumber,
    posts_count: fields.posts.input.valueAsNumber,
  };
}

/** What a world of the sliders' size will take: asked for when they rest, never twice for one size. */
function estimateOf(fields) {
  const text = h("output", { class: "estimate", for: "slider-characters_count slider-posts_count" });
  const known = new Map();
  let timer = 0;
  let asking = null;
  async function ask() {
    const size = sizeOf(fields);
    const key = JSON.stringify(size);
    asking?.abort();
    asking = new AbortController();
    try {
      if (!known.has(key)) known.set(key, await post("/worlds:estimate", size, { signal: asking.signal }));
      show(known.get(key));
    } catch (error) {
      if (error.name !== "AbortError") text.replaceChildren("What it will take cannot be told just now.");
    }
  }
  function show(found) {
    const money = found.usd ? range(found.usd, roughly) : "cost unknown";
    text.replaceChildren(
      h("strong", {}, money),
      " · ",
      h("strong", {}, range(found.seconds, duration)),
      " ",
      h("span", { class: "quiet" }, `${found.text_calls} texts and ${found.image_calls} pictures`),
    );
    text.classList.remove("is-old");
  }
  function later() {
    text.classList.add("is-old");
    clearTimeout(timer);
    timer = setTimeout(ask, REST_MS);
  }
  for (const one of [fields.characters, fields.posts]) one.input.addEventListener("input", later);
  ask();
  const stop = () => {
    clearTimeout(timer);
    asking?.abort();
  };
  return { element: text, stop };
}

/** What the day still allows, where it has limits; shown before anything is ordered. */
function leftToday() {
  const element = h("p", { class: "left-today quiet", hidden: true });
  get("/allowance", { quiet: true })
    .then((left) => {
      const parts = [];
      if (left.worlds_left !== null) parts.push(`${left.worlds_left} of ${left.worlds_most} worlds`);
      if (left.usd_left !== null) parts.push(roughly(left.usd_left));
      element.textContent = `Today left: ${parts.join(" and ")}`;
      element.hidden = parts.length === 0;
    })
    .catch(() => {});
  return element;
}

/** An estimate has no use for a fourth figure. */
function roughly(sum) {
  return sum >= 0.01 ? `$${sum.toFixed(2)}` : dollars(sum);
}

function range({ low, high }, format) {
  const [from, to] = [format(low), format(high)];
  return from === to ? `about ${from}` : `${from} – ${to}`;
}
