// What failed in a world, and why; with a button that tries it again.

import { get } from "./api.js";
import { count, h, icon } from "./dom.js";

const KINDS = {
  initialize: "Start",
  describe: "Description",
  illustrate: "Cover and icon",
  cast: "Cast",
  fan_out: "Distribution",
  character: "Character",
  plan: "Plan of character",
  avatar: "Avatar of character",
  post: "Post",
  picture: "Picture of post",
  finish: "End",
};

/** “picture/07/03” → “Picture of post 3 by character 7”. */
function stepName(step) {
  const [kind, ...numbers] = step.split("/");
  const name = KINDS[kind] ?? kind;
  const [first, post] = numbers.map(Number);
  if (post !== undefined) return `${name} ${post} by character ${first}`;
  return first === undefined || kind === "cast" ? name : `${name} ${first}`;
}

/** The list, or null when nothing failed or it is not one's own world. */
export async function failureList(worldId, { retry }) {
  const found = await get(`/worlds/${worldId}/failures`).catch(() => []);
  if (found.length === 0) return null;
  const failed = found.filter((one) => one.state === "failed");
  const others = found.length - failed.length;
  const shown = failed.length > 0 ? failed : found;
  const button = h("button", { class: "button" }, icon("again"), "Try again");
  button.addEventListener("click", async () => {
    button.disabled = true;
    await retry();
    button.disabled = false;
  });
  return h(
    "div",
    { class: "failures" },
    h(
      "div",
      { class: "failures-head" },
      h(
        "h2",
        { class: "part-title" },
        count(shown.length, "step") + (failed.length > 0 ? " failed" : " left out"),
        others > 0 &&
          failed.length > 0 &&
          h("span", { class: "quiet" }, ` and ${others} left out because of it`),
      ),
      button,
    ),
    h(
      "ul",
      {},
      shown
        .slice(0, 20)
        .map((one) =>
          h("li", {}, h("strong", {}, stepName(one.step)), h("span", { class: "quiet" }, one.reason)),
        ),
    ),
    shown.length > 20 && h("p", { class: "quiet" }, `… and ${shown.length - 20} more.`),
  );
}
