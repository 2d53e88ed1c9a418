/** Whether a call fits all of its limits, and how long its answer may be. */

import { nanoFromPico, ZERO_USD, type NanoUsd } from "../money/amount.ts";
import { chargeOf, costWithin, type Markup } from "../money/markup.ts";
import type { Meter } from "./book.ts";
import { remaining, type Quote, type QuotedPrice, type Refusal, type Standing } from "./command.ts";

/** A limit in force, other than a soft one, and where it stands before the call. */
export interface StandingLimit {
  readonly standing: Standing;
  readonly lastCall: boolean;
}

export interface Grant {
  readonly ceiling: NanoUsd;
  readonly inputCeiling: NanoUsd;
  /** The output bound that the ceiling pays for, per choice: what was asked for, or what is affordable. */
  readonly outputTokens: number;
  readonly priced: boolean;
  /** A hard money limit leans on the bound, so the provider must be told. */
  readonly bounded: boolean;
  readonly markup: Markup | null;
}

export type Admission =
  | { readonly kind: "granted"; readonly grant: Grant }
  | { readonly kind: "refused"; readonly refusal: Refusal };

/** Everything is counted in charges: the quote's costs, marked up. */
export function admit(limits: readonly StandingLimit[], quote: Quote, model: string): Admission {
  const money = limits.filter((limit) => limit.standing.meter === "usd");
  if (quote.price === null && money.length > 0) return refused({ name: "unpriced_model", model });

  const outputTokens = clampedOutput(money, quote);
  const grant = grantOf(quote, outputTokens, money);
  const tooDear = money.find((limit) => !fits(limit, grant.ceiling));
  if (tooDear !== undefined) return refused(moneyRefusal(tooDear, quote));

  const amounts = heldAmounts(quote, grant);
  const tooMany = limits.find((limit) => !fits(limit, amounts[limit.standing.meter]));
  if (tooMany !== undefined) return refused({ name: "rate_limited", standing: tooMany.standing });

  return { kind: "granted", grant };
}

/** What a hold takes of each meter. */
export function heldAmounts(quote: Quote, grant: Grant): Readonly<Record<Meter, bigint>> {
  return {
    usd: grant.ceiling,
    tokens: BigInt(quote.inputTokens + grant.outputTokens * quote.choices),
    requests: 1n,
    concurrency: 1n,
    customers: 1n,
  };
}

/** The asked-for bound or, where a hard limit cannot pay for that, the longest it can, down to the useful minimum. */
function clampedOutput(money: readonly StandingLimit[], quote: Quote): number {
  const { price } = quote;
  if (price === null) return quote.outputTokens;
  const affordable = money
    .filter((limit) => !limit.lastCall)
    .map((limit) => affordableOutput(remaining(limit.standing), quote, price));
  const clamped = Math.min(quote.outputTokens, ...affordable);
  return Math.max(clamped, quote.outputTokensMin);
}

function affordableOutput(headroom: bigint, quote: Quote, price: QuotedPrice): number {
  const ratePico = price.outputRate * BigInt(quote.choices);
  if (ratePico === 0n) return quote.outputTokens;
  const leftPico = costWithin(headroom, quote.markup) * 1000n - beforeOutput(price);
  return leftPico < 0n ? 0 : Number(leftPico / ratePico);
}

function grantOf(quote: Quote, outputTokens: number, money: readonly StandingLimit[]): Grant {
  const { price, markup } = quote;
  if (price === null) {
    const free = { ceiling: ZERO_USD, inputCeiling: ZERO_USD };
    return { ...free, outputTokens, priced: false, bounded: false, markup };
  }
  return {
    ceiling: chargeOf(ceilingOf(price, quote.choices, outputTokens), markup),
    inputCeiling: chargeOf(nanoFromPico(price.inputPico), markup),
    outputTokens,
    priced: true,
    markup,
    bounded: price.outputRate > 0n && money.some((limit) => !limit.lastCall),
  };
}

/** Of the cost. */
function ceilingOf(price: QuotedPrice, choices: number, outputTokens: number): NanoUsd {
  return nanoFromPico(beforeOutput(price) + price.outputRate * BigInt(choices * outputTokens));
}

function beforeOutput({ inputPico, feesPico }: QuotedPrice): bigint {
  return inputPico + feesPico;
}

/** A call that costs nothing fits even a budget that is overspent. */
function fits({ standing, lastCall }: StandingLimit, amount: bigint): boolean {
  if (standing.meter === "usd" && amount === 0n) return true;
  if (amount <= remaining(standing)) return true;
  return lastCall && standing.held === 0n && standing.used < standing.cap;
}

/** Spent, or only held: would the least useful answer fit if nothing else were in flight? */
function moneyRefusal({ standing, lastCall }: StandingLimit, quote: Quote): Refusal {
  const { cap, used } = standing;
  const least = grantOf(quote, quote.outputTokensMin, []).ceiling;
  const fitsAlone = lastCall ? used < cap : used + least <= cap;
  return { name: fitsAlone ? "headroom_held" : "budget_exceeded", standing };
}

function refused(refusal: Refusal): Admission {
  return { kind: "refused", refusal };
}
