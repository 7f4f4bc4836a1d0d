// The first page: a sentence, sliders, what it will take, and one button.

import { post, wrongField } from "./api.js";
import { budgetIn } from "./budget.js";
import { h, icon } from "./dom.js";
import { dropDraft, keepDraft, readDraft } from "./draft.js";
import { estimateOf, leftToday } from "./estimate.js";
import { field, sends } from "./forms.js";
import { go } from "./router.js";
import { reactionsAllowed } from "./reactions.js";
import { slider, wordSlider } from "./slider.js";
import { text } from "./texts.js";

/** How talkative characters can be, and how they are unless one says otherwise. */
const TALK = ["none", "some", "many"];
const TALK_USUAL = "some";
const EXAMPLES = ["create.example1", "create.example2", "create.example3"];
const PROMPT_MIN = 10;
/** As the server counts: code points, without the spaces around them. */
const PROMPT_MAX = 10_000;

/** The view of `user`; `created()` is called once a world is ordered. */
export function createView({ user, created }) {
  const draft = readDraft(user);
  const prompt = h("textarea", {
    name: "prompt",
    rows: 3,
    dir: "auto",
    placeholder: text("create.placeholder"),
  });
  const of = (kind, min, max, value) => ({
    number: text(`create.${kind}Number`),
    counted: `number.${kind}`,
    min,
    max,
    value,
  });
  const fields = {
    prompt: field(text("create.prompt"), prompt),
    characters: slider(
      "characters_count",
      text("create.characters"),
      of("characters", 1, 40, draft.characters_count ?? 5),
    ),
    posts: slider("posts_count", text("create.posts"), of("posts", 1, 250, draft.posts_count ?? 15)),
    ...(reactionsAllowed() && { reactions: talkOf(draft) }),
    budget: field(
      text("create.budget"),
      h("input", { name: "budget", inputmode: "decimal", autocomplete: "off" }),
      {
        hint: text("create.budgetHint"),
      },
    ),
  };
  prompt.value = draft.prompt ?? "";
  fields.budget.input.value = draft.budget ?? "";
  prompt.addEventListener("input", () => fields.prompt.fail(tooLong(prompt.value)));
  const all = Object.values(fields);
  const estimate = estimateOf("/worlds:estimate", () => sizeOf(fields), [
    fields.characters,
    fields.posts,
    fields.reactions,
  ]);
  const button = h(
    "button",
    { class: "button primary large", type: "submit" },
    icon("spark"),
    text("create.button"),
  );
  const general = h("p", { class: "field-error", role: "alert" });
  const form = h(
    "form",
    { class: "create-form" },
    fields.prompt.row,
    chips(prompt),
    h("div", { class: "sliders" }, fields.characters.row, fields.posts.row, fields.reactions?.row),
    h("details", { class: "budget", open: Boolean(draft.budget) }, h("summary", {}, text("create.setBudget")), fields.budget.row),
    general,
    h("div", { class: "create-end" }, button, h("div", {}, estimate.element, leftToday())),
  );
  form.addEventListener("input", () => {
    const values = Object.fromEntries(all.map((one) => [one.name, one.input.value]));
    keepDraft(user, values);
  });
  sends(form, { fields: all, button, general, action: () => begin(fields, form, created) });
  const few = h("div", {});
  const element = h(
    "div",
    { class: "page create" },
    h("h1", { tabindex: -1 }, text("create.heading")),
    h("p", { class: "lead" }, text("create.lead")),
    form,
    few,
  );
  import("./worlds.js").then(({ fewWorlds }) => few.replaceWith(fewWorlds()), () => {});
  return { element, title: text("create.title"), close: estimate.stop };
}

function talkOf(draft) {
  const words = TALK.map((value) => [value, text(`create.talk.${value}`)]);
  return wordSlider("reactions", text("create.reactions"), words, TALK[draft.reactions] ?? TALK_USUAL);
}

function chips(prompt) {
  const make = (name) => {
    const example = text(name);
    const chip = h("button", { type: "button", class: "chip" }, example);
    chip.addEventListener("click", () => {
      prompt.focus();
      prompt.select();
      // As if it were typed: undo gives back what stood there. There is no other way than this one, which is an old one.
      if (!document.execCommand("insertText", false, example)) {
        prompt.value = example;
        prompt.dispatchEvent(new Event("input", { bubbles: true }));
      }
    });
    return chip;
  };
  return h("div", { class: "chips", role: "group", "aria-label": text("create.examples") }, EXAMPLES.map(make));
}

async function begin(fields, form, created) {
  const world = await order(fields, form);
  dropDraft();
  created();
  go(`/worlds/${world.id}`);
}

async function order(fields, form) {
  const prompt = fields.prompt.input.value.trim();
  if ([...prompt].length < PROMPT_MIN)
    throw wrongField("prompt", prompt ? text("create.short", { n: PROMPT_MIN }) : text("create.empty"));
  if (tooLong(prompt)) throw wrongField("prompt", tooLong(prompt));
  for (const one of [fields.characters, fields.posts])
    if (one.wrong()) throw wrongField(one.name, one.wrong());
  try {
    return await post("/worlds", { prompt, ...sizeOf(fields), budget: budgetIn(fields.budget) });
  } catch (error) {
    if (error.fields?.budget) form.querySelector("details").open = true;
    throw error;
  }
}

/** Say how many characters of a text are too many, or nothing. */
function tooLong(prompt) {
  const more = [...prompt.trim()].length - PROMPT_MAX;
  return more > 0 ? text("create.long", { n: more, room: PROMPT_MAX }) : "";
}

function sizeOf(fields) {
  return {
    characters_count: fields.characters.input.valueAsNumber,
    posts_count: fields.posts.input.valueAsNumber,
    ...(fields.reactions && { reactions: fields.reactions.chosen() }),
  };
}
