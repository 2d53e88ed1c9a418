/** The most that a call can use and cost, under the price of the deployment that would answer it. */

import { picoUsd } from "../money/amount.ts";
import { dearestInput, dearestOutput, type Price, type Rates } from "../money/price.ts";
import { USAGE_PARTS, type Usage } from "../money/usage.ts";
import type { Quote, QuotedPrice } from "../ledger/command.ts";
import type { Call } from "./call.ts";

/** A model whose maximum is not known gets this much; every model that is served today accepts it. */
const OUTPUT_TOKENS_DEFAULT = 4096;

/** About a sentence: a shorter answer is cut off before it says anything, yet costs its whole input. */
const OUTPUT_TOKENS_MIN = 16;

export function quote(
  call: Pick<Call, "outputTokensMax" | "choices" | "isUnbounded" | "units">,
  price: Price | null,
  inputTokens: number,
  modelOutputTokensMax: number | null,
): Quote {
  const outputTokens = Math.min(
    call.outputTokensMax ?? modelOutputTokensMax ?? OUTPUT_TOKENS_DEFAULT,
    modelOutputTokensMax ?? Number.MAX_SAFE_INTEGER,
  );
  return {
    inputTokens,
    outputTokens,
    outputTokensMin:
      call.isUnbounded === true ? outputTokens : Math.min(outputTokens, OUTPUT_TOKENS_MIN),
    choices: call.choices,
    price: price === null ? null : quotedPrice(price, inputTokens, call.units ?? {}),
  };
}

/** At the dearest of the tiers that the input can reach: the true input may be shorter than its bound. */
function quotedPrice(price: Price, inputTokens: number, units: Usage): QuotedPrice {
  const reachable = price.tiers.filter((tier) => tier.aboveInputTokens < inputTokens);
  const rates = [price.base, ...reachable.map((tier) => tier.rates)];
  const input = dearest(rates.map(dearestInput));
  const request = dearest(rates.map((rate) => rate.request));
  return {
    inputPico:
      BigInt(inputTokens) * input + request + dearest(rates.map((rate) => unitsCost(units, rate))),
    outputRate: picoUsd(dearest(rates.map(dearestOutput))),
  };
}

function unitsCost(units: Usage, rates: Rates): bigint {
  return USAGE_PARTS.reduce(
    (total, part) => total + BigInt(units[part] ?? 0) * (rates[part] ?? 0n),
    0n,
  );
}

function dearest(prices: readonly bigint[]): bigint {
  return prices.reduce((most, price) => (price > most ? price : most), 0n);
}
