/** A call that tries another deployment: its hold moves there, at the new price, and it stays one call. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { lifetimeCounter } from "../../src/ledger/limits.ts";
import { Book } from "../support/book.ts";
import {
  budget,
  createCustomer,
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
