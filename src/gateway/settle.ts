/** From an answer to the command that ends its hold. */

import { spentOn } from "../ledger/attempts.ts";
import type { FailedAttempt } from "../ledger/book.ts";
import type { Held, Release, Settle } from "../ledger/command.ts";
import { nanoUsd, ZERO_USD } from "../money/amount.ts";
import { chargeOf } from "../money/markup.ts";
import { unpricedParts } from "../money/price.ts";
import { priced, type BookPrice, type Priced } from "../money/pricing.ts";
import type { Call } from "./call.ts";
import { objectAt, objectOf } from "./dialects/events.ts";
import type { Json, JsonObject } from "../platform/json.ts";
import { likelyUnits } from "./dialects/media.ts";
import {
  estimatedOutputTokens,
  speechInTokens,
  tokensOfBytes,
  type MeteredUsage,
} from "./estimate.ts";
import type { Answer, Told } from "./forward.ts";
import type { Reserved } from "./reserve.ts";
import { estimatedInputTokens } from "./tokens.ts";
import { usageOf } from "./usage.ts";
import type { Counted } from "./usage/counted.ts";

export interface Answered {
  readonly call: Call;
  readonly provider: string;
  readonly hold: Held;
  readonly price: BookPrice | null;
  /** The time of the price. */
  readonly pricedAt: number;
  readonly answer: Answer;
  /** What failed before it. */
  readonly attempts: readonly FailedAttempt[];
  readonly at: number;
}

/** What an answer costs by itself. */
export type Figures = Pick<Settle, "usage" | "source"> & Priced;

/**
 * The answer's cost and that of the attempts before it are one charge; where nothing was produced there is none.
 * `hasLeft`: the client, before it had all of the answer.
 */
export async function ending(answered: Answered, hasLeft = false): Promise<Settle | Release> {
  const { hold, answer, at } = answered;
  const { id, markup } = hold;
  const note = noteOf(answer) ?? (hasLeft ? "client_left" : null);
  const figures = await figuresOf(answered);
  const spent = spentOn(answered);
  if (figures === null && spent === 0n) {
    return { kind: "release", id, at, note: note ?? "no answer" };
  }
  const own = figures ?? NO_FIGURES;
  const cost = nanoUsd(own.cost + spent);
  return { kind: "settle", id, at, ...own, cost, charge: chargeOf(cost, markup), note };
}

const NO_FIGURES = {
  usage: {},
  source: "none",
  cost: ZERO_USD,
  rates: null,
  unpriced: [],
  pricing: null,
} as const;

/** What was produced has a cost, by whose count the figures say; null for what produced nothing. */
export async function figuresOf(answered: Answered): Promise<Figures | null> {
  const { hold, price, pricedAt, answer } = answered;
  const metered = await meteredUsage(answered, hold, answer);
  if (metered === null) return null;
  const { source, ...consumed } = billable(metered, price);
  const { usage } = consumed;
  return { usage, source, ...priced({ ...consumed, at: pricedAt }, price) };
}

export function answeredBy({ asking, hold }: Reserved, answer: Answer, at: number): Answered {
  const { call, deployment, price, at: pricedAt, attempts } = asking;
  const { provider } = deployment.config;
  return { call, provider, hold, price, pricedAt, answer, attempts, at };
}

function billable(metered: MeteredUsage, price: BookPrice | null): MeteredUsage {
  if (price === null || !unpricedParts(price.base, metered.usage).includes("characters")) {
    return metered;
  }
  return { ...metered, usage: speechInTokens(metered.usage), source: "estimated" };
}

/** Who was asked for what: it takes both to understand an answer. */
type Asked = Pick<Answered, "call" | "provider">;

async function meteredUsage(
  asked: Asked,
  hold: Held,
  answer: Answer,
): Promise<MeteredUsage | null> {
  const { call } = asked;
  const bound = hold.outputTokens * call.choices;
  if (answer.kind === "whole") return meteredBody(asked, answer, bound);
  const counted = countedIn(asked, answer.told);
  if (counted?.final === true) return byProvider(counted);
  const { produced } = answer;
  if (produced === null) return unseen(call, answer, bound);
  // A stream that was cut for running past its bound has shown by its events that it did.
  const ranPast = answer.kind === "broken" && answer.failure === "over_bound";
  const output = estimatedOutputTokens(produced, ranPast ? produced.events : bound);
  if (output === 0) return null;
  // Of a stream that broke off, the provider may have told the input.
  if (counted === undefined) return estimated(call, output);
  return { ...byProvider(counted), usage: { ...counted.usage, output }, source: "estimated" };
}

/** An answer without text, such as an empty one, has produced nothing. */
async function meteredBody(
  asked: Asked,
  { status, body, told }: Extract<Answer, { kind: "whole" }>,
  bound: number,
): Promise<MeteredUsage | null> {
  if (status < 200 || status > 299) return told === null ? null : meteredError(asked, told);
  if (body.length === 0) return null;
  const counted = countedIn(asked, told);
  if (counted !== undefined) return byProvider(counted);
  const { dialect } = asked.call.route;
  const answer = objectOf(body.toString("utf8"));
  if (answer !== null && isBareError(answer)) return null;
  const text = answer === null ? body : Buffer.from(JSON.stringify(dialect.producedIn(answer)));
  return estimated(asked.call, Math.min(tokensOfBytes(text.length), bound));
}

/** Some providers answer 200 and say only in the body that they failed. */
function isBareError(answer: JsonObject): boolean {
  if (objectAt(answer, "error") === null) return false;
  return ["choices", "output", "content", "candidates"].every((field) => !hasItems(answer[field]));
}

function hasItems(value: Json | undefined): boolean {
  return Array.isArray(value) && value.length > 0;
}

/** Of an error only its provider can say that it is billed. */
function meteredError(asked: Asked, told: Told): MeteredUsage | null {
  const counted = countedIn(asked, told);
  if (counted === undefined) return null;
  const isNothing = Object.keys(counted.usage).length === 0 && !counted.statedCost;
  return isNothing ? null : byProvider(counted);
}

function byProvider({ usage, serviceTier, statedCost }: Counted): MeteredUsage {
  return { usage, serviceTier, statedCost, source: "provider" };
}

function countedIn({ call, provider }: Asked, told: Told | null): Counted | undefined {
  // Speech is bytes, which tell nothing but that it was made.
  const { convention, answer } = told ?? {
    convention: call.route.dialect.convention,
    answer: undefined,
  };
  return usageOf({ convention, provider, answer, request: call.body });
}

/**
 * No stream had begun. What was received of an answer in one piece is charged. Whoever hangs up before that leaves
 * while it is being made, so at least its input is charged; a provider that failed had made nothing.
 */
function unseen(
  call: Call,
  answer: Exclude<Answer, { kind: "whole" }>,
  bound: number,
): Promise<MeteredUsage> | null {
  if (answer.kind !== "broken") return null;
  const { failure, sent, receivedBytes } = answer;
  if (receivedBytes > 0) return estimated(call, Math.min(tokensOfBytes(receivedBytes), bound));
  return failure === "client_left" && sent && !call.stream ? estimated(call, 0) : null;
}

async function estimated(call: Call, output: number): Promise<MeteredUsage> {
  const input = await estimatedInputTokens(call.body, call.uploads);
  const usage = { ...likelyUnits(call.units ?? {}), input, output };
  return { usage, source: "estimated", serviceTier: null, statedCost: null };
}

/** For people: what went wrong, if anything did. */
export function noteOf(answer: Answer): string | null {
  if (answer.kind === "broken") return answer.failure;
  if (answer.kind === "streamed") return null;
  return answer.status >= 300 ? `the provider answered ${String(answer.status)}` : null;
}
