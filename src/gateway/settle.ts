/** From an answer to the command that ends its hold. */

import type { Held, Release, Settle } from "../ledger/command.ts";
import { ZERO_USD } from "../money/amount.ts";
import { cost, ratesFor, type Price } from "../money/price.ts";
import { inputTokens } from "../money/usage.ts";
import type { Call } from "./call.ts";
import { objectOf } from "./dialects/events.ts";
import { likelyUnits } from "./dialects/media.ts";
import type { Answer, Told } from "./forward.ts";
import { estimatedInputTokens } from "./tokens.ts";
import { estimatedOutputTokens, tokensOfBytes, type MeteredUsage } from "./estimate.ts";
import { usageOf } from "./usage.ts";
import type { Counted } from "./usage/counted.ts";

export interface Answered {
  readonly call: Call;
  readonly provider: string;
  readonly hold: Held;
  readonly price: Price | null;
  readonly answer: Answer;
  readonly at: number;
}

/** What was produced is charged, by whose count the posting says; what produced nothing costs nothing. */
export async function ending({
  call,
  provider,
  hold,
  price,
  answer,
  at,
}: Answered): Promise<Settle | Release> {
  const note = noteOf(answer);
  const metered = await meteredUsage({ call, provider }, hold, answer);
  if (metered === null) return { kind: "release", id: hold.id, at, note: note ?? "no answer" };
  const { usage, source } = metered;
  const charge = price === null ? ZERO_USD : cost(usage, price);
  const rates = price === null ? null : ratesFor(price, inputTokens(usage));
  return { kind: "settle", id: hold.id, at, usage, source, cost: charge, charge, rates, note };
}

/** Who was asked for what: it takes both to understand an answer. */
interface Asked {
  readonly call: Call;
  readonly provider: string;
}

async function meteredUsage(
  asked: Asked,
  hold: Held,
  answer: Answer,
): Promise<MeteredUsage | null> {
  const { call } = asked;
  const bound = hold.outputTokens * call.choices;
  if (answer.kind === "whole") return meteredBody(asked, answer, bound);
  const counted = countedIn(asked, answer.told);
  if (counted?.final === true) return { usage: counted.usage, source: "provider" };
  const { produced } = answer;
  if (produced === null) return unseen(call, answer, bound);
  // A stream that was cut for running past its bound has shown by its events that it did.
  const ranPast = answer.kind === "broken" && answer.failure === "over_bound";
  const output = estimatedOutputTokens(produced, ranPast ? produced.events : bound);
  if (output === 0) return null;
  // Of a stream that broke off, the provider may have told the input.
  if (counted !== undefined) return { usage: { ...counted.usage, output }, source: "estimated" };
  return estimated(call, output);
}

/** An answer without text, such as an empty one, has produced nothing. */
async function meteredBody(
  asked: Asked,
  { status, body, told }: Extract<Answer, { kind: "whole" }>,
  bound: number,
): Promise<MeteredUsage | null> {
  if (status < 200 || status > 299 || body.length === 0) return null;
  const counted = countedIn(asked, told);
  if (counted !== undefined) return { usage: counted.usage, source: "provider" };
  const { dialect } = asked.call.route;
  const answer = objectOf(body.toString("utf8"));
  const text = answer === null ? body : Buffer.from(JSON.stringify(dialect.producedIn(answer)));
  return estimated(asked.call, Math.min(tokensOfBytes(text.length), bound));
}

function countedIn({ call, provider }: Asked, told: Told | null): Counted | undefined {
  if (told === null) return undefined;
  const { convention, answer } = told;
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
  return { usage: { ...likelyUnits(call.units ?? {}), input, output }, source: "estimated" };
}

/** For people: what went wrong, if anything did. */
export function noteOf(answer: Answer): string | null {
  if (answer.kind === "broken") return answer.failure;
  if (answer.kind === "streamed") return null;
  return answer.status >= 300 ? `the provider answered ${String(answer.status)}` : null;
}
