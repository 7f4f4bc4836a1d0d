// What a world cost, what failed in it, and taking it home. For who made it.

import { get } from "./api.js";
import { count, dollars, h, icon } from "./dom.js";
import { failureList } from "./failures.js";

const PARTS = {
  describe: "Description",
  illustrate: "Cover and icon",
  cast: "Cast",
  character: "Characters",
  avatar: "Avatars",
  plan: "Plans",
  post: "Posts",
  picture: "Pictures of posts",
};
const PROVIDERS = { llm: "text", images: "pictures" };

/**
 * The view; `retry()` tries failed steps again, and returns what went wrong with that, or an empty text. `refresh()` reads
 * the bill and the failures again.
 */
export function receiptView(world, { retry }) {
  const table = h("div", {}, h("p", { class: "quiet", role: "status" }, "Loading …"));
  const failures = h("div", {});
  const take = h(
    "a",
    { class: "button", href: `/api/v1/worlds/${world.id}/export`, download: "" },
    icon("down"),
    "Download this world",
  );
  const element = h(
    "section",
    { class: "page-part receipt", "aria-label": "Receipt" },
    table,
    failures,
    h(
      "div",
      { class: "receipt-export" },
      h(
        "div",
        {},
        h("h2", { class: "part-title" }, "Take it with you"),
        h(
          "p",
          { class: "quiet" },
          "A folder with every text and picture, and a page that opens without a server.",
        ),
      ),
      take,
    ),
  );
  const again = async () => {
    const problem = await retry();
    const kind = problem ? "field-error" : "quiet";
    const text = problem || "It is being tried again; what comes of it will stand here.";
    failures.append(h("p", { class: kind, role: "status" }, text));
    if (!problem) failures.replaceChildren(failures.lastChild);
  };
  async function refresh() {
    const [receipt, list] = await Promise.all([
      get(`/worlds/${world.id}/receipt`).catch((error) => error),
      failureList(world.id, { retry: again }),
    ]);
    table.replaceChildren(
      ...(receipt instanceof Error
        ? [h("p", { class: "field-error" }, receipt.message)]
        : bill(receipt)),
    );
    failures.replaceChildren(...(list ? [list] : []));
  }
  refresh();
  return { element, refresh };
}

function bill(receipt) {
  const number = (value) => h("td", { class: "number" }, value);
  const tokens = (line) =>
    line.provider === "llm" ? (line.prompt_tokens + line.completion_tokens).toLocaleString("en") : "";
  const line = (one) =>
    h(
      "tr",
      {},
      h(
        "th",
        { scope: "row" },
        PARTS[one.part] ?? one.part,
        h("span", { class: "quiet" }, ` ${PROVIDERS[one.provider] ?? one.provider}`),
      ),
      number(String(one.calls)),
      number(tokens(one)),
      number(dollars(one.cost_usd)),
    );
  const head = ["Part", "Calls", "Tokens", "Dollars"].map((text, at) =>
    h("th", { scope: "col", class: at && "number" }, text),
  );
  const sum = h(
    "tr",
    {},
    h("th", { scope: "row" }, "Total"),
    number(String(receipt.calls)),
    number(""),
    number(dollars(receipt.total_usd)),
  );
  return [
    h(
      "p",
      { class: "receipt-total" },
      h("strong", {}, dollars(receipt.total_usd)),
      h(
        "span",
        { class: "quiet" },
        `texts ${dollars(receipt.llm_usd)}, pictures ${dollars(receipt.images_usd)}`,
      ),
    ),
    h(
      "div",
      { class: "table-frame", tabindex: 0, role: "region", "aria-label": "What each part cost" },
      h(
        "table",
        {},
        h("thead", {}, h("tr", {}, head)),
        h("tbody", {}, receipt.lines.map(line)),
        h("tfoot", {}, sum),
      ),
    ),
    receipt.ambiguous_calls > 0 &&
      h(
        "p",
        { class: "quiet" },
        `${count(receipt.ambiguous_calls, "call")} ended without an answer and may have been billed.`,
      ),
    receipt.unknown_cost_calls > 0 &&
      h(
        "p",
        { class: "quiet" },
        `${count(receipt.unknown_cost_calls, "call")} were billed at a price that nobody named.`,
      ),
  ].filter(Boolean);
}
