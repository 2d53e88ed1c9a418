/** The contract of `LedgerStore`, for any database. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { counterName, type Budget, type CounterKey, type Key } from "../../src/ledger/book.ts";
import type { Command, Outcome, Write } from "../../src/ledger/command.ts";
import { LedgerUnavailable, type LedgerStore } from "../../src/ledger/store.ts";
import { nanoUsd, picoUsd } from "../../src/money/amount.ts";
import type { Rates } from "../../src/money/price.ts";
import { USAGE_PARTS } from "../../src/money/usage.ts";
import { LIFETIME, windowAt } from "../../src/money/window.ts";
import { postingOf } from "../../src/store/rows.ts";
import * as ledger from "../support/ledger.ts";
import { Dice, seeded } from "../support/seed.ts";
import { exerciseOutbox } from "./outbox-conformance.ts";
import { using, type NewPlace } from "./place.ts";
import { CROWDED_BUDGET, Traffic } from "./traffic.ts";

export function exerciseStore(name: string, newPlace: NewPlace): void {
  describe(name, () => {
    exerciseRows(newPlace);
    exerciseWrites(newPlace);
    exerciseRepetition(newPlace);
    exerciseRaces(newPlace);
    exerciseFailures(newPlace);
    exerciseAudit(newPlace);
    exerciseOutbox(newPlace);
    exerciseInstances(newPlace);
    exerciseAnswers(newPlace);
    exerciseMigrations(newPlace);
  });
}

/** Takes 100, all in all, of every customer that has no budget of its own. */
export const DEFAULT_BUDGET = ledger.budget("default", [ledger.limit("usd", 100)]);
export const BUDGETED = { ...ledger.POLICY, defaultCustomerBudgetId: DEFAULT_BUDGET.id };

/** A budget comes with a customer; this one's is not otherwise used. */
export const CREATE_DEFAULT = ledger.createCustomer("c0", { id: "nobody" }, DEFAULT_BUDGET);

/** `{}`, `[]`, quotes, backslashes and signs beyond 16 bits, in every text that comes from outside. */
const AWKWARD = `{"a\\,'b"} 🦉 % ; --`;

/** A key with limits of its own, as an administrator writes it. */
const KEY: Key = ledger.key("k1", {
  alias: AWKWARD,
  role: "viewer",
  rule: { mode: "prefix", prefix: AWKWARD },
  blocked: true,
  expiresAt: 9_000,
  models: ["m1", AWKWARD],
  budgetId: "b1",
  customerBudgetId: "b1",
  teamId: AWKWARD,
  userId: AWKWARD,
  metadata: JSON.stringify({ note: AWKWARD }),
  createdAt: 1,
  updatedAt: 2,
});

const USAGE = Object.fromEntries(USAGE_PARTS.map((part, index) => [part, index + 1]));
const RATES = Object.fromEntries(
  [...USAGE_PARTS, "request"].map((part) => [part, picoUsd(2n ** 60n)]),
) as unknown as Rates;

const MARKUP = { ppm: 123_456n, fixed: nanoUsd(7n) };

const ALL_CALLS = { from: 0, to: 1, customer: null, unpricedOnly: false };

/** More than a double can hold. */
const LARGE = nanoUsd(2n ** 62n - 1n);

function exerciseRows(newPlace: NewPlace): void {
  test("what a reserve writes is read back as it was answered", async () => {
    await using(
      await newPlace(),
      async (store) => {
        await store.apply([CREATE_DEFAULT]);
        const facts = ledger.facts({ model: AWKWARD, keyAlias: AWKWARD });
        const markup = { ppm: -1_000_000n, fixed: nanoUsd(15n) };
        const quote = ledger.quote(10, 5, { markup });
        const call = { at: 1_000, customer: AWKWARD, facts, quote };
        const outcome = await one(store, ledger.reserve("h1", call));
        assert.ok(outcome.kind === "held");
        const [hold] = await store.read.openHolds();
        assert.ok(hold !== undefined);
        const { id, ceiling, outputTokens, bounded } = hold;
        assert.deepEqual(hold.markup, markup);
        assert.deepEqual(outcome.hold, { id, ceiling, outputTokens, bounded, markup });
        assert.deepEqual([hold.at, hold.customer, hold.facts], [1_000, AWKWARD, facts]);
        const created = { createdAt: 1_000, revision: "h1" };
        const expected = ledger.customer(AWKWARD, created);
        assert.deepEqual(await store.read.customer(AWKWARD), expected);
        const total = lifetimeOf(AWKWARD);
        assert.deepEqual(await store.read.counters([total]), [{ ...total, ...MOVED, held: 15n }]);
      },
      BUDGETED,
    );
  });

  test("what a settle writes is read back as it was answered, to the last nano-dollar", async () => {
    const place = await newPlace();
    const pricing = { ...ledger.PRICING, version: AWKWARD, bookCost: LARGE, statedCost: LARGE };
    const settle = ledger.settle("h1", LARGE, {
      usage: USAGE,
      rates: RATES,
      note: AWKWARD,
      pricing,
      unpriced: ["searches", "images"],
    });
    const quote = ledger.quote(10, 5, { markup: MARKUP });
    const first = await using(place, async (store) => {
      await store.apply([ledger.reserve("h1", { customer: AWKWARD, quote })]);
      return one(store, settle);
    });
    await using(place, async (store) => {
      assert.deepEqual(await one(store, settle), first);
      assert.deepEqual(await store.read.openHolds(), []);
      const total = lifetimeOf(AWKWARD);
      assert.deepEqual(await store.read.counters([total]), [
        { ...total, ...MOVED, used: LARGE, peak: LARGE },
      ]);
      const call = { customer: AWKWARD, keyHash: ledger.MASTER_KEY.hash, facts: ledger.facts() };
      const written = { ...settle, kind: "settled", markup: MARKUP, corrects: null };
      const [row] = await place.sql("select * from postings");
      const moves = [{ ...total, amount: LARGE }];
      assert.deepEqual(postingOf(row as never), { ...written, ...call, moves });
    });
  });

  test("customers, budgets and keys are read back as they were written, and others not at all", async () => {
    const place = await newPlace();
    const limits = [
      ledger.limit("usd", LARGE, { model: AWKWARD, period: ledger.HOURLY }),
      ledger.limit("tokens", 0),
    ];
    const own: Budget = {
      ...ledger.budget("b1", limits, "last_call"),
      period: ledger.HOURLY,
      markup: MARKUP,
      owner: { scope: "customer", id: AWKWARD },
      updatedAt: 7,
    };
    const rights = {
      models: ["m1", AWKWARD],
      allowedRegion: "eu",
      defaultModel: AWKWARD,
      markup: MARKUP,
    } as const;
    const customer = ledger.customer("acme", {
      alias: AWKWARD,
      blocked: true,
      budgetId: "b1",
      createdAt: 5,
      ...rights,
    });
    const command = ledger.write("c1", {
      customers: [{ id: "acme", revision: null, row: customer }],
      budgets: [{ id: "b1", revision: null, row: own }],
      keys: [{ id: "k1", revision: null, row: KEY }],
    });
    await using(place, async (store) => {
      assert.equal(nameOf(await one(store, command)), "written");
      assert.deepEqual(await store.read.customer("acme"), { ...customer, revision: "c1" });
      assert.deepEqual(await store.read.budget("b1"), { ...own, revision: "c1" });
      assert.deepEqual(await store.read.key("k1"), { ...KEY, revision: "c1" });
      assert.equal(await store.read.customer("b1"), undefined);
      assert.equal(await store.read.budget("acme"), undefined);
      assert.equal(await store.read.key("acme"), undefined);
      await store.read.ping();
    });
  });

  test("the limits of a key hold for whoever calls with it, each in the window of the call", async () => {
    const place = await newPlace();
    await using(place, async (store) => {
      const hourly = ledger.budget("default", [ledger.limit("usd", 15, { period: ledger.HOURLY })]);
      await store.apply([ledger.createCustomer("c0", { id: "nobody" }, hourly)]);
      const row = ledger.key("k1", { budgetId: "default" });
      await store.apply([ledger.write("w1", { keys: [{ id: "k1", revision: null, row }] })]);
      const key = { hash: "k1", revision: "w1" };
      const call = (id: string, at: number): Command => ledger.reserve(id, { key, at });
      const outcomes = await store.apply([call("h1", 0), call("h2", 1)]);
      assert.deepEqual(outcomes.map(nameOf), ["held", "headroom_held"]);
      assert.equal(nameOf(await one(store, call("h3", ledger.HOUR_MS))), "held");
      const window = windowAt(ledger.HOURLY, 0);
      const ofKey = { scope: "key", scopeId: "k1", meter: "usd", model: "", ...window } as const;
      assert.deepEqual(await store.read.counters([ofKey]), [{ ...ofKey, ...MOVED, held: 10n }]);
    });
  });

  test("any number of counters is read at once", async () => {
    await using(await newPlace(), async (store) => {
      const names = Array.from({ length: 250 }, (_, index) => `c${String(index)}`);
      await store.apply(names.map((customer) => ledger.reserve(`h-${customer}`, { customer })));
      const counters = await store.read.counters([...names, "stranger"].map(lifetimeOf));
      const expected = names.map((name) => ({ ...lifetimeOf(name), ...MOVED, held: 10n }));
      assert.deepEqual(inOrder(counters), inOrder(expected));
      assert.deepEqual(await store.read.counters([]), []);
    });
  });
}

function exerciseWrites(newPlace: NewPlace): void {
  test("what a write deletes is gone, and the id can come back", async () => {
    await using(await newPlace(), async (store) => {
      const own = ledger.budget("own", [ledger.limit("usd", 5)]);
      const create = (id: string) => ledger.createCustomer(id, { id: "acme" }, own);
      await one(store, create("w1"));
      const gone = ledger.write("w2", {
        customers: [{ id: "acme", revision: "w1", row: null }],
        budgets: [{ id: "own", revision: "w1", row: null }],
      });
      assert.equal(nameOf(await one(store, gone)), "written");
      assert.equal(await store.read.customer("acme"), undefined);
      assert.equal(await store.read.budget("own"), undefined);
      assert.equal(nameOf(await one(store, create("w3"))), "written");
      assert.equal((await store.read.customer("acme"))?.revision, "w3");
    });
  });

  test("a budget is not deleted while a customer or a key has it", async () => {
    await using(await newPlace(), async (store) => {
      const tier = ledger.budget("tier", []);
      await one(store, ledger.write("w1", { budgets: tierAs(null, tier) }));
      await one(store, ledger.createCustomer("w2", { id: "acme", budgetId: "tier" }));
      const drop = (id: string) => ledger.write(id, { budgets: tierAs("w1", null) });
      assert.equal(nameOf(await one(store, drop("w3"))), "budget_in_use");
      const keys = [
        { id: "k1", revision: null, row: ledger.key("k1", { customerBudgetId: "tier" }) },
      ];
      const customers = [{ id: "acme", revision: "w2", row: null }];
      await one(store, ledger.write("w4", { customers, keys }));
      assert.equal(nameOf(await one(store, drop("w5"))), "budget_in_use");
      const keysGone = [{ id: "k1", revision: "w4", row: null }];
      const all = ledger.write("w6", { keys: keysGone, budgets: tierAs("w1", null) });
      assert.equal(nameOf(await one(store, all)), "written");
      assert.equal(await store.read.budget("tier"), undefined);
    });
  });

  test("of writers of one row that come together exactly one takes effect, and of new ones too", async () => {
    await using(await newPlace(), async (store) => {
      for (const [round, revision] of [null, 0, 1, 2].entries()) {
        const expected = revision === null ? null : (await store.read.customer("acme"))?.revision;
        const writers = Array.from({ length: 8 }, (_, index) => {
          const row = ledger.customer("acme", { alias: String(index) });
          const customers = [{ id: "acme", revision: expected ?? null, row }];
          return ledger.write(`w${String(round)}-${String(index)}`, { customers });
        });
        const names = (await Promise.all(writers.map((writer) => one(store, writer)))).map(nameOf);
        assert.equal(names.filter((name) => name === "written").length, 1);
        assert.equal(names.filter((name) => name === "changed").length, 7);
      }
    });
  });

  test("many rows are written at once, and calls beside them are answered", async () => {
    await using(await newPlace(), async (store) => {
      const rows = Array.from({ length: 500 }, (_, index) => ledger.customer(`c${String(index)}`));
      const customers = rows.map((row) => ({ id: row.id, revision: null, row }));
      const calls = rows.slice(0, 50).map(({ id }) => ledger.reserve(`h-${id}`, { customer: id }));
      const [written, ...held] = await Promise.all([
        one(store, ledger.write("w1", { customers })),
        ...calls.map((call) => one(store, call)),
      ]);
      assert.equal(nameOf(written), "written");
      assert.ok(held.every(({ kind }) => kind === "held"));
      assert.equal((await store.read.customer("c499"))?.revision, "w1");
    });
  });

  test("a check answers as a reserve would and changes nothing", async () => {
    await using(
      await newPlace(),
      async (store) => {
        await store.apply([CREATE_DEFAULT]);
        const check: Command = { ...ledger.reserve("q1"), kind: "check" };
        assert.equal(nameOf(await one(store, check)), "admissible");
        assert.equal(await store.read.customer("acme"), undefined);
        assert.deepEqual(await store.read.openHolds(), []);
        const dear = { ...check, quote: ledger.quote(101) };
        assert.equal(nameOf(await one(store, dear)), "budget_exceeded");
      },
      BUDGETED,
    );
  });

  test("a reset begins the counters again, and the books stay sound", async () => {
    await using(await newPlace(), async (store) => {
      const total = lifetimeOf("acme");
      await store.apply([ledger.reserve("h1"), ledger.settle("h1", 7), ledger.reserve("h2")]);
      const by = { customer: "acme", reason: "a gift", keyHash: "master", counters: [total] };
      await one(store, { kind: "reset", id: "r1", at: 5, ...by });
      assert.deepEqual(await store.read.counters([total]), [{ ...total, ...MOVED, held: 10n }]);
      assert.equal((await store.read.audit()).charged, 7n);
      await assertSound(store);
    });
  });
}

function tierAs(revision: string | null, row: Budget | null): Write["budgets"] {
  return [{ id: "tier", revision, row }];
}

function exerciseRepetition(newPlace: NewPlace): void {
  /** One of each, every one of which takes effect. */
  const commands: readonly Command[] = [
    CREATE_DEFAULT,
    ledger.createCustomer("c1", { id: "acme" }, ledger.budget("b1", [ledger.limit("usd", 50)])),
    ...["h1", "h2", "h3", "h4"].map((id) => ledger.reserve(id)),
    ledger.settle("h1", 7),
    ledger.release("h2"),
    ledger.expire("h3"),
    ledger.adjust("a1", -3),
    ledger.settle("h3", 9),
  ];

  test("a repeated command answers what it answered first and changes nothing, also after a restart", async () => {
    const place = await newPlace();
    const first = await using(place, (store) => store.apply(commands), BUDGETED);
    await using(
      place,
      async (store) => {
        const before = await figures(store);
        const again = await store.apply(commands);
        for (const [index, command] of commands.entries()) {
          const [then, now] = [first[index], again[index]];
          // A call that has ended since answers with its end.
          if (command.kind === "reserve" && command.id !== "h4") assert.equal(now?.kind, "posted");
          else assert.deepEqual({ ...now, standing: null }, { ...then, standing: null });
        }
        assert.deepEqual(await figures(store), before);
      },
      BUDGETED,
    );
  });

  test("the next attempt of a call takes the place of its hold, and keeps what the others have cost", async () => {
    const usage = { input: 9 };
    const billed = { cost: nanoUsd(2n ** 60n + 1n), usage, source: "estimated" } as const;
    const attempts = [
      { model: "m1", deployment: "d1", failure: "timeout" },
      { model: "m1", deployment: "d2", failure: "broke_off", billed: { ...billed, unpriced: [] } },
    ];
    const next = ledger.reserve("h1", {
      quote: ledger.quote(20),
      facts: ledger.facts({ deployment: "d2", attempts }),
    });
    const place = await newPlace();
    await using(place, async (store) => {
      await store.apply([ledger.reserve("h1")]);
      assert.equal(nameOf(await one(store, next)), "held");
      const [hold, ...others] = await store.read.openHolds();
      assert.deepEqual([hold?.facts.attempts, others.length], [attempts, 0]);
      await assertSound(store);
      await store.apply([ledger.settle("h1", 7)]);
      assert.deepEqual(await store.read.openHolds(), []);
      const [call] = await store.read.calls(ALL_CALLS, 0n, 1);
      assert.deepEqual(call?.posting.facts.attempts, attempts);
      await assertSound(store);
    });
  });

  test("the commands of a batch see what those before them did", async () => {
    await using(await newPlace(), async (store) => {
      const outcomes = await store.apply(commands);
      const kinds = ["written", "written", "held", "held", "held", "held"];
      assert.deepEqual(outcomes.map(nameOf), [
        ...kinds,
        ...Array.from({ length: 5 }, () => "posted"),
      ]);
    });
  });

  test("a reserve that is refused leaves nothing behind", async () => {
    await using(
      await newPlace(),
      async (store) => {
        await store.apply([CREATE_DEFAULT]);
        const dear = ledger.reserve("h1", { quote: ledger.quote(101) });
        assert.equal(nameOf(await one(store, dear)), "budget_exceeded");
        assert.equal(await store.read.customer("acme"), undefined);
        assert.deepEqual(await store.read.openHolds(), []);
        const [late] = await store.apply([dear, ledger.reserve("h2", { customer: "other" })]);
        assert.equal(late && nameOf(late), "budget_exceeded");
        assert.equal(await store.read.customer("acme"), undefined);
      },
      BUDGETED,
    );
  });
}

function exerciseRaces(newPlace: NewPlace): void {
  test("of parallel calls with a budget for ten, exactly ten are held, for a customer never seen before", async () => {
    await using(
      await newPlace(),
      async (store) => {
        await store.apply([CREATE_DEFAULT]);
        const calls = Array.from({ length: 200 }, (_, index) =>
          ledger.reserve(`h${String(index)}`),
        );
        const outcomes = await Promise.all(calls.map((call) => one(store, call)));
        assert.equal(outcomes.filter(({ kind }) => kind === "held").length, 10);
        assert.equal((await store.read.openHolds()).length, 10);
      },
      BUDGETED,
    );
  });

  test("after any traffic every total is the sum of its rows", async (t) => {
    const { seed } = seeded(t);
    await using(
      await newPlace(),
      async (store) => {
        await store.apply([ledger.createCustomer("c0", { id: "nobody" }, CROWDED_BUDGET)]);
        await new Traffic(new Dice(seed), "t").run([store], 32, 20);
        await assertSound(store);
      },
      BUDGETED,
    );
  });
}

function exerciseFailures(newPlace: NewPlace): void {
  test("a command that cannot be stored fails alone, and those it came with take effect", async () => {
    await using(await newPlace(), async (store) => {
      await store.apply([ledger.reserve("h1"), ledger.reserve("h2"), ledger.reserve("h3")]);
      const tooLarge = ledger.settle("h2", 2n ** 63n);
      const ends = [ledger.settle("h1", 1), tooLarge, ledger.settle("h3", 3)];
      const attempts = await Promise.allSettled(ends.map((end) => one(store, end)));
      const [, failed] = attempts;
      assert.deepEqual(
        attempts.map(({ status }) => status),
        ["fulfilled", "rejected", "fulfilled"],
      );
      assert.ok(failed?.status === "rejected" && failed.reason instanceof LedgerUnavailable);
      assert.deepEqual(
        (await store.read.openHolds()).map(({ id }) => id),
        ["h2"],
      );
      await assertSound(store);
    });
  });

  test("the commands of one caller take effect together or not at all", async () => {
    await using(await newPlace(), async (store) => {
      const call = ledger.reserve("h1");
      await assert.rejects(store.apply([call, ledger.settle("h1", 2n ** 63n)]), LedgerUnavailable);
      assert.deepEqual(await store.read.openHolds(), []);
      assert.equal(nameOf(await one(store, ledger.release("h1"))), "unknown_hold");
    });
  });

  test("a store that was closed takes nothing, and what it had taken is done", async () => {
    const place = await newPlace();
    const store = await place.open(ledger.POLICY);
    const calls = ["h1", "h2", "h3"].map((id) => one(store, ledger.reserve(id)));
    await store.close();
    assert.deepEqual((await Promise.all(calls)).map(nameOf), ["held", "held", "held"]);
    await assert.rejects(store.apply([ledger.reserve("h4")]), LedgerUnavailable);
    await using(place, async (next) => assert.equal((await next.read.openHolds()).length, 3));
  });
}

function exerciseAudit(newPlace: NewPlace): void {
  const history: readonly Command[] = [
    ledger.reserve("h1"),
    ledger.reserve("h2"),
    ledger.reserve("h3"),
    ledger.settle("h1", 7),
    ledger.release("h2"),
    ledger.adjust("a1", 5),
  ];

  test("an audit of sound books counts them and finds no drift", async () => {
    await using(await newPlace(), async (store) => {
      await store.apply(history);
      const report = { postings: 3n, charged: 12n, openHolds: 1n, counters: 1n, drifts: [] };
      assert.deepEqual(await store.read.audit(), report);
    });
  });

  test("an audit of empty books is empty", async () => {
    await using(await newPlace(), async (store) => {
      const report = { postings: 0n, charged: 0n, openHolds: 0n, counters: 0n, drifts: [] };
      assert.deepEqual(await store.read.audit(), report);
    });
  });

  const vandals: readonly (readonly [string, string, readonly string[]])[] = [
    ["a counter's spend", "update counters set used = used + 1", ["counter used"]],
    ["what a counter holds", "update counters set held = held - 1", ["counter held"]],
    ["a counter that is gone", "delete from counters", ["counter used", "counter held"]],
    ["a hold that is gone", "delete from holds", ["counter held"]],
    ["a summary's charge", "update rollups set charge = 0 where failures = 0", ["rollup charge"]],
    ["a summary's cost", "update rollups set cost = cost + 1", ["rollup cost"]],
    ["a summary's calls", "update rollups set calls = 9, failures = 8", ["calls", "failures"]],
    [
      "a posting that is gone",
      "delete from postings where id = 'h1'",
      ["counter used", "rollup calls", "rollup cost", "rollup charge"],
    ],
  ];
  for (const [what, statement, totals] of vandals) {
    test(`an audit notices ${what}`, async () => {
      const place = await newPlace();
      await using(place, async (store) => {
        await store.apply(history);
        await place.sql(statement);
        const { drifts } = await store.read.audit();
        const found = [...new Set(drifts.map(({ total }) => total))];
        assert.ok(
          totals.every((total) => found.some((name) => name.endsWith(total))),
          found.join(),
        );
        assert.ok(drifts.every(({ stored, recomputed }) => stored !== recomputed));
      });
    });
  }

  test("a counter that stands at 0 and that nothing ever moved is no drift", async () => {
    const place = await newPlace();
    await using(place, async (store) => {
      await place.sql("insert into counters values ('customer', 'x', 'usd', '', 0, 1, 0, 0, 0, 0)");
      assert.deepEqual((await store.read.audit()).drifts, []);
    });
  });
}

function exerciseInstances(newPlace: NewPlace): void {
  test("the calls of an instance that left or was never seen are orphans, and one's own are not", async () => {
    await using(await newPlace(), async (store) => {
      for (const id of ["i1", "i2", "i3"]) {
        await store.instances.beat(id, 1_000);
        await store.apply([ledger.reserve(`h-${id}`, { instance: id })]);
      }
      await store.instances.beat("i3", 2_000);
      await store.instances.leave("i2");
      const orphans = await store.instances.orphans("i1", 500);
      assert.ok(orphans.some(({ id }) => id === "h-i2"));
      assert.ok(orphans.every(({ id }) => id !== "h-i1"));
      const [open] = (await store.read.openHolds()).filter(({ id }) => id === "h-i2");
      assert.deepEqual(
        orphans.find(({ id }) => id === "h-i2"),
        open,
      );
    });
  });
}

function exerciseMigrations(newPlace: NewPlace): void {
  test("opening brings the database up to date once, and again changes nothing", async () => {
    const place = await newPlace();
    await using(place, (store) => store.apply([ledger.reserve("h1")]));
    await using(place, async (store) => assert.equal((await store.read.openHolds()).length, 1));
  });

  test("the customers of an older database keep their budgets, each as its own", async () => {
    const place = await newPlace();
    await place.migrate(1);
    const period = ledger.HOURLY;
    const limits = [
      { meter: "usd", model: null, cap: "5", period },
      { meter: "requests", model: null, cap: "9", period: null },
    ];
    await place.sql(`insert into budgets (id, limits, enforcement, created_at)
      values ('b1', '${JSON.stringify(limits)}', 'hard', 3)`);
    await place.sql(`insert into customers (id, alias, blocked, budget_id, created_at, created_by)
      values ('acme', 'Acme', false, 'b1', 4, 'h1')`);
    await using(place, async (store) => {
      const row = { alias: "Acme", budgetId: "b1", createdAt: 4, revision: "h1" };
      assert.deepEqual(await store.read.customer("acme"), ledger.customer("acme", row));
      assert.deepEqual(await store.read.budget("b1"), {
        ...ledger.budget("b1", [ledger.limit("usd", 5, { period }), ledger.limit("requests", 9)]),
        period,
        owner: { scope: "customer", id: "acme" },
        createdAt: 3,
        updatedAt: 3,
        revision: "",
      });
      const block = { id: "acme", revision: "h1", row: ledger.customer("acme", { blocked: true }) };
      assert.equal(nameOf(await one(store, ledger.write("w1", { customers: [block] }))), "written");
    });
  });

  test("a database that a newer Purser has changed is not opened", async () => {
    const place = await newPlace();
    await using(place, () => Promise.resolve());
    await place.sql("insert into migrations (version, name) values (9999, '9999_future.sql')");
    await assert.rejects(
      place.open(ledger.POLICY),
      /newer than this Purser: it has migration 9999/,
    );
  });
}

function exerciseAnswers(newPlace: NewPlace): void {
  const claim = { caller: "k1", name: "n", request: "r", call: "c1", at: 100 };

  test("a name belongs to one call of one caller, until that lets it go or is given up", async () => {
    await using(await newPlace(), async ({ answers }) => {
      assert.deepEqual(await answers.claim(claim, 0), { kind: "taken" });
      const second = { ...claim, call: "c2", at: 200 };
      assert.deepEqual(await answers.claim(second, 100), { kind: "in_flight" });
      assert.deepEqual(await answers.claim({ ...second, caller: "k2" }, 0), { kind: "taken" });
      assert.deepEqual(await answers.claim({ ...second, request: "other" }, 0), {
        kind: "other_request",
      });
      assert.deepEqual(await answers.claim(second, 101), { kind: "taken" }, "the first is stale");
      await answers.keep(claim, "late");
      await answers.letGo(claim);
      assert.deepEqual(await answers.claim(claim, 0), { kind: "in_flight" }, "it is the second's");
      await answers.keep(second, "{}");
      assert.deepEqual(await answers.claim(claim, 900), { kind: "answered", answer: "{}" });
      await answers.prune(201);
      assert.deepEqual(await answers.claim(claim, 0), { kind: "taken" });
    });
  });
}

/** No drift, and nobody was let past a limit. */
export async function assertSound(store: LedgerStore): Promise<void> {
  const { drifts } = await store.read.audit();
  assert.deepEqual(drifts, []);
}

export async function one(store: LedgerStore, command: Command): Promise<Outcome> {
  const [outcome] = await store.apply([command]);
  return outcome ?? assert.fail("no outcome");
}

/** A counter where nothing was charged, but for what a test says. */
const MOVED = { used: 0n, held: 0n, peak: 0n, told: 0 };

/** What became of a command, in a word. */
export function nameOf(outcome: Outcome): string {
  return outcome.kind === "refused" ? outcome.refusal.name : outcome.kind;
}

export function lifetimeOf(customer: string): CounterKey {
  return { scope: "customer", scopeId: customer, meter: "usd", model: "", ...LIFETIME };
}

async function figures(store: LedgerStore): Promise<unknown> {
  const events = await store.outbox.events.read(0n, 1_000);
  return [await store.read.audit(), await store.read.openHolds(), events];
}

function inOrder(counters: readonly CounterKey[]): readonly CounterKey[] {
  return counters.toSorted((a, b) => (counterName(a) < counterName(b) ? -1 : 1));
}
