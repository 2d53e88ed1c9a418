/** Corrections by a price that came to be known later: posted beside the call, never over it. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { counterName } from "../../src/ledger/book.ts";
import type { Reprice } from "../../src/ledger/command.ts";
import { lifetimeCounter } from "../../src/ledger/limits.ts";
import { nanoUsd } from "../../src/money/amount.ts";
import { Book } from "../support/book.ts";
import * as ledger from "../support/ledger.ts";

const { HOUR_MS, HOURLY, POLICY, reserve, settle } = ledger;

test("a call that was posted at nothing is charged, in the window that it was admitted in", () => {
  const book = unpricedCall();
  book.apply([reprice("h1:reprice:0", "h1", 40n)], POLICY);
  const total = book.counters.get(counterName(lifetimeCounter("acme")));
  assert.equal(total?.used, 40n);
  const windows = [...book.counters.values()].filter(
    ({ meter, end }) => meter === "usd" && end < 1e15,
  );
  assert.deepEqual(
    windows.map(({ start, used }) => [start, used]),
    [[0, 40n]],
  );
});

test("the posting of the call stays as it was, and the correction says what it corrects", () => {
  const book = unpricedCall();
  const before = book.postings.get("h1");
  book.apply([reprice("h1:reprice:0", "h1", 40n)], POLICY);
  assert.deepEqual(book.postings.get("h1"), before);
  const { corrects, kind, usage, charge, cost, note, customer, facts } =
    book.postings.get("h1:reprice:0") ?? {};
  assert.deepEqual(
    { corrects, kind, usage, charge, cost, note },
    { corrects: "h1", kind: "adjusted", usage: {}, charge: 40n, cost: 40n, note: "repriced" },
  );
  assert.deepEqual([customer, facts], [before?.customer, before?.facts]);
});

test("a correction is posted once, however often it is asked for", () => {
  const book = unpricedCall();
  const command = reprice("h1:reprice:0", "h1", 40n);
  book.apply([command, command], POLICY);
  book.apply([command], POLICY);
  assert.equal(book.counters.get(counterName(lifetimeCounter("acme")))?.used, 40n);
});

test("a correction may give back, down to nothing", () => {
  const book = unpricedCall();
  book.apply([reprice("h1:reprice:0", "h1", 40n), reprice("h1:reprice:1", "h1", -40n)], POLICY);
  assert.equal(book.counters.get(counterName(lifetimeCounter("acme")))?.used, 0n);
});

test("a call that never was cannot be corrected", () => {
  const [outcome] = new Book().apply([reprice("x:reprice:0", "x", 1n)], POLICY);
  assert.deepEqual(outcome, { kind: "refused", refusal: { name: "unknown_hold" } });
});

/** Of a customer with a soft limit, who is let through without a price. */
function unpricedCall(): Book {
  const book = new Book();
  const soft = ledger.limit("usd", 1000, { soft: true, period: HOURLY });
  book.budgets.set("b", ledger.budget("b", [soft]));
  book.customers.set("acme", ledger.customer("acme", { budgetId: "b" }));
  const quote = ledger.quote(10, 0, { price: null });
  book.apply([reserve("h1", { at: HOUR_MS - 1, quote })], POLICY);
  book.apply([settle("h1", 0, { at: HOUR_MS + 1, usage: { input: 10 } })], POLICY);
  return book;
}

function reprice(id: string, corrects: string, amount: bigint): Reprice {
  const priced = { rates: null, unpriced: [], pricing: ledger.PRICING };
  const difference = { cost: nanoUsd(amount), charge: nanoUsd(amount) };
  return {
    kind: "reprice",
    id,
    at: 3 * HOUR_MS,
    corrects,
    ...priced,
    ...difference,
    note: "repriced",
  };
}
