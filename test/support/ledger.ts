/** Rows and commands of the ledger with everything filled in that a test does not care about. */

import type {
  Budget,
  CallFacts,
  Customer,
  Enforcement,
  Key,
  Limit,
  Meter,
} from "../../src/ledger/book.ts";
import type {
  Adjust,
  CreateCustomer,
  Expire,
  Policy,
  Quote,
  Release,
  Reserve,
  Settle,
} from "../../src/ledger/command.ts";
import { nanoUsd, picoUsd } from "../../src/money/amount.ts";
import type { Period } from "../../src/money/window.ts";

export const HOUR_MS = 3_600_000;

export const HOURLY: Period = {
  alignment: "calendar",
  duration: { count: 1, unit: "h" },
  zone: "UTC",
  resetTime: "00:00",
};

export const POLICY: Policy = {
  defaultCustomerBudgetId: null,
  unsettledCharge: "input",
  announce: true,
};

/** It has no row. */
export const MASTER_KEY: Reserve["key"] = { hash: "master", version: null };

export function limit(meter: Meter, cap: number | bigint, rest: Partial<Limit> = {}): Limit {
  return { meter, cap: BigInt(cap), model: null, period: null, ...rest };
}

export function budget(
  id: string,
  limits: readonly Limit[],
  enforcement: Enforcement = "hard",
): Budget {
  return { id, limits, enforcement, createdAt: 0 };
}

export function customer(id: string, rest: Partial<Customer> = {}): Customer {
  const empty = { alias: null, blocked: false, budgetId: null };
  return { id, ...empty, createdAt: 0, createdBy: "given", ...rest };
}

export function key(hash: string, rest: Partial<Key> = {}): Key {
  const empty = { alias: null, blocked: false, expiresAt: null };
  return { hash, ...empty, budgetId: null, customerBudgetId: null, version: 1, ...rest };
}

export function facts(rest: Partial<CallFacts> = {}): CallFacts {
  const route = "/v1/chat/completions";
  return { route, model: "m1", provider: "fake", deployment: "d1", keyAlias: null, ...rest };
}

/** Tokens that cost a nano-dollar each, so that amounts and tokens are the same numbers. */
export function quote(inputTokens: number, outputTokens = 0, rest: Partial<Quote> = {}): Quote {
  const price = { inputPico: BigInt(inputTokens) * 1000n, outputRate: picoUsd(1000n) };
  return { inputTokens, outputTokens, outputTokensMin: outputTokens, choices: 1, price, ...rest };
}

export function reserve(id: string, rest: Partial<Reserve> = {}): Reserve {
  const call = { instance: "i1", customer: "acme", key: MASTER_KEY, facts: facts() };
  return { kind: "reserve", id, at: 0, ...call, quote: quote(10), ...rest };
}

export function settle(id: string, charge: number | bigint, rest: Partial<Settle> = {}): Settle {
  const amount = nanoUsd(BigInt(charge));
  const measured = { usage: {}, source: "provider", rates: null, note: null } as const;
  return { kind: "settle", id, at: 0, ...measured, cost: amount, charge: amount, ...rest };
}

export function release(id: string, at = 0): Release {
  return { kind: "release", id, at, note: "the provider failed" };
}

export function expire(id: string, at = 0): Expire {
  return { kind: "expire", id, at };
}

export function adjust(id: string, amount: number | bigint, rest: Partial<Adjust> = {}): Adjust {
  const by = { customer: "acme", keyHash: MASTER_KEY.hash, reason: "by hand" };
  return { kind: "adjust", id, at: 0, amount: nanoUsd(BigInt(amount)), ...by, ...rest };
}

export function createCustomer(
  id: string,
  created: Partial<Customer> & Pick<Customer, "id">,
  ownBudget: Budget | null = null,
): CreateCustomer {
  const budgetId = ownBudget?.id ?? null;
  const row = customer(created.id, { budgetId, ...created, createdBy: id });
  return { kind: "create_customer", id, at: row.createdAt, customer: row, budget: ownBudget };
}
