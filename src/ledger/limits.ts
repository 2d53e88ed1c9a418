/** Which limits are in force for a call, and where each of them stands. */

import { LIFETIME, windowAt } from "../money/window.ts";
import { counterName, type Budget, type Counter, type CounterKey } from "./book.ts";
import type { Customer, Key, Limit } from "./book.ts";
import type { Policy, Reserve, Standing } from "./command.ts";

/** One limit on one counter, by the budget that set it. */
export interface AppliedLimit {
  readonly counter: CounterKey;
  readonly budgetId: string;
  readonly limit: Limit;
  /** One call at a time may go over the edge. */
  readonly lastCall: boolean;
}

/** A call, before or after it was answered. */
export interface Charged {
  readonly customer: string | null;
  readonly keyHash: string;
  readonly facts: { readonly model: string };
  readonly at: number;
}

/** Where to look rows up. */
export interface Accounts {
  customer(id: string): Customer | undefined;
  key(hash: string): Key | undefined;
  budget(id: string): Budget | undefined;
}

/** The limits of the customer and of the key, in that order, in the windows that hold at the call's time. */
export function limitsFor(call: Charged, accounts: Accounts, policy: Policy): AppliedLimit[] {
  const key = accounts.key(call.keyHash);
  const ofKey = limitsOf({ scope: "key", scopeId: call.keyHash }, key?.budgetId, call, accounts);
  if (call.customer === null) return ofKey;
  const budgetId = customerBudgetId(accounts.customer(call.customer), key, policy);
  const scope = { scope: "customer", scopeId: call.customer } as const;
  return [...limitsOf(scope, budgetId, call, accounts), ...ofKey];
}

/** Its own, else the one that the key names, else the operator's default: a live reference, never a copy. */
function customerBudgetId(
  customer: Customer | undefined,
  key: Key | undefined,
  policy: Policy,
): string | null {
  return customer?.budgetId ?? key?.customerBudgetId ?? policy.defaultCustomerBudgetId;
}

/** Every counter that a call moves, once, however many limits watch it: the limits' and the customer's total. */
export function countersOfCall(
  customer: string | null,
  limits: readonly AppliedLimit[],
): CounterKey[] {
  const total = customer === null ? [] : [lifetimeCounter(customer)];
  const counters = [...total, ...limits.map((limit) => limit.counter)];
  return [...new Map(counters.map((counter) => [counterName(counter), counter])).values()];
}

export function chargedBy({ customer, key, facts, at }: Reserve): Charged {
  return { customer, keyHash: key.hash, facts, at };
}

/** The counter of all that a customer was ever charged. */
export function lifetimeCounter(customerId: string): CounterKey {
  return { scope: "customer", scopeId: customerId, meter: "usd", model: "", ...LIFETIME };
}

/** The identity alone, of a move or a row. */
export function counterKeyOf(key: CounterKey): CounterKey {
  const { scope, scopeId, meter, model, start, end } = key;
  return { scope, scopeId, meter, model, start, end };
}

export function standingOf({ counter, budgetId, limit }: AppliedLimit, row: Counter): Standing {
  return {
    scope: counter.scope,
    scopeId: counter.scopeId,
    budgetId,
    meter: limit.meter,
    model: limit.model,
    cap: limit.cap,
    used: row.used,
    held: row.held,
    windowEnd: counter.end === LIFETIME.end ? null : counter.end,
  };
}

function limitsOf(
  scope: Pick<CounterKey, "scope" | "scopeId">,
  budgetId: string | null | undefined,
  call: Charged,
  accounts: Accounts,
): AppliedLimit[] {
  const budget = typeof budgetId === "string" ? accounts.budget(budgetId) : undefined;
  if (budget === undefined) return [];
  return budget.limits
    .filter((limit) => limit.model === null || limit.model === call.facts.model)
    .map((limit) => appliedLimit(scope, budget, limit, call.at));
}

function appliedLimit(
  scope: Pick<CounterKey, "scope" | "scopeId">,
  budget: Budget,
  limit: Limit,
  at: number,
): AppliedLimit {
  const window = windowAt(limit.period, at);
  return {
    counter: { ...scope, meter: limit.meter, model: limit.model ?? "", ...window },
    budgetId: budget.id,
    limit,
    // What an answer will count in tokens is known only afterwards, so tokens always work this way.
    lastCall: limit.meter === "tokens" || budget.enforcement === "last_call",
  };
}
