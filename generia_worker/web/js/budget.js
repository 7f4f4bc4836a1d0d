// Dollars as a person writes them into a field.

import { wrongField } from "./api.js";
import { money } from "./dom.js";
import { text } from "./texts.js";

const MOST = 10_000;
/** “0.50”, “0,5”, “$2”. “1,000” would be one dollar to some and a thousand to others. */
const AMOUNT = /^\$?\s*(\d{0,5})(?:[.,](?=\d))?((?<=\.)\d{1,6}|(?<=,)\d{1,2})?$/;

/** The dollars that stand in a field, or undefined; throws what is wrong with them. */
export function budgetIn({ name, input }) {
  const typed = input.value.trim();
  if (!typed) return undefined;
  const [, whole, part = ""] = AMOUNT.exec(typed) ?? [];
  const usd = whole || part ? Number(`${whole || 0}.${part || 0}`) : NaN;
  if (usd > 0 && usd <= MOST) return usd;
  throw wrongField(name, text("create.budgetRule", { example: money(0.5, 2), most: money(MOST, 0) }));
}
