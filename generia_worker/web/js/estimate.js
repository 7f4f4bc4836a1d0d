// What an order will take, told before anything is spent: dollars, time, calls; and what the day still allows.

import { get, post } from "./api.js";
import { duration, dollars, h, money, simulatedMark } from "./dom.js";
import { text } from "./texts.js";

/** How long the sliders must rest before the estimate is asked for. */
const REST_MS = 250;

/**
 * What the size will take that `sliders` are set to: asked for at `path` when they rest, never twice for one size.
 * `size()` is what is sent; undefined where there is nothing to estimate.
 */
export function estimateOf(path, size, sliders) {
  const moved = sliders.filter(Boolean);
  const line = h("output", { class: "estimate", for: moved.map((one) => one.input.id).join(" ") });
  const known = new Map();
  let timer = 0;
  let asking = null;
  async function ask() {
    asking?.abort();
    const asked = size();
    if (!asked) return line.replaceChildren();
    const key = JSON.stringify(asked);
    asking = new AbortController();
    try {
      if (!known.has(key)) known.set(key, await post(path, asked, { signal: asking.signal }));
      show(known.get(key));
    } catch (error) {
      if (error.name !== "AbortError") line.replaceChildren(text("estimate.unknown"));
    }
  }
  function show(found) {
    const cost = found.usd ? range(found.usd, roughly) : text("estimate.costUnknown");
    const calls = {
      texts: text("estimate.texts", { n: found.text_calls }),
      pictures: text("estimate.pictures", { n: found.image_calls }),
    };
    line.replaceChildren(
      h("strong", {}, cost),
      simulatedMark() || "",
      " · ",
      h("strong", {}, range(found.seconds, duration)),
      " ",
      h("span", { class: "quiet" }, text("estimate.calls", calls)),
    );
    line.classList.remove("is-old");
  }
  function later() {
    line.classList.add("is-old");
    clearTimeout(timer);
    timer = setTimeout(ask, REST_MS);
  }
  for (const one of moved) one.input.addEventListener("input", later);
  ask();
  const stop = () => {
    clearTimeout(timer);
    asking?.abort();
  };
  return { element: line, stop };
}

/** What the day still allows, where it has limits; shown before anything is ordered. Without `worlds`: dollars alone. */
export function leftToday({ worlds: areCounted = true } = {}) {
  const element = h("p", { class: "left-today quiet", hidden: true });
  get("/allowance", { quiet: true })
    .then((left) => {
      const worlds = left.worlds_left === null || !areCounted ? {} : { left: left.worlds_left, n: left.worlds_most };
      const sum = left.usd_left === null ? {} : { sum: roughly(left.usd_left) };
      const name = "n" in worlds ? ("sum" in sum ? "left.both" : "left.worlds") : "left.money";
      element.hidden = !("n" in worlds || "sum" in sum);
      if (!element.hidden) element.textContent = text(name, { ...worlds, ...sum });
    })
    .catch(() => {});
  return element;
}

/** An estimate has no use for a fourth figure. */
function roughly(sum) {
  return sum >= 0.01 ? money(sum, 2) : dollars(sum);
}

function range({ low, high }, format) {
  const [from, to] = [format(low), format(high)];
  return from === to ? text("estimate.about", { value: from }) : `${from} – ${to}`;
}
