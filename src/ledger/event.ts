/** What can happen: each kind of event, when it is written and what it carries. docs/events.md is made from this. */

import type { Usage, UsageSource } from "../money/usage.ts";
import type { Meter, PostingKind, ScopeKind } from "./book.ts";
import type { Refusal } from "./command.ts";

/** A whole number as text: of nano-dollars, or of what the event's meter counts. */
type Amount = string;
/** Epoch milliseconds. */
type Instant = number;

/** Everything that an event can carry. A name means the same in every kind. */
export interface EventFields {
  readonly call: string;
  readonly posting: PostingKind;
  readonly charge: Amount;
  readonly cost: Amount;
  readonly maxBudget: Amount | null;
  readonly model: string | null;
  readonly provider: string;
  readonly deployment: string;
  readonly usage: Usage;
  readonly source: UsageSource;
  readonly keyHash: string;
  readonly keyAlias: string | null;
  readonly reason: string | null;
  readonly by: "call" | "administrator";
  readonly budget: string;
  readonly scope: ScopeKind;
  readonly meter: Meter;
  readonly limit: Amount;
  readonly used: Amount;
  readonly windowStart: Instant | null;
  readonly windowEnd: Instant | null;
  readonly percent: number;
  readonly projectedSpend: Amount;
  readonly projectedExceededDate: Instant;
  readonly refusal: Refusal["name"];
  readonly endpoint: string;
}

export type EventField = keyof EventFields;

/** How a field is written where it leaves: `metered` is dollars if the event's meter is `usd`, else a count. */
export interface FieldForm {
  readonly unit: "usd" | "metered" | "time" | "plain";
  readonly about: string;
}

export const EVENT_FIELDS: Readonly<Record<EventField, FieldForm>> = {
  call: { unit: "plain", about: "id of the call, as its answer bore it; of a correction, its own" },
  posting: { unit: "plain", about: "`settled`, `unsettled` or `adjusted`: why this was charged" },
  charge: { unit: "usd", about: "what was charged; negative if it was given back" },
  cost: { unit: "usd", about: "what the provider takes for it" },
  maxBudget: { unit: "usd", about: "the customer's money limit, `null` without one" },
  model: { unit: "plain", about: "the model; of a budget, `null` if it counts every model" },
  provider: { unit: "plain", about: "the provider that was called" },
  deployment: { unit: "plain", about: "the entry of `model_list` that was called" },
  usage: { unit: "plain", about: "tokens by part, which add up to the provider's totals" },
  source: { unit: "plain", about: "`provider`, `estimated` or `none`: where the usage comes from" },
  keyHash: { unit: "plain", about: "SHA-256 of the key that was used, in hex" },
  keyAlias: { unit: "plain", about: "the key's alias, or `null`" },
  reason: { unit: "plain", about: "why, for people" },
  by: { unit: "plain", about: "`call` or `administrator`: who made it" },
  budget: { unit: "plain", about: "id of the budget that set the limit" },
  scope: { unit: "plain", about: "`customer` or `key`: whose budget it is" },
  meter: { unit: "plain", about: "what the limit counts: `usd`, `tokens` or `requests`" },
  limit: { unit: "metered", about: "the limit, in dollars or as a count" },
  used: { unit: "metered", about: "what the window comes to, in the same unit" },
  windowStart: { unit: "time", about: "when the window began, `null` if it has no beginning" },
  windowEnd: { unit: "time", about: "when the window ends, `null` if it never does" },
  percent: { unit: "plain", about: "the threshold, in percent of the limit" },
  projectedSpend: { unit: "usd", about: "what the window will come to if it goes on like this" },
  projectedExceededDate: { unit: "time", about: "when the limit will then be reached" },
  refusal: { unit: "plain", about: "`budget_exceeded` or `rate_limited`" },
  endpoint: { unit: "plain", about: "id of the endpoint" },
};

const OF_KEY = ["keyHash", "keyAlias"] as const;
const OF_CHARGE = ["call", "posting", "charge", "cost", "model", "provider"] as const;
const OF_WINDOW = ["windowStart", "windowEnd"] as const;
const OF_LIMIT = ["budget", "scope", "meter", "model", "limit", "used", ...OF_WINDOW] as const;
const OF_BUDGET = [...OF_LIMIT, "call", ...OF_KEY] as const;

/** The kinds. Each is written in the transaction that makes it true. */
export const EVENT_KINDS = {
  "customer.spend_tracked": {
    when: "a customer was charged for an answered call, a price of 0 included, or by a correction",
    carries: [...OF_CHARGE, "maxBudget", "usage", "source", ...OF_KEY],
  },
  "customer.created": {
    when: "a customer was made, by its first call or by an administrator",
    carries: ["by"],
  },
  "customer.blocked": {
    when: "an administrator blocked a customer: from now on its calls are refused",
    carries: [],
  },
  "customer.unblocked": {
    when: "an administrator lifted a customer's block",
    carries: [],
  },
  "budget.window_started": {
    when: "the first charge of a window arrived; nothing has to run for a window to begin",
    carries: OF_BUDGET,
  },
  "budget.threshold_reached": {
    when: "a charge brought a money limit to a threshold, once per window and threshold",
    carries: [...OF_BUDGET, "percent"],
  },
  "budget.soft_crossed": {
    when: "a charge brought the spend to a `soft_budget`, here the `limit`, once per window",
    carries: [...OF_BUDGET, "maxBudget"],
  },
  "budget.crossed": {
    when: "a charge brought the spend to a money limit or past it, once per window",
    carries: OF_BUDGET,
  },
  "budget.projected_exceeded": {
    when: "at its own rate a window will pass its money limit before it ends, once per window",
    carries: [...OF_BUDGET, "projectedSpend", "projectedExceededDate"],
  },
  "call.refused": {
    when: "the first call that a limit refused in a window; `concurrency` and held headroom pass by themselves",
    carries: [...OF_BUDGET, "refusal"],
  },
  "call.unsettled": {
    when: "the instance that a call ran on died, and the call was charged by `unsettled_charge`",
    carries: [...OF_CHARGE, "reason", ...OF_KEY],
  },
  "posting.adjusted": {
    when: "a charge was corrected, by hand or by a call that ended after it had been given up",
    carries: [...OF_CHARGE, "reason", ...OF_KEY],
  },
  "price.missing": {
    when: "a call used something whose price nobody knows, fallback or not; once a day and deployment",
    carries: ["call", "model", "provider", "deployment", "usage"],
  },
  "key.created": { when: "a key was made", carries: OF_KEY },
  "key.updated": { when: "what a key may do was changed", carries: OF_KEY },
  "key.blocked": { when: "a key was blocked", carries: OF_KEY },
  "key.unblocked": { when: "a key's block was lifted", carries: OF_KEY },
  "key.deleted": { when: "a key was deleted", carries: OF_KEY },
  "endpoint.tested": {
    when: "an administrator asked for a test; it is sent to that endpoint alone, once, and not kept",
    carries: ["endpoint"],
  },
  "endpoint.disabled": {
    when: "an endpoint was given up, because it failed for days or answered 410",
    carries: ["endpoint", "reason"],
  },
} as const satisfies Readonly<Record<string, EventKind>>;

interface EventKind {
  readonly when: string;
  readonly carries: readonly EventField[];
}

export type EventType = keyof typeof EVENT_KINDS;

export type EventData<Type extends EventType = EventType> = Pick<
  EventFields,
  (typeof EVENT_KINDS)[Type]["carries"][number]
>;

/** Something that happened. The customer is null where it is about a key, or about nobody. */
interface Happened<Type extends EventType> {
  /** Unique, and the same however often it is written or sent. */
  readonly id: string;
  readonly type: Type;
  readonly at: Instant;
  readonly customer: string | null;
  readonly data: EventData<Type>;
}

export type LedgerEvent = { readonly [Type in EventType]: Happened<Type> }[EventType];

export type EventOf<Type extends EventType> = Happened<Type>;
