/** What can be asked of the ledger, and what it answers. A refusal is an answer; only failures are thrown. */

import type { NanoUsd, PicoUsd } from "../money/amount.ts";
import type { Markup } from "../money/markup.ts";
import type { Priced, Pricing } from "../money/pricing.ts";
import type { Usage, UsageSource } from "../money/usage.ts";
import type {
  Budget,
  CallFacts,
  CounterKey,
  Customer,
  Hold,
  Key,
  Meter,
  Posting,
  Region,
  ScopeKind,
} from "./book.ts";

/** A sound upper bound of what a call can use and cost. */
export interface Quote {
  readonly inputTokens: number;
  /** Asked-for bound of the output, per choice. */
  readonly outputTokens: number;
  /** Below this an answer is of no use, so the bound is not clamped further. */
  readonly outputTokensMin: number;
  /** How many answers are produced, each up to the bound. */
  readonly choices: number;
  /** Null where the model has no price. */
  readonly price: QuotedPrice | null;
  /** Of customers who have none, by themselves or by their budget. */
  readonly markup: Markup | null;
}

export interface QuotedPrice {
  /** What the input costs at most, the fee of the request included, in pico-dollars. */
  readonly inputPico: bigint;
  /** What is made or searched costs at most besides tokens. */
  readonly feesPico: bigint;
  /** The dearest rate of one output token. */
  readonly outputRate: PicoUsd;
}

/** Every command carries its own id and time; the ledger knows no clock. */
interface Dated {
  readonly id: string;
  readonly at: number;
}

/** What is asked for a call. */
export interface Asked extends Dated {
  readonly instance: string;
  readonly customer: string | null;
  /** `revision: null` is the master key, which has no row and no limits. */
  readonly key: { readonly hash: string; readonly revision: string | null };
  readonly facts: CallFacts;
  readonly quote: Quote;
}

export interface Reserve extends Asked {
  readonly kind: "reserve";
  /** No closer bound of the input will be tried. */
  readonly closest: boolean;
  /** A refusal is not the last word: another deployment will be asked for, or this one once more. */
  readonly isTentative?: boolean;
}

/** Whether a reserve would be held now; nothing is. */
export interface Check extends Asked {
  readonly kind: "check";
}

/** The call cost this much, with all of its attempts; the rest is of the one that answered, or failed last. */
export interface Settle extends Dated, Omit<Priced, "pricing"> {
  readonly kind: "settle";
  /** Null where only earlier attempts cost anything. */
  readonly pricing: Pricing | null;
  readonly usage: Usage;
  readonly source: UsageSource;
  /** The cost under the markup of the hold. */
  readonly charge: NanoUsd;
  readonly note: string | null;
}

/** The call cost nothing. */
export interface Release extends Dated {
  readonly kind: "release";
  readonly note: string;
}

/** The instance that held it is dead; nobody knows what the call cost. */
export interface Expire extends Dated {
  readonly kind: "expire";
}

/** A correction by hand; `amount` may be negative. */
export interface Adjust extends Dated {
  readonly kind: "adjust";
  readonly customer: string;
  readonly amount: NanoUsd;
  readonly reason: string;
  readonly keyHash: string;
  /** Windows that the customer is in besides those of its own or the default budget. */
  readonly counters: readonly CounterKey[];
  /** Only if the customer was last written by this command; null if it may stand as it will. */
  readonly revision: string | null;
}

/** What a call that was posted would have cost by other prices: the difference, which may be negative or nothing. */
export interface Reprice extends Dated, Priced {
  readonly kind: "reprice";
  /** The posting that is corrected. */
  readonly corrects: string;
  readonly charge: NanoUsd;
  readonly note: string;
}

/** The windows that a customer is in begin again at 0. Their ends stay where they are. */
export interface Reset extends Dated {
  readonly kind: "reset";
  readonly customer: string;
  readonly reason: string;
  readonly keyHash: string;
  readonly counters: readonly CounterKey[];
}

/**
 * Customers, budgets and keys as an administrator wants them. All of it takes effect or none, and only if every row
 * still stands as it was read: whoever lost a race reads again.
 */
export interface Write extends Dated {
  readonly kind: "write";
  readonly customers: readonly Rewrite<Customer>[];
  readonly budgets: readonly Rewrite<Budget>[];
  readonly keys: readonly Rewrite<Key>[];
}

/** The ledger stamps the revision: it is the id of the command. */
export type Unstamped<Row extends { readonly revision: string }> = Omit<Row, "revision">;

/** `revision`: as it was read, null where there was no row. `row`: null deletes it. */
export interface Rewrite<Row extends { readonly revision: string }> {
  readonly id: string;
  readonly revision: string | null;
  readonly row: Unstamped<Row> | null;
}

export type Command =
  Reserve | Check | Settle | Release | Expire | Adjust | Reprice | Reset | Write;

/** Where a budget stands: the figures that refusals, headers and `info` show. */
export interface Standing {
  readonly scope: ScopeKind;
  readonly scopeId: string;
  readonly budgetId: string;
  readonly meter: Meter;
  readonly model: string | null;
  readonly cap: bigint;
  readonly used: bigint;
  readonly held: bigint;
  /** Of the window, epoch milliseconds; null if it has no end. */
  readonly windowStart: number | null;
  readonly windowEnd: number | null;
}

/** What is neither used nor held; below 0 where a provider billed more than its ceiling. */
export function remaining({ cap, used, held }: Standing): bigint {
  return cap - used - held;
}

export type Refusal =
  | { readonly name: "stale_key" }
  | { readonly name: "key_blocked" }
  | { readonly name: "key_expired" }
  | { readonly name: "customer_blocked"; readonly customer: string }
  | { readonly name: "key_model_denied"; readonly model: string }
  | { readonly name: "customer_model_denied"; readonly model: string }
  /** The customer is kept to a region that the deployment is not in. */
  | {
      readonly name: "region_denied";
      readonly region: Region;
      readonly defaultModel: string | null;
    }
  | { readonly name: "unpriced_model"; readonly model: string }
  /** What is left cannot pay for this call, even with no other call in flight. */
  | { readonly name: "budget_exceeded"; readonly standing: Standing }
  /** What is left would pay for it, were it not held by calls in flight. */
  | { readonly name: "headroom_held"; readonly standing: Standing }
  /** A limit on tokens, requests or concurrency. */
  | { readonly name: "rate_limited"; readonly standing: Standing }
  | { readonly name: "unknown_customer"; readonly customer: string }
  /** A row that was to be written has been written by somebody else since it was read. */
  | { readonly name: "changed" }
  | { readonly name: "unknown_budget"; readonly budget: string }
  /** Another key has it. */
  | { readonly name: "alias_taken"; readonly alias: string }
  /** Customers or keys have it, or it is the default. */
  | { readonly name: "budget_in_use"; readonly budget: string }
  /** A settle, release, expire or reprice of a call that never was. */
  | { readonly name: "unknown_hold" };

/** Whether asking again with a closer bound of the input is in vain. */
export function isFinal(refusal: Refusal, { closest }: Pick<Reserve, "closest">): boolean {
  const isMoney = refusal.name === "budget_exceeded" || refusal.name === "headroom_held";
  return closest || !isMoney || remaining(refusal.standing) <= 0n;
}

/** What its caller needs of a hold. Outcomes cross a thread, where every field costs. */
export type Held = Pick<Hold, "id" | "ceiling" | "outputTokens" | "bounded" | "markup">;

/** What its caller needs of a posting. */
export type Posted = Pick<Posting, "id" | "kind" | "charge">;

/** `standing`: the customer's money limit that has the least left, if it has one. */
export type Outcome =
  | { readonly kind: "held"; readonly hold: Held; readonly standing: Standing | null }
  /** The hold has ended, as the posting says; the same for every repetition. */
  | { readonly kind: "posted"; readonly posting: Posted; readonly standing: Standing | null }
  /** What a check found: the call would be held like this. */
  | {
      readonly kind: "admissible";
      readonly ceiling: NanoUsd;
      readonly outputTokens: number;
      readonly standing: Standing | null;
    }
  | { readonly kind: "written" }
  | { readonly kind: "refused"; readonly refusal: Refusal };

/**
 * What an expired hold is charged: nothing, what its input can have cost, or its whole ceiling; at least what its
 * failed attempts are known to have cost.
 */
export type UnsettledCharge = "waive" | "input" | "ceiling";

/** What the operator decided for every call alike. */
export interface Policy {
  /** Budget of a customer that has none, by its own row or by the key. It need not exist yet. */
  readonly defaultCustomerBudgetId: string | null;
  /** Of customers for whom none of the others is found. */
  readonly fallbackCustomerBudget: Budget | null;
  readonly newCustomers: NewCustomers;
  readonly unsettledCharge: UnsettledCharge;
}

/** What becomes of a call that names a customer who was never seen. */
export interface NewCustomers {
  readonly allowed: boolean;
  /** How many may be made in a minute, by all instances together; null for any number. */
  readonly perMinuteMax: number | null;
}
