/** After any amount of trouble, the ledger agrees with the provider and every budget has held. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { spentOn } from "../../src/ledger/attempts.ts";
import { counterName, type Counter, type Posting } from "../../src/ledger/book.ts";
import { Dice, seeded } from "../support/seed.ts";
import { hardLimits } from "./limits.ts";
import { chargeOf, Simulation, type Tally } from "./simulation.ts";

/** About four seconds. With `SEED` in the environment only that one is run. */
const SIMULATIONS = process.env["SEED"] === undefined ? 300 : 1;

/** What a run of all of them must have met, or it proves little. */
const TROUBLES = `
  crash, suspect, repeat, lost before the commit, lost after the commit,
  another attempt held, another attempt refused,
  budget_exceeded, headroom_held, rate_limited, settled, released, unsettled, adjusted
`;

test("crashes, lost answers and repetitions neither lose nor double a charge, nor overrun a budget", (t) => {
  const { seed } = seeded(t);
  const tally: Tally = new Map();
  for (let offset = 0; offset < SIMULATIONS; offset += 1) {
    const simulation = new Simulation(new Dice(seed + offset), tally);
    try {
      simulation.run();
      assertAtRest(simulation);
      for (const { kind } of simulation.book.postings.values()) simulation.count(kind);
    } catch (error) {
      throw new Error(`SEED=${seed + offset} fails`, { cause: error });
    }
  }
  t.diagnostic([...tally].map(([what, times]) => `${times} ${what}`).join(", "));
  const missing = TROUBLES.split(",").filter((what) => !tally.has(what.trim()));
  if (SIMULATIONS > 1) assert.deepEqual(missing, []);
});

function assertAtRest(simulation: Simulation): void {
  const { book, answered } = simulation;
  assert.deepEqual([...book.holds.keys()], []);
  assert.deepEqual(book.drifts(), []);
  for (const id of answered) assert.ok(book.postings.has(id), `${id} was answered for nothing`);
  const postings = [...book.postings.values()];
  const [late = [], first = []] = [true, false].map((isLate) =>
    postings.filter((posting) => posting.id.endsWith(":late") === isLate),
  );
  for (const posting of first) assertEnded(posting, simulation);
  for (const { limit, counter } of hardLimits(book, "default")) {
    assert.ok(counter.used <= limit.cap + addedTo(counter, late), counterName(counter));
  }
  assert.deepEqual(
    book.events.filter(({ type }) => type === "customer.spend_tracked").map(({ id }) => id),
    postings.filter(({ kind }) => kind !== "released").map(({ id }) => `evt_${id}`),
  );
}

/** With the charge that the provider billed or, if nobody saw an answer, as policy has it. */
function assertEnded(posting: Posting, { book, billed, answered }: Simulation): void {
  const { id, kind, charge, facts } = posting;
  const usage = billed.get(id);
  const late = book.postings.get(`${id}:late`);
  if (kind === "settled" || late !== undefined) {
    assert.ok(usage !== undefined, `${id} was settled and not forwarded`);
    assert.equal(charge + (late?.charge ?? 0n), BigInt(chargeOf(usage)), `charge of ${id}`);
  } else {
    assert.ok(!answered.has(id), `${id} was answered and only ${kind}`);
    assert.ok(charge >= spentOn(facts), `${id} is charged less than its attempts cost`);
  }
  if (kind === "released") assert.equal(usage, undefined, `${id} was billed and released`);
}

/** A hold that was taken for dead too early freed its headroom, and what its answer cost came on top. */
function addedTo(counter: Counter, late: readonly Posting[]): bigint {
  const moves = late.flatMap((posting) => posting.moves);
  const onCounter = moves.filter((move) => counterName(move) === counterName(counter));
  return onCounter.reduce((sum, { amount }) => (amount > 0n ? sum + amount : sum), 0n);
}
