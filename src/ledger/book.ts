/** The rows of the ledger. Amounts of the `usd` meter are nano-dollars; of the others, plain counts. */

import type { NanoUsd } from "../money/amount.ts";
import type { Markup } from "../money/markup.ts";
import type { GivenRates } from "../money/price.ts";
import type { Pricing } from "../money/pricing.ts";
import type { Usage, UsagePart, UsageSource } from "../money/usage.ts";
import type { Period, Window } from "../money/window.ts";

export type Meter = "usd" | "tokens" | "requests" | "concurrency" | "customers";
export type ScopeKind = "customer" | "key" | "global";

/** One cap on one meter. `model: null` counts every model; `period: null` counts forever. */
export interface Limit {
  readonly meter: Meter;
  readonly model: string | null;
  readonly cap: bigint;
  readonly period: Period | null;
  /** Crossing it is told and refuses nothing. */
  readonly soft: boolean;
}

/** `hard`: a call whose ceiling does not fit is refused. `last_call`: one call at a time may go over the edge. */
export type Enforcement = "hard" | "last_call";

/** A row that administrators write: the id of the command that wrote it last tells whether it has changed since. */
interface Written {
  readonly revision: string;
}

export interface Budget extends Written {
  readonly id: string;
  /** Of the limits on money that are set without a period of their own. */
  readonly period: Period | null;
  readonly limits: readonly Limit[];
  /** Percent of its money limits that are told when they are reached; null for what everybody gets. */
  readonly thresholds: readonly number[] | null;
  readonly enforcement: Enforcement;
  /** Of its customers, unless they have one of their own; null leaves it to the provider's. */
  readonly markup: Markup | null;
  /** The one customer or key that it was made for; null where it is a tier, which any number may have. */
  readonly owner: Owner | null;
  readonly createdAt: number;
  readonly updatedAt: number;
}

export interface Owner {
  readonly scope: "customer" | "key";
  readonly id: string;
}

/** The regions that a customer can be kept to, and that deployments say they are in. */
export type Region = "eu" | "us";

export interface Customer extends Written {
  readonly id: string;
  readonly alias: string | null;
  readonly blocked: boolean;
  readonly budgetId: string | null;
  /** What it may ask for; a star at the end stands for any ending. Empty for everything. */
  readonly models: readonly string[];
  readonly allowedRegion: Region | null;
  /** Answers where no deployment of the model that was asked for is in the allowed region. */
  readonly defaultModel: string | null;
  /** Null leaves it to the budget's. */
  readonly markup: Markup | null;
  readonly createdAt: number;
}

/** `viewer` reads everything and writes nothing; `inference` makes calls. */
export type KeyRole = "viewer" | "inference";

/** Which customers a key may name. */
export type CustomerRule =
  | { readonly mode: "any" }
  /** Must name one. */
  | { readonly mode: "required" }
  /** Is always charged to this one. */
  | { readonly mode: "bound"; readonly customer: string }
  | { readonly mode: "prefix"; readonly prefix: string }
  /** A token signed by the application names it. */
  | { readonly mode: "signed" };

/** A credential. Counters, postings and budgets know it by the same hash for good, whatever its secret is by now. */
export interface Key extends Written {
  /** The hex sha256 of its first secret. */
  readonly hash: string;
  /** The hex sha256 of the secret that is good now; no two keys have the same. */
  readonly secretHash: string;
  /** Enough of the secret to recognise it by: `sk-...abcd`. */
  readonly name: string;
  /** No two keys have the same. */
  readonly alias: string | null;
  readonly role: KeyRole;
  readonly rule: CustomerRule;
  readonly blocked: boolean;
  readonly expiresAt: number | null;
  readonly models: readonly string[];
  /** Limits of the key itself. */
  readonly budgetId: string | null;
  /** Budget of the customers that this key names and that have none of their own. */
  readonly customerBudgetId: string | null;
  readonly teamId: string | null;
  readonly userId: string | null;
  /** JSON text, as its owner gave it. */
  readonly metadata: string;
  readonly createdAt: number;
  readonly updatedAt: number;
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
  /** The most that `used` was since the window began or was reset: what is told when it is passed is told once. */
  readonly peak: bigint;
  /** What else has been told of the window, as bits. */
  readonly told: number;
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
  /** Where the deployment is, if that is known. */
  readonly region: string | null;
  readonly keyAlias: string | null;
  /** Deployments that were asked before this one, if any were. */
  readonly attempts?: readonly FailedAttempt[];
}

/** One deployment's failure to answer a call that another one then answered, or none. */
export interface FailedAttempt {
  readonly model: string;
  readonly deployment: string;
  readonly failure: string;
  /** Absent where nothing was produced and its provider told of nothing. */
  readonly billed?: Billed;
}

/** What a provider bills for an attempt that failed. */
export interface Billed {
  readonly cost: NanoUsd;
  readonly usage: Usage;
  readonly source: UsageSource;
  /** What was used and is not in the cost, because its price was not known. */
  readonly unpriced: readonly UsagePart[];
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
  /** From the cost to the charge, as it stood when the call was admitted. */
  readonly markup: Markup | null;
  readonly moves: readonly Move[];
}

/**
 * `settled`: a call that was answered, or that cost something. `released`: a call that cost nothing. `unsettled`: a
 * hold whose instance died. `adjusted`: a correction, by hand, by a price that came to be known later, or by a settle
 * that came after its hold had been expired. `reset`: the windows that a customer is in begin again at 0; what it was
 * charged stays.
 */
export type PostingKind = "settled" | "released" | "unsettled" | "adjusted" | "reset";

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
  /** What it costs the operator, with all of its attempts. */
  readonly cost: NanoUsd;
  /** What the customer pays for it, and what budgets count. */
  readonly charge: NanoUsd;
  readonly markup: Markup | null;
  /** The unit prices that were used; null where the model had no price. */
  readonly rates: GivenRates | null;
  /** How the cost of what answered came about; null where there was nothing to price. */
  readonly pricing: Pricing | null;
  /** What was used and not paid for, because its price was not known. */
  readonly unpriced: readonly UsagePart[];
  /** The call whose posting this one corrects. */
  readonly corrects: string | null;
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

/** Unique within a process run; the same for equal counters. */
export function counterName(key: CounterKey): string {
  return `${key.scope}\u0000${key.scopeId}\u0000${key.meter}\u0000${key.model}\u0000${key.start}\u0000${key.end}`;
}
