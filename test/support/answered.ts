/** A call that was answered, with everything filled in that a test does not care about. */

import type { Answer } from "../../src/gateway/forward.ts";
import { CHAT } from "../../src/gateway/routes.ts";
import type { Answered } from "../../src/gateway/settle.ts";
import { nanoUsd, picoUsd } from "../../src/money/amount.ts";
import type { GivenRates } from "../../src/money/price.ts";
import type { BookPrice } from "../../src/money/pricing.ts";
import type { Convention } from "../../src/gateway/usage.ts";
import type { JsonObject } from "../../src/platform/json.ts";

/** A nano-dollar for a unit, so that costs and counts are the same numbers. */
export const NANO = picoUsd(1000n);

const CALL: Answered["call"] = {
  id: "c1",
  route: CHAT,
  form: null,
  uploads: [],
  passed: {},
  query: "",
  model: "m",
  customer: null,
  stream: true,
  wantsUsage: true,
  outputTokensMax: 100,
  choices: 1,
  body: {},
};

export const ANSWERED: Omit<Answered, "answer"> = {
  call: CALL,
  provider: "openai",
  hold: { id: "c1", ceiling: nanoUsd(0n), outputTokens: 100, bounded: false, markup: null },
  price: priceOf({ input: NANO, cacheRead: NANO, output: NANO, outputAudio: NANO }),
  pricedAt: 0,
  hasLeft: false,
  at: 1,
};

export function priceOf(rates: GivenRates): BookPrice {
  const base = { request: picoUsd(0n), ...rates };
  return { base, tiers: [], services: {}, version: "v", origin: "list" };
}

export function wholeAnswer(
  answer: JsonObject,
  convention: Convention = "openai_chat",
): Extract<Answer, { kind: "whole" }> {
  const body = Buffer.from(JSON.stringify(answer));
  return { kind: "whole", status: 200, headers: {}, body, told: { convention, answer } };
}
