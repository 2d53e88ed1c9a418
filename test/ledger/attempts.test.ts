/** A call that tries another deployment: its hold moves there, at the new price, and it stays one call. */

import assert from "node:assert/strict";
import { test } from "node:test";
import type { FailedAttempt } from "../../src/ledger/book.ts";
import type { UnsettledCharge } from "../../src/ledger/command.ts";
import { lifetimeCounter } from "../../src/ledger/limits.ts";
import { nanoUsd, picoUsd } from "../../src/money/amount.ts";
import { Book } from "../support/book.ts";
import {
  budget,
  createCustomer,
  expire,
  facts,
  limit,
  POLICY,
  quote,
  reserve,
  settle,
} from "../support/ledger.ts";

const FAILED = { model: "m1", deployment: "d1", failure: "timeout" };

function attempt(id: string, tokens: number, failed: number) {
  const attempts = Array.from({ length: failed }, () => FAILED);
  const deployment = `d${String(failed + 1)}`;
  return reserve(id, { quote: quote(tokens), facts: facts({ deployment, attempts }) });
}

function budgeted(): Book {
  const book = new Book();
  const limits = [limit("usd", 100), limit("requests", 2)];
  book.apply([createCustomer("c", { id: "acme" }, budget("b", limits))], POLICY);
  return book;
}

test("the next attempt holds its own ceiling in place of the one before, and is not another request", () => {
  const book = budgeted();
  book.apply([attempt("h1", 60, 0)], POLICY);
  const [outcome] = book.apply([attempt("h1", 90, 1)], POLICY);
  assert.equal(outcome?.kind, "held");
  assert.equal(book.holds.size, 1);
  assert.equal(book.counter(lifetimeCounter("acme")).held, 90n);
  book.apply([settle("h1", 70)], POLICY);
  const posting = book.postings.get("h1");
  assert.deepEqual(posting?.facts.attempts, [FAILED]);
  assert.equal(posting.facts.deployment, "d2");
  assert.deepEqual(book.drifts(), []);
  const requests = posting.moves.find(({ meter }) => meter === "requests");
  assert.equal(requests?.amount, 1n);
});

test("an attempt that does not fit leaves the hold of the one before as it was", () => {
  const book = budgeted();
  book.apply([attempt("h1", 60, 0)], POLICY);
  const [outcome] = book.apply([attempt("h1", 101, 1)], POLICY);
  assert.equal(outcome?.kind, "refused");
  assert.equal(book.counter(lifetimeCounter("acme")).held, 60n);
  assert.deepEqual(book.drifts(), []);
});

test("an attempt that is repeated, or comes late, changes nothing", () => {
  const book = budgeted();
  book.apply([attempt("h1", 60, 0), attempt("h1", 90, 1)], POLICY);
  book.apply([attempt("h1", 90, 1)], POLICY);
  book.apply([attempt("h1", 60, 0)], POLICY);
  assert.equal(book.counter(lifetimeCounter("acme")).held, 90n);
  book.apply([settle("h1", 5)], POLICY);
  const [outcome] = book.apply([attempt("h1", 90, 2)], POLICY);
  assert.equal(outcome?.kind, "posted");
  assert.deepEqual(book.drifts(), []);
});

test("a hold that moves and ends in one batch is deleted where it was stored", () => {
  const book = budgeted();
  book.apply([attempt("h1", 60, 0)], POLICY);
  const { changes } = book.decide([attempt("h1", 90, 1), settle("h1", 1)], POLICY);
  assert.deepEqual([changes.holdsReplaced, changes.holdsClosed], [[], ["h1"]]);
});

/** The second attempt at a call whose first one was billed this much. */
function afterBilled(id: string, tokens: number, cost: number, output = 0) {
  const usage = { input: cost };
  const billed = { cost: nanoUsd(BigInt(cost)), usage, source: "provider", unpriced: [] } as const;
  const attempts: FailedAttempt[] = [{ ...FAILED, billed }];
  const asked = quote(tokens, output, { outputTokensMin: Math.min(output, 1) });
  return reserve(id, { quote: asked, facts: facts({ deployment: "d2", attempts }) });
}

for (const [spent, next, outcome, held] of [
  [30, 70, "held", 100n],
  [30, 71, "refused", 60n],
  [60, 40, "held", 100n],
  [60, 41, "refused", 60n],
  // A provider that billed more than its ceiling leaves nothing, not even for what is free.
  [101, 0, "refused", 60n],
] as const) {
  test(`of 100, ${spent} spent on a failed attempt, another one of ${next} is ${outcome}`, () => {
    const book = budgeted();
    book.apply([attempt("h1", 60, 0)], POLICY);
    const [answer] = book.apply([afterBilled("h1", next, spent)], POLICY);
    assert.equal(answer?.kind, outcome);
    assert.equal(book.counter(lifetimeCounter("acme")).held, held);
    assert.deepEqual(book.drifts(), []);
  });
}

test("the answer of the next attempt is clamped to what the billed ones have left", () => {
  const book = budgeted();
  book.apply([attempt("h1", 60, 0)], POLICY);
  const [answer] = book.apply([afterBilled("h1", 20, 30, 90)], POLICY);
  assert.ok(answer?.kind === "held");
  assert.deepEqual([answer.hold.outputTokens, answer.hold.ceiling], [50, 100n]);
});

for (const [unsettledCharge, isPriced, charge] of [
  ["waive", true, 30n],
  ["input", true, 50n],
  ["ceiling", true, 90n],
  ["input", false, 30n],
] as const satisfies readonly (readonly [UnsettledCharge, boolean, bigint])[]) {
  const how = isPriced ? "" : " without a price";
  test(`a call${how} whose instance died after a billed attempt is charged at least that, by ${unsettledCharge}`, () => {
    const book = new Book();
    const next = afterBilled("h1", 20, 30, 40);
    const asked = isPriced ? next : { ...next, quote: { ...next.quote, price: null } };
    book.apply([attempt("h1", 60, 0), asked], POLICY);
    book.apply([expire("h1")], { ...POLICY, unsettledCharge });
    const posting = book.postings.get("h1");
    assert.deepEqual([posting?.charge, posting?.cost], [charge, charge]);
    assert.deepEqual(book.drifts(), []);
  });
}

test("the fixed part of a markup is held once for a call, however often it is tried", () => {
  const book = new Book();
  const markup = { ppm: 100_000n, fixed: nanoUsd(5n) };
  const price = { inputPico: 20_000n, feesPico: 0n, outputRate: picoUsd(0n) };
  const { facts: tried } = afterBilled("h1", 20, 30);
  book.apply([reserve("h1", { quote: quote(20, 0, { price, markup }), facts: tried })], POLICY);
  assert.equal(book.holds.get("h1")?.ceiling, 60n);
});
