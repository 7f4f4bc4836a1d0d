// What a world cost, what failed in it, and taking it home. For who made it.

import { get } from "./api.js";
import { dollars, h, icon, simulatedMark, told } from "./dom.js";
import { failureList } from "./failures.js";
import { locale, text, textOr } from "./texts.js";

/**
 * The view; `retry()` tries failed steps again, and returns what went wrong with that, or an empty text. `refresh()` reads
 * the bill and the failures again.
 */
export function receiptView(world, { retry }) {
  const table = h("div", {}, h("p", { class: "quiet", role: "status" }, text("loading")));
  const failures = h("div", {});
  const take = h(
    "a",
    { class: "button", href: `/api/v1/worlds/${world.id}/export`, download: "" },
    icon("down"),
    text("receipt.download"),
  );
  const element = h(
    "section",
    { class: "page-part receipt", "aria-label": text("receipt.name") },
    table,
    failures,
    h(
      "div",
      { class: "receipt-export" },
      h(
        "div",
        {},
        h("h2", { class: "part-title" }, text("receipt.take")),
        h("p", { class: "quiet" }, text("receipt.takeText")),
      ),
      take,
    ),
  );
  const again = async () => {
    const problem = await retry();
    const kind = problem ? "field-error" : "quiet";
    failures.append(h("p", { class: kind, role: "status" }, problem || text("receipt.again")));
    if (!problem) failures.replaceChildren(failures.lastChild);
  };
  async function refresh() {
    const [receipt, list] = await Promise.all([
      get(`/worlds/${world.id}/receipt`).catch((error) => error),
      failureList(world.id, { retry: again }),
    ]);
    table.replaceChildren(
      ...(receipt instanceof Error
        ? [h("p", { class: "field-error" }, told(receipt))]
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
    line.provider === "llm" ? (line.prompt_tokens + line.completion_tokens).toLocaleString(locale) : "";
  const line = (one) =>
    h(
      "tr",
      {},
      h(
        "th",
        { scope: "row" },
        textOr(`part.${one.part}`, one.part),
        h("span", { class: "quiet" }, ` ${textOr(`provider.${one.provider}`, one.provider)}`),
      ),
      number(String(one.calls)),
      number(tokens(one)),
      number(dollars(one.cost_usd)),
    );
  const head = ["part", "calls", "tokens", "dollars"].map((name, at) =>
    h("th", { scope: "col", class: at && "number" }, text(`receipt.${name}`)),
  );
  const sum = h(
    "tr",
    {},
    h("th", { scope: "row" }, text("receipt.total")),
    number(String(receipt.calls)),
    number(""),
    number(dollars(receipt.total_usd)),
  );
  return [
    h(
      "p",
      { class: "receipt-total" },
      h("strong", {}, dollars(receipt.total_usd)),
      simulatedMark(),
      h(
        "span",
        { class: "quiet" },
        text("receipt.sums", { texts: dollars(receipt.llm_usd), pictures: dollars(receipt.images_usd) }),
      ),
    ),
    h(
      "div",
      { class: "table-frame", tabindex: 0, role: "region", "aria-label": text("receipt.table") },
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
        text("receipt.ambiguous", { n: receipt.ambiguous_calls }),
      ),
    receipt.unknown_cost_calls > 0 &&
      h(
        "p",
        { class: "quiet" },
        text("receipt.unpriced", { n: receipt.unknown_cost_calls }),
      ),
  ].filter(Boolean);
}
