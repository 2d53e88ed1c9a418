/** How a posting enters the book: counters, summary, events and the standing it leaves, all from one place. */

import { ZERO_USD, type NanoUsd } from "../money/amount.ts";
import { inputTokens, outputTokens, type Usage } from "../money/usage.ts";
import { announcePosting } from "./announce.ts";
import type { CounterKey, Hold, Meter, Move, Posting } from "./book.ts";
import { remaining, type Outcome, type Policy, type Standing } from "./command.ts";
import type { Draft } from "./draft.ts";
import { limitsFor, standingOf, type AppliedLimit, type Charged } from "./limits.ts";

/** What the end of a call adds to its hold. */
export type Ending = Omit<Posting, "id" | "customer" | "keyHash" | "facts" | "moves">;

/** What a call costs that cost nothing. */
export const NOTHING = {
  usage: {},
  source: "none",
  cost: ZERO_USD,
  charge: ZERO_USD,
  markup: null,
  rates: null,
  pricing: null,
  unpriced: [],
  corrects: null,
} as const;

/** Ends a hold: its headroom goes back and what the call used is posted, in the windows that it was admitted in. */
export function close(draft: Draft, hold: Hold, ending: Ending, policy: Policy): Outcome {
  draft.close(hold);
  for (const move of hold.moves) draft.moveCounter(move, 0n, -move.amount);
  const used = usedAmounts(ending.usage, ending.charge);
  const moves = hold.moves.map((move) => ({ ...move, amount: used[move.meter] }));
  const { id, customer, keyHash, facts } = hold;
  return post(
    draft,
    { ...ending, id, customer, keyHash, facts, moves: movesToKeep(ending.kind, moves) },
    hold,
    policy,
  );
}

function movesToKeep(kind: Posting["kind"], moves: readonly Move[]): readonly Move[] {
  // A late settle must find every counter of an unsettled call, the untouched ones too.
  if (kind === "unsettled") return moves;
  return kind === "settled" ? kept(moves) : moved(moves);
}

/** Enters a posting; `charged` says whose limits, and at what time, it counts against. */
export function post(draft: Draft, posting: Posting, charged: Charged, policy: Policy): Outcome {
  const money = limitsFor(charged, draft, policy).filter(({ limit }) => limit.meter === "usd");
  const watched = money.map((limit) => ({ limit, before: draft.counter(limit.counter) }));
  for (const move of posting.moves) {
    draft.moveCounter(move, move.amount, 0n);
    if (posting.kind === "reset") draft.forget(move);
  }
  draft.post(posting);
  announcePosting(draft, posting, watched);
  const ofCustomer = money.filter(isOfCustomer).filter(isHard);
  return postedAs(posting, tightest(ofCustomer.map((limit) => standing(draft, limit))));
}

export function postedAs({ id, kind, charge }: Posting, standing: Standing | null): Outcome {
  return { kind: "posted", posting: { id, kind, charge }, standing };
}

export function movesOf(
  counters: readonly CounterKey[],
  amounts: Readonly<Record<Meter, bigint>>,
): Move[] {
  return counters.map((counter) => ({ ...counter, amount: amounts[counter.meter] }));
}

/** The moves that move anything. */
export function moved(moves: readonly Move[]): Move[] {
  return moves.filter((move) => move.amount !== 0n);
}

/** The same, and the counters of money: a price that comes to be known later must find them. */
function kept(moves: readonly Move[]): Move[] {
  return moves.filter((move) => move.amount !== 0n || move.meter === "usd");
}

/** Where the customer stands with the money limit that has the least left; null if it has none. */
export function standingFor(draft: Draft, call: Charged, policy: Policy): Standing | null {
  const limits = limitsFor(call, draft, policy).filter(isOfCustomer).filter(isHard);
  return tightest(limits.map((limit) => standing(draft, limit)));
}

export function standing(draft: Draft, limit: AppliedLimit): Standing {
  return standingOf(limit, draft.counter(limit.counter));
}

/** What a call leaves on each meter. A call in flight counts as concurrent only while it is. */
function usedAmounts(usage: Usage, charge: NanoUsd): Readonly<Record<Meter, bigint>> {
  return {
    usd: charge,
    tokens: BigInt(inputTokens(usage) + outputTokens(usage)),
    requests: 1n,
    concurrency: 0n,
    customers: 1n,
  };
}

function isOfCustomer(limit: AppliedLimit): boolean {
  return limit.counter.scope === "customer" && limit.limit.meter === "usd";
}

export function isHard({ limit }: AppliedLimit): boolean {
  return !limit.soft;
}

function tightest(standings: readonly Standing[]): Standing | null {
  const [first, ...rest] = standings;
  if (first === undefined) return null;
  return rest.reduce((least, next) => (remaining(next) < remaining(least) ? next : least), first);
}
