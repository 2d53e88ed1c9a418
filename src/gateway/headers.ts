/** Headers of an answer: the provider's that are passed on, and Purser's own. */

import type { IncomingHttpHeaders } from "node:http";
import { remaining, type Standing } from "../ledger/command.ts";
import { formatUsd, nanoUsd } from "../money/amount.ts";

/** Of the provider's headers only these mean anything to its client; the rest describe a connection that ends here. */
const PASSED_ON = ["content-type", "content-encoding", "retry-after", "retry-after-ms"];
const PASSED_ON_PREFIXES = ["x-ratelimit-", "openai-"];

export type Headers = Record<string, string>;

export function passedOn(headers: IncomingHttpHeaders): Headers {
  const passed: Headers = {};
  for (const name in headers) {
    const value = headers[name];
    if (typeof value === "string" && isPassedOn(name)) passed[name] = value;
  }
  return passed;
}

/** What is left of the customer's tightest money budget, in dollars, and when its window ends. */
export function standingHeaders(standing: Standing | null): Headers {
  if (standing === null) return {};
  const left = { "x-purser-budget-remaining": formatUsd(nanoUsd(remaining(standing))) };
  if (standing.windowEnd === null) return left;
  return { ...left, "x-purser-budget-reset": isoTime(standing.windowEnd) };
}

export function isoTime(ms: number): string {
  return Temporal.Instant.fromEpochMilliseconds(ms).toString();
}

function isPassedOn(name: string): boolean {
  return PASSED_ON.includes(name) || PASSED_ON_PREFIXES.some((prefix) => name.startsWith(prefix));
}
