/** What holds for any accounts and any sequence of commands, however they are batched. */

import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";

import * as fc from "fast-check";

import { counterName, type Counter } from "../../src/ledger/book.ts";
import type { Command, Outcome } from "../../src/ledger/command.ts";
import type { Book } from "../support/book.ts";
import { seeded } from "../support/seed.ts";
import { textOf } from "../support/table.ts";
import * as arbitrary from "./arbitrary.ts";
import { hardLimits } from "./limits.ts";
import { ceilingOf, Model, type World } from "./model.ts";

const RUNS = 1000;

test("every outcome is the one that a naive ledger comes to", (t) => {
  check(t, (world, commands) => {
    const model = new Model(world);
    applyEach(arbitrary.bookOf(world), commands, world, (outcome, command) => {
      assert.equal(textOf(outcome), model.apply(command));
    });
  });
});

test("totals are the sums of their rows, and a call is a hold or a posting, never both", (t) => {
  check(t, (world, commands) => {
    const book = arbitrary.bookOf(world);
    applyEach(book, commands, world, () => assert.deepEqual(book.drifts(), []));
  });
});

test("no more is charged and held than the limit, but for what exceeds a call's own ceiling", (t) => {
  check(t, (world, commands) => {
    const book = arbitrary.bookOf(world);
    const ceilings = new Map<string, bigint>();
    applyEach(book, commands, world, (outcome) => {
      if (outcome.kind === "held") ceilings.set(outcome.hold.id, outcome.hold.ceiling);
      for (const { limit, counter } of hardLimits(book)) {
        const surplus = limit.meter === "usd" ? surplusOn(counter, book, ceilings) : 0n;
        assert.ok(counter.used + counter.held <= limit.cap + surplus);
      }
    });
  });
});

test("no call is refused for money that fits beside all that is used and held", (t) => {
  check(t, (world, commands) => {
    const book = arbitrary.bookOf(world);
    applyEach(book, commands, world, (outcome, command) => {
      if (command.kind !== "reserve" || outcome.kind !== "refused") return;
      const { refusal } = outcome;
      if (refusal.name !== "budget_exceeded" && refusal.name !== "headroom_held") return;
      const { cap, used, held, budgetId } = refusal.standing;
      const isHard = book.budgets.get(budgetId)?.enforcement === "hard";
      const { outputTokens, outputTokensMin } = command.quote;
      const least = ceilingOf(command.quote, isHard ? outputTokensMin : outputTokens);
      assert.ok(used + held + least > cap);
    });
  });
});

test("commands that took effect, all repeated at the end, change nothing", (t) => {
  check(t, (world, commands) => {
    const book = arbitrary.bookOf(world);
    const effective: Command[] = [];
    applyEach(book, commands, world, (outcome, command) => {
      if (outcome.kind !== "refused") effective.push(command);
    });
    const { changes } = book.decide(effective, world.policy);
    for (const [table, rows] of Object.entries(changes)) assert.deepEqual(rows, [], table);
  });
});

test("it does not matter which commands share a transaction", (t) => {
  check(t, (world, commands, sizes) => {
    const single = arbitrary.bookOf(world);
    const outcomes = applyEach(single, commands, world, () => undefined);
    const batched = arbitrary.bookOf(world);
    const batches = split(commands, sizes);
    assert.deepEqual(
      batches.flatMap((batch) => batched.apply(batch, world.policy)),
      outcomes,
    );
    assert.deepEqual(batched, single);
  });
});

function check(
  t: TestContext,
  property: (world: World, commands: readonly Command[], sizes: readonly number[]) => void,
): void {
  const sizes = fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 6 });
  fc.assert(fc.property(arbitrary.world, arbitrary.commands, sizes, property), {
    ...seeded(t),
    numRuns: RUNS,
  });
}

/** One transaction for each, and what to look at after it. */
function applyEach(
  book: Book,
  commands: readonly Command[],
  { policy }: World,
  look: (outcome: Outcome, command: Command) => void,
): Outcome[] {
  return commands.flatMap((command) => {
    const outcomes = book.apply([command], policy);
    for (const outcome of outcomes) look(outcome, command);
    return outcomes;
  });
}

/** Batches of these sizes, over and over. */
function split(commands: readonly Command[], sizes: readonly number[]): Command[][] {
  const batches: Command[][] = [];
  for (let first = 0; first < commands.length; first += batches.at(-1)?.length ?? 1) {
    const size = sizes[batches.length % sizes.length] ?? 1;
    batches.push(commands.slice(first, first + size));
  }
  return batches;
}

/** How much the postings took beyond what was held for them. */
function surplusOn(counter: Counter, book: Book, ceilings: ReadonlyMap<string, bigint>): bigint {
  const name = counterName(counter);
  return [...book.postings.values()]
    .flatMap(({ id, moves }) => moves.map((move) => ({ id, move })))
    .filter(({ move }) => counterName(move) === name)
    .map(({ id, move }) => move.amount - (ceilings.get(id) ?? 0n))
    .reduce((sum, excess) => (excess > 0n ? sum + excess : sum), 0n);
}
