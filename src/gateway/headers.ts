/** Headers of an answer: the provider's that are passed on, and Purser's own. */

import type { IncomingHttpHeaders } from "node:http";
import type { BudgetsConfig } from "../config/config.ts";
import type { Caller } from "../http/auth.ts";
import { remaining, type Standing } from "../ledger/command.ts";
import { formatUsd, nanoUsd, type NanoUsd } from "../money/amount.ts";
import { markedUp, type Markup } from "../money/markup.ts";

/** Of the provider's headers only these mean anything to its client; the rest describe a connection that ends here. */
const PASSED_ON = ["content-type", "content-encoding", "retry-after", "retry-after-ms"];
/** The last is what a translation says of itself. */
const PASSED_ON_PREFIXES = ["x-ratelimit-", "openai-", "x-purser-untranslated"];

/** Of a client's headers only these mean anything to its provider: they choose what of its API is spoken. */
const SENT_ON = ["anthropic-version", "anthropic-beta", "openai-beta"];

export function sentOn(headers: IncomingHttpHeaders): Headers {
  const sent = SENT_ON.map((name) => [name, headers[name]] as const);
  return Object.fromEntries(
    sent.filter((pair): pair is [string, string] => typeof pair[1] === "string"),
  );
}

export type Headers = Record<string, string>;

export function passedOn(headers: IncomingHttpHeaders): Headers {
  const passed: Headers = {};
  for (const name in headers) {
    const value = headers[name];
    if (typeof value === "string" && isPassedOn(name)) passed[name] = value;
  }
  return passed;
}

/** Whether this caller is not to see amounts of money: whoever has the master key may read all of them anyway. */
export function hidesAmounts({ key }: Caller, { hideAmounts }: BudgetsConfig): boolean {
  return hideAmounts && key !== null;
}

/** What is left of the customer's tightest money budget; null if there is none, or it is not to be seen. */
export function leftOf(standing: Standing | null, isHidden: boolean): NanoUsd | null {
  return standing === null || isHidden ? null : nanoUsd(remaining(standing));
}

/** What is left, in dollars, and when its window ends. */
export function standingHeaders(standing: Standing | null, isHidden: boolean): Headers {
  if (standing === null) return {};
  const left = leftOf(standing, isHidden);
  return {
    ...(left === null ? {} : { "x-purser-budget-remaining": formatUsd(left) }),
    ...resetHeader(standing),
  };
}

/** A charge and what it comes from. */
interface Charged {
  readonly charge: NanoUsd;
  readonly cost: NanoUsd;
  readonly markup: Markup | null;
}

/** In LiteLLM's names. What the operator earns by a call can be hidden; what it was charged is told to everybody. */
export function costHeaders({ charge, cost, markup }: Charged, isHidden: boolean): Headers {
  const { discount, margin } = markedUp(cost, markup);
  const name = "x-litellm-response-cost";
  const headers = { [name]: formatUsd(charge) };
  if (isHidden || markup === null || (discount === 0n && margin === 0n)) return headers;
  const percent = Number(markup.ppm) / PPM;
  return {
    ...headers,
    [`${name}-original`]: formatUsd(cost),
    ...(discount === 0n ? {} : { [`${name}-discount-amount`]: formatUsd(discount) }),
    ...(margin === 0n ? {} : { [`${name}-margin-amount`]: formatUsd(margin) }),
    ...(percent > 0 ? { [`${name}-margin-percent`]: String(percent) } : {}),
  };
}

const PPM = 1_000_000;

/** The limit that a call was refused for: whose it is, of which budget, and how it stands, in dollars or counts. */
export function budgetHeaders(standing: Standing, isHidden: boolean): Headers {
  const { scope, budgetId, meter, cap, used } = standing;
  const amounts = { spent: used, limit: cap, remaining: remaining(standing) };
  const isShown = meter !== "usd" || !isHidden;
  const shown = Object.entries(amounts).map(([name, amount]) => [
    `x-purser-budget-${name}`,
    meter === "usd" ? formatUsd(nanoUsd(amount)) : String(amount),
  ]);
  return {
    "x-purser-budget-scope": scope,
    ...(budgetId === "" ? {} : { "x-purser-budget-id": printable(budgetId) }),
    ...(isShown ? Object.fromEntries(shown) : {}),
    ...resetHeader(standing),
  };
}

function resetHeader({ windowEnd }: Standing): Headers {
  return windowEnd === null ? {} : { "x-purser-budget-reset": isoTime(windowEnd) };
}

/** A header holds ASCII only; everything else is percent-encoded. */
function printable(id: string): string {
  return id.replaceAll(/[^\x21-\x24\x26-\x7e]/gu, encodeURIComponent);
}

export function isoTime(ms: number): string {
  return Temporal.Instant.fromEpochMilliseconds(ms).toString();
}

function isPassedOn(name: string): boolean {
  return PASSED_ON.includes(name) || PASSED_ON_PREFIXES.some((prefix) => name.startsWith(prefix));
}
