/** An event of a budget as a message of Slack's incoming webhooks. */

import type { LedgerEvent } from "../ledger/event.ts";
import { formatUsd, nanoUsd } from "../money/amount.ts";
import { isoTime } from "./standard-body.ts";

export function slackBody(event: LedgerEvent): string {
  return JSON.stringify({ text: escaped(textOf(event)) });
}

function textOf({ type, customer, data }: LedgerEvent): string {
  if (!("limit" in data)) throw new Error(`${type} is not told to Slack`);
  const who = customer === null ? `Key ${data.keyAlias ?? data.keyHash}` : `Customer ${customer}`;
  const model = data.model === null ? "" : ` on ${data.model}`;
  const facts = `${dollars(data.used)} of ${dollars(data.limit)} spent${model}`;
  const reset = data.windowEnd === null ? "" : `, until ${isoTime(data.windowEnd)}`;
  return `${who}: ${titleOf(type, data)}. ${facts}${reset}.`;
}

function titleOf(type: LedgerEvent["type"], data: LedgerEvent["data"]): string {
  if ("percent" in data) return `${String(data.percent)} % of the budget is used`;
  if (type === "budget.soft_crossed") return "soft budget crossed";
  if ("projectedSpend" in data) {
    const date = isoTime(data.projectedExceededDate).slice(0, "YYYY-MM-DD".length);
    return `on the way to ${dollars(data.projectedSpend)}, past the budget on ${date}`;
  }
  return type === "budget.crossed" ? "budget crossed" : type;
}

/** Slack reads these three as markup; a customer's name must not ring everybody's bell. */
function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

function dollars(nanoDollars: string): string {
  return `$${formatUsd(nanoUsd(BigInt(nanoDollars)))}`;
}
