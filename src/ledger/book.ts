/** The rows of the ledger. Amounts of the `usd` meter are nano-dollars; of the others, plain counts. */

import type { NanoUsd } from "../money/amount.ts";
import type { Rates } from "../money/price.ts";
import type { Usage, UsageSource } from "../money/usage.ts";
import type { Period, Window } from "../money/window.ts";

export type Meter = "usd" | "tokens" | "requests" | "concurrency";
export type ScopeKind = "customer" | "key";

/** One cap on one meter. `model: null` counts every model; `period: null` counts forever. */
export interface Limit {
  readonly meter: Meter;
  readonly model: string | null;
  readonly cap: bigint;
  readonly period: Period | null;
}

/** `hard`: a call whose ceiling does not fit is refused. `last_call`: one call at a time may go over the edge. */
export type Enforcement = "hard" | "last_call";

export interface Budget {
  readonly id: string;
  readonly limits: readonly Limit[];
  readonly enforcement: Enforcement;
  readonly createdAt: number;
}

export interface Customer {
  readonly id: string;
  readonly alias: string | null;
  readonly blocked: boolean;
  readonly budgetId: string | null;
  readonly createdAt: number;
  /** Id of the command that created it: an admin's, or that of the customer's first call. */
  readonly createdBy: string;
}

/** A credential, by the hex sha256 of its secret. `version` grows with every change of the row. */
export interface Key {
  readonly hash: string;
  readonly alias: string | null;
  readonly blocked: boolean;
  readonly expiresAt: number | null;
  /** Limits of the key itself. */
  readonly budgetId: string | null;
  /** Budget of the customers that this key names and that have none of their own. */
  readonly customerBudgetId: string | null;
  readonly version: number;
}

/** What is counted where and when. The window is part of the identity: a new window begins at 0 by itself. */
export interface CounterKey extends Window {
  readonly scope: ScopeKind;
  readonly scopeId: string;
  readonly meter: Meter;
  /** Empty for all models. */
  readonly model: string;
}

export interface Counter extends CounterKey {
  readonly used: bigint;
  readonly held: bigint;
}

/** How much one hold or posting moved one counter. */
export interface Move extends CounterKey {
  readonly amount: bigint;
}

/** What is known of a call before it is answered. */
export interface CallFacts {
  /** The route's canonical path: `/v1/chat/completions`. */
  readonly route: string;
  /** The name that the client asked for. */
  readonly model: string;
  readonly provider: string;
  readonly deployment: string;
  readonly keyAlias: string | null;
}

/** Reserved headroom. It ends exactly once, by the posting that takes its id. */
export interface Hold {
  readonly id: string;
  readonly at: number;
  readonly instance: string;
  readonly customer: string | null;
  readonly keyHash: string;
  readonly facts: CallFacts;
  readonly ceiling: NanoUsd;
  /** The part of the ceiling that the input alone accounts for. */
  readonly inputCeiling: NanoUsd;
  /** The output bound that the ceiling pays for, per choice. */
  readonly outputTokens: number;
  readonly priced: boolean;
  /** A hard money limit leans on the output bound, so the provider must be told. */
  readonly bounded: boolean;
  readonly moves: readonly Move[];
}

/**
 * `settled`: an answered call. `released`: a call that cost nothing. `unsettled`: a hold whose instance died.
 * `adjusted`: a correction, by hand or by a settle that came after its hold had been expired.
 */
export type PostingKind = "settled" | "released" | "unsettled" | "adjusted";

/** One immutable, signed line. Σ `charge` over a customer's postings is what that customer was charged, ever. */
export interface Posting {
  readonly id: string;
  readonly kind: PostingKind;
  readonly at: number;
  readonly customer: string | null;
  readonly keyHash: string;
  readonly facts: CallFacts;
  readonly usage: Usage;
  readonly source: UsageSource;
  readonly cost: NanoUsd;
  readonly charge: NanoUsd;
  /** The unit prices that were used; null where the model had no price. */
  readonly rates: Rates | null;
  /** Why, for people: the failure of a released call, the reason of an adjustment. */
  readonly note: string | null;
  readonly moves: readonly Move[];
}

/** One line of the hourly summary, as a change to be added. */
export interface RollupDelta {
  /** Start of the hour, UTC, epoch milliseconds. */
  readonly hour: number;
  readonly customer: string;
  readonly keyHash: string;
  readonly model: string;
  readonly provider: string;
  readonly route: string;
  readonly calls: number;
  readonly failures: number;
  readonly usage: Usage;
  readonly cost: NanoUsd;
  readonly charge: NanoUsd;
}

export type EventType = "customer.spend_tracked" | "budget.crossed";

/** Something that happened, written in the transaction that made it true. Money in `data` is nano-dollars as text. */
export interface OutboxEvent {
  readonly id: string;
  readonly type: EventType;
  readonly at: number;
  readonly customer: string | null;
  readonly data: EventData;
}

export interface EventData {
  readonly spend: string;
  readonly maxBudget: string | null;
  readonly keyHash: string;
  readonly keyAlias: string | null;
}

/** Unique within a process run; the same for equal counters. */
export function counterName(key: CounterKey): string {
  return `${key.scope}\u0000${key.scopeId}\u0000${key.meter}\u0000${key.model}\u0000${key.start}\u0000${key.end}`;
}
