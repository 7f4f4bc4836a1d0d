// What failed in a world, and why; with a button that tries it again.

import { get } from "./api.js";
import { h, icon } from "./dom.js";
import { text, textOr } from "./texts.js";

/** “picture/07/03” → “Picture of post 3 by character 7”. */
function stepName(step) {
  const [kind, first, post] = step.split("/");
  return textOr(`step.${kind}`, step, { first: Number(first), post: Number(post) });
}

/** The list, or null when nothing failed or it is not one's own world. */
export async function failureList(worldId, { retry }) {
  const found = await get(`/worlds/${worldId}/failures`).catch(() => []);
  if (found.length === 0) return null;
  const failed = found.filter((one) => one.state === "failed");
  const others = found.length - failed.length;
  const shown = failed.length > 0 ? failed : found;
  const button = h("button", { class: "button" }, icon("again"), text("again"));
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
        text(failed.length > 0 ? "failures.failed" : "failures.skipped", { n: shown.length }),
        others > 0 &&
          failed.length > 0 &&
          h("span", { class: "quiet" }, ` ${text("failures.others", { n: others })}`),
      ),
      button,
    ),
    h(
      "ul",
      {},
      shown
        .slice(0, 20)
        .map((one) =>
          h("li", {}, h("strong", {}, stepName(one.step)), h("span", { class: "quiet", lang: "en" }, one.reason)),
        ),
    ),
    shown.length > 20 && h("p", { class: "quiet" }, text("failures.more", { n: shown.length - 20 })),
  );
}
