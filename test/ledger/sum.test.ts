/** Many small charges against a budget of exactly their sum: a float would be early or late by some of them. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { formatUsd, nanoUsd, picoUsd } from "../../src/money/amount.ts";
import { Book } from "../support/book.ts";
import { budget, customer, limit, POLICY, quote, reserve, settle } from "../support/ledger.ts";

/** A ten-millionth of a dollar, in nano-dollars. */
const CHARGE = 100;
const BATCH = 1000;

const ASKED = quote(1, 0, {
  price: { inputPico: 100_000n, feesPico: 0n, outputRate: picoUsd(0n) },
});

test("a hundred thousand charges of a ten-millionth of a dollar fill a cent, to the last and no further", () => {
  const { admitted, used } = charged(100_000, 100_000 * CHARGE);
  assert.deepEqual([admitted, formatUsd(nanoUsd(used))], [100_000, "0.01"]);
});

test("a budget that is a nano-dollar short of its calls refuses the last of them, and none before", () => {
  for (const short of [0, 1, CHARGE - 1, CHARGE]) {
    const { admitted, used } = charged(3000, 3000 * CHARGE - short);
    assert.equal(admitted, short === 0 ? 3000 : 2999, String(short));
    assert.equal(used, BigInt(admitted * CHARGE));
  }
});

/** Makes so many calls and one more, which no budget has room for. */
function charged(calls: number, cap: number) {
  const book = new Book();
  book.budgets.set("b", budget("b", [limit("usd", cap)]));
  book.customers.set("acme", customer("acme", { budgetId: "b" }));
  let admitted = 0;
  for (let made = 0; made <= calls; made += BATCH) {
    const size = Math.min(BATCH, calls + 1 - made);
    const ids = Array.from({ length: size }, (_, index) => `call-${String(made + index)}`);
    const asked = ids.map((id) => reserve(id, { customer: "acme", quote: ASKED }));
    const outcomes = book.apply(asked, POLICY);
    const held = ids.filter((_, index) => outcomes[index]?.kind === "held");
    book.apply(
      held.map((id) => settle(id, CHARGE)),
      POLICY,
    );
    admitted += held.length;
    // Nobody looks at them again, and a hundred thousand are many.
    book.postings.clear();
  }
  const [counter] = book.counters.values();
  assert.equal(counter?.held, 0n);
  return { admitted, used: counter.used };
}
