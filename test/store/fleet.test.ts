/** Several instances over one PostgreSQL: they never disagree, and they outlive the server. */

import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer, type AddressInfo } from "node:net";
import { after, test } from "node:test";
import postgres from "postgres";
import type { Budget } from "../../src/ledger/book.ts";
import type { Command, Policy } from "../../src/ledger/command.ts";
import { LedgerUnavailable, type LedgerStore } from "../../src/ledger/store.ts";
import { openReader, openStore } from "../../src/store/open.ts";
import { windowAt } from "../../src/money/window.ts";
import * as ledger from "../support/ledger.ts";
import { startPostgres } from "../support/postgres.ts";
import { Dice, seeded } from "../support/seed.ts";
import { assertSound, BUDGETED, CREATE_DEFAULT, lifetimeOf, nameOf, one } from "./conformance.ts";
import { CROWDED_BUDGET, Traffic } from "./traffic.ts";

const server = await startPostgres();
after(() => server.remove());

const INSTANCES = 3;

interface Fleet {
  readonly url: string;
  readonly stores: readonly LedgerStore[];
  readonly any: (index: number) => LedgerStore;
}

async function withFleet(work: (fleet: Fleet) => Promise<void>, policy: Policy = BUDGETED) {
  const url = await server.newDatabase();
  const opening = Array.from({ length: INSTANCES }, () =>
    openStore({ kind: "postgres", url }, policy),
  );
  const stores = await Promise.all(opening);
  const any = (index: number): LedgerStore =>
    stores[index % INSTANCES] ?? assert.fail("no such instance");
  try {
    await work({ url, stores, any });
  } finally {
    await Promise.all(stores.map((store) => store.close()));
  }
}

async function withAdmin<T>(url: string, work: (sql: postgres.Sql) => Promise<T>): Promise<T> {
  const sql = postgres(url, { max: 1, onnotice: () => undefined });
  try {
    return await work(sql);
  } finally {
    await sql.end();
  }
}

/** What a caller with patience sees: the same commands under the same ids until they are answered. */
function patient(store: LedgerStore): LedgerStore {
  return {
    ...store,
    async apply(commands) {
      for (;;) {
        try {
          return await store.apply(commands);
        } catch (error) {
          if (!(error instanceof LedgerUnavailable)) throw error;
        }
      }
    },
  };
}

test("instances that start together bring the database up to date once", async () => {
  await withFleet(async ({ any }) => {
    assert.equal(nameOf(await one(any(0), ledger.reserve("h1"))), "held");
    assert.equal((await any(1).read.openHolds()).length, 1);
  });
});

test("of instances that give one alias to different keys at once, exactly one does", async () => {
  await withFleet(async ({ any }) => {
    for (const alias of ["a", "b", "c", "d", "e"]) {
      const outcomes = await Promise.all(
        Array.from({ length: 12 }, (_, index) => {
          const id = `${alias}${String(index)}`;
          const keys = [{ id, revision: null, row: ledger.key(id, { alias }) }];
          return one(any(index), ledger.write(id, { keys }));
        }),
      );
      const written = outcomes.map(nameOf).filter((name) => name === "written");
      assert.deepEqual(written, ["written"]);
    }
  });
});

test("of parallel calls through all instances with a budget for ten, exactly ten are held, for customers never seen before", async () => {
  await withFleet(async ({ any }) => {
    await any(0).apply([CREATE_DEFAULT]);
    for (const customer of ["ann", "bob", "cid", "dan", "eve"]) {
      const calls = Array.from({ length: 100 }, (_, index) =>
        one(any(index), ledger.reserve(`${customer}-${String(index)}`, { customer })),
      );
      const names = (await Promise.all(calls)).map(nameOf);
      assert.equal(names.filter((name) => name === "held").length, 10);
      assert.equal(names.filter((name) => name === "headroom_held").length, 90);
    }
    await assertSound(any(1));
  });
});

test("a customer that instances create at the same time is created once, and calls that come meanwhile agree", async () => {
  await withFleet(async ({ stores, any }) => {
    await any(0).apply([CREATE_DEFAULT]);
    for (let round = 0; round < 20; round += 1) {
      const id = `c${String(round)}`;
      const create = (by: number): Command => {
        const name = `${id}-${String(by)}`;
        const own = ledger.budget(`b-${name}`, [ledger.limit("usd", 15)]);
        return ledger.createCustomer(name, { id, alias: name }, own);
      };
      const creations = stores.map((store, by) => one(store, create(by)));
      const calls = stores.map((store, by) =>
        one(store, ledger.reserve(`${id}-call-${String(by)}`, { customer: id })),
      );
      const created = (await Promise.all(creations)).flatMap(({ kind }, by) =>
        kind === "written" ? [`${id}-${String(by)}`] : [],
      );
      const held = (await Promise.all(calls)).filter(({ kind }) => kind === "held");
      const customer = await any(round).read.customer(id);
      const [winner, ...others] = created;
      assert.deepEqual(others, []);
      // Whoever was first made the row, and nobody has written over it.
      assert.equal(customer?.alias, winner ?? null);
      assert.equal(held.length, winner === undefined ? INSTANCES : 1);
    }
    await assertSound(any(0));
  });
});

test("a command that reaches several instances takes effect once and is answered alike", async () => {
  await withFleet(async ({ stores, any }) => {
    await any(0).apply([ledger.reserve("h0")]);
    for (let round = 0; round < 20; round += 1) {
      const id = String(round);
      const commands = [
        ledger.reserve(`h${id}`, { customer: `c${id}` }),
        ledger.adjust(`a${id}`, 1),
        ledger.settle(`h${id}`, 2),
        ledger.release(`h${id}`),
      ];
      for (const command of commands) {
        const outcomes = await Promise.all(stores.map((store) => one(store, command)));
        assert.equal(new Set(outcomes.map(nameOf)).size, 1);
      }
    }
    const total = lifetimeOf("acme");
    const [counter] = await any(1).read.counters([total]);
    assert.equal(counter?.used, 22n);
    await assertSound(any(2));
  });
});

test("after any traffic through all instances every total is the sum of its rows, and no two waited for each other", async (t) => {
  const dice = new Dice(seeded(t).seed);
  await withFleet(async ({ url, stores, any }) => {
    await any(0).apply([ledger.createCustomer("c0", { id: "nobody" }, CROWDED_BUDGET)]);
    await new Traffic(dice, "t").run(stores, 24, 30);
    await assertSound(any(0));
    const [row] = await withAdmin(
      url,
      (sql) => sql`select deadlocks from pg_stat_database where datname = current_database()`,
    );
    assert.equal(row?.["deadlocks"], "0");
  });
});

function small(cap: number): Budget {
  return ledger.budget("small", [ledger.limit("usd", cap)]);
}

test("what an administrator wrote is obeyed by the next call through any instance", async () => {
  await withFleet(async ({ any }) => {
    await any(0).apply([CREATE_DEFAULT]);
    assert.equal(nameOf(await one(any(1), ledger.reserve("h1"))), "held");
    const give = ledger.write("w1", {
      customers: [
        { id: "acme", revision: "h1", row: ledger.customer("acme", { budgetId: "small" }) },
      ],
      budgets: [{ id: "small", revision: null, row: small(15) }],
    });
    assert.equal(nameOf(await one(any(1), give)), "written");
    assert.equal(nameOf(await one(any(2), ledger.reserve("h2"))), "headroom_held");
    const tighten = ledger.write("w2", {
      budgets: [{ id: "small", revision: "w1", row: small(5) }],
    });
    assert.equal(nameOf(await one(any(2), tighten)), "written");
    assert.equal(nameOf(await one(any(0), ledger.reserve("h3"))), "budget_exceeded");
    const row = ledger.customer("acme", { blocked: true });
    const block = ledger.write("w3", { customers: [{ id: "acme", revision: "w1", row }] });
    assert.equal(nameOf(await one(any(0), block)), "written");
    assert.equal(nameOf(await one(any(1), ledger.reserve("h4"))), "customer_blocked");
  });
});

test("a budget that is given to a customer and deleted at the same time is one or the other", async () => {
  await withFleet(async ({ any }) => {
    const seen = new Set<string>();
    for (let round = 0; round < 40; round += 1) {
      const id = `b${String(round)}`;
      const made = { id, revision: null, row: ledger.budget(id, []) };
      await one(any(0), ledger.write(`made-${id}`, { budgets: [made] }));
      const gone = { id, revision: `made-${id}`, row: null };
      const [given, deleted] = await Promise.all([
        one(any(1), ledger.createCustomer(`give-${id}`, { id: `c-${id}`, budgetId: id })),
        one(any(2), ledger.write(`gone-${id}`, { budgets: [gone] })),
      ]);
      const outcome = `${nameOf(given)} ${nameOf(deleted)}`;
      assert.match(outcome, /^(?:written budget_in_use|unknown_budget written)$/);
      seen.add(outcome);
      const isThere = (await any(0).read.budget(id)) !== undefined;
      assert.equal(isThere, nameOf(given) === "written");
    }
    assert.ok(seen.size > 0);
  });
});

/** Adds 1 to the customer's alias, from anew for as long as others are faster. */
async function increment(store: LedgerStore, name: string): Promise<void> {
  for (let attempt = 0; ; attempt += 1) {
    const current = (await store.read.customer("acme")) ?? assert.fail("no customer");
    const row = { ...current, alias: String(Number(current.alias) + 1) };
    const customers = [{ id: "acme", revision: current.revision, row }];
    const outcome = await one(store, ledger.write(`${name}-${String(attempt)}`, { customers }));
    if (nameOf(outcome) === "written") return;
  }
}

test("writers through all instances who read again when they lost lose nothing", async () => {
  await withFleet(async ({ stores, any }) => {
    await one(any(0), ledger.createCustomer("w0", { id: "acme", alias: "0" }));
    await Promise.all(
      stores.map(async (store, by) => {
        for (let turn = 0; turn < 15; turn += 1)
          await increment(store, `${String(by)}-${String(turn)}`);
      }),
    );
    assert.equal((await any(1).read.customer("acme"))?.alias, String(15 * INSTANCES));
  });
});

test("work that one instance has is no other's until its lease ends or is given back", async () => {
  await withFleet(async ({ stores, any }) => {
    const take = (index: number, holder: string, now: number) =>
      any(index).outbox.leases.take("work", { holder, now, until: now + 100 });
    const holders = stores.map((_, index) => `i${String(index)}`);
    const taken = await Promise.all(holders.map((holder, index) => take(index, holder, 0)));
    assert.equal(taken.filter(Boolean).length, 1);
    const [holder = ""] = holders.filter((_, index) => taken[index] === true);
    assert.equal(await take(0, holder, 50), true);
    assert.equal(await take(1, "other", 149), false);
    assert.equal(await take(1, "other", 150), true);
    await any(0).outbox.leases.leave("other");
    assert.equal(await take(2, "third", 151), true);
  });
});

test("the calls of an instance that was not seen for long are orphans, and of one that was they are not", async () => {
  await withFleet(async ({ any }) => {
    for (const [id, seenAt] of [["i1", 1_000] as const, ["i2", 2_000] as const]) {
      await any(0).instances.beat(id, seenAt);
      await any(0).apply([ledger.reserve(`h-${id}`, { instance: id })]);
    }
    const orphansAt = async (seenBefore: number): Promise<string[]> =>
      (await any(1).instances.orphans("i3", seenBefore)).map(({ id }) => id);
    assert.deepEqual(await orphansAt(1_000), []);
    assert.deepEqual(await orphansAt(2_000), ["h-i1"]);
    assert.deepEqual(await orphansAt(2_001), ["h-i1", "h-i2"]);
  });
});

test("connections that are cut again and again under load lose nothing and charge nothing twice", async (t) => {
  const dice = new Dice(seeded(t).seed);
  await withFleet(async ({ url, stores, any }) => {
    await any(0).apply([ledger.createCustomer("c0", { id: "nobody" }, CROWDED_BUDGET)]);
    await withAdmin(url, async (sql) => {
      const cut = (): Promise<unknown> => sql`
        select pg_terminate_backend(pid) from pg_stat_activity
        where application_name = 'purser' and datname = current_database() and random() < 0.5`;
      let answered = 0;
      const cutting = stores.map(patient).map((store) => ({
        ...store,
        async apply(commands: readonly Command[]) {
          const outcomes = await store.apply(commands);
          answered += 1;
          if (answered % 10 === 0) await cut();
          return outcomes;
        },
      }));
      await new Traffic(dice, "t").run(cutting, 24, 30);
    });
    await assertSound(patient(any(0)));
  });
});

test("a connection that breaks during the commit leaves its caller in doubt, and one that never came about does not", async () => {
  await withFleet(async ({ url, any }) => {
    const cable = await layCable(new URL(url));
    const store = await openStore({ kind: "postgres", url: cable.url }, BUDGETED);
    try {
      const call = ledger.reserve("h1");
      // The length of the message and its text.
      cable.breakAt("\u000bcommit\0");
      await assert.rejects(store.apply([call]), { name: "LedgerUnavailable", inDoubt: true });
      assert.deepEqual(await any(0).read.openHolds(), []);
      cable.close();
      await assert.rejects(store.apply([call]), { name: "LedgerUnavailable", inDoubt: false });
    } finally {
      cable.close();
      await store.close();
    }
    await assertSound(any(0));
  });
});

test("behind a proxy that has no server callers are refused within seconds, and taken when it has one", async () => {
  await withFleet(async ({ url, any }) => {
    const cable = await layCable(new URL(url));
    const store = await openStore({ kind: "postgres", url: cable.url }, BUDGETED);
    try {
      cable.breakAt("");
      await assert.rejects(store.apply([ledger.reserve("h1")]), LedgerUnavailable);
      await assert.rejects(store.read.ping(), LedgerUnavailable);
      cable.breakAt("nothing that is ever said");
      assert.equal(nameOf(await one(patient(store), ledger.reserve("h1"))), "held");
      assert.equal((await any(0).read.openHolds()).length, 1);
    } finally {
      cable.close();
      await store.close();
    }
  });
});

test("a server that crashes and comes back under load loses nothing that was answered", async () => {
  await withFleet(async ({ url, stores, any }) => {
    await any(0).apply([CREATE_DEFAULT]);
    const settled: string[] = [];
    const { promise: enough, resolve: haveEnough } = Promise.withResolvers<void>();
    let left = 1_500;
    const caller = async (store: LedgerStore): Promise<void> => {
      while (left > 0) {
        left -= 1;
        const id = String(left);
        await one(store, ledger.reserve(id, { customer: `c${id}` }));
        await one(store, ledger.settle(id, 7));
        settled.push(id);
        if (settled.length === 300) haveEnough();
      }
    };
    const callers = Promise.all(
      Array.from({ length: 24 }, (_, index) => caller(patient(any(index)))),
    );
    await enough;
    await server.crash();
    for (const store of stores) {
      await assert.rejects(store.apply([ledger.reserve("away")]), LedgerUnavailable);
      await assert.rejects(store.read.ping(), LedgerUnavailable);
      await assert.rejects(store.outbox.deliveries.waiting(), LedgerUnavailable);
    }
    await server.start();
    await callers;
    const report = await any(0).read.audit();
    assert.deepEqual(report.drifts, []);
    assert.equal(report.openHolds, 0n);
    assert.equal(report.charged, 7n * BigInt(settled.length));
    const { reader, close } = await openReader({ kind: "postgres", url });
    assert.deepEqual(await reader.audit(), report);
    await close();
  });
});

interface Cable {
  /** The server at the other end. */
  readonly url: string;
  /** From now on a connection on which this goes to the server breaks in front of it. */
  breakAt(text: string): void;
  close(): void;
}

async function layCable({ hostname, port, pathname }: URL): Promise<Cable> {
  let end: string | undefined;
  const relay = createServer((near) => {
    const far = connect(Number(port), hostname);
    far.pipe(near);
    near.on("data", (data) => {
      if (end !== undefined && data.includes(end)) near.destroy();
      else far.write(data);
    });
    near.on("close", () => far.destroy());
    for (const side of [near, far]) side.on("error", () => side.destroy());
  });
  relay.listen(0, "127.0.0.1");
  await once(relay, "listening");
  const own = relay.address() as AddressInfo;
  return {
    url: `postgres://purser@127.0.0.1:${String(own.port)}${pathname}`,
    breakAt: (text) => {
      end = text;
    },
    close: () => relay.close(),
  };
}

test("instances that cross thresholds together write one event for each, and one for all that is refused", async () => {
  await withFleet(async ({ any }) => {
    const budget = ledger.budget("b", [ledger.limit("usd", 100, { period: ledger.HOURLY })]);
    await any(0).apply([ledger.createCustomer("c1", { id: "acme" }, budget)]);
    const at = ledger.HOUR_MS / 2;
    const calls = Array.from({ length: 130 }, async (_, index) => {
      const id = `h${String(index)}`;
      const held = await one(any(index), ledger.reserve(id, { at, quote: ledger.quote(1) }));
      if (held.kind === "held") await one(any(index), ledger.settle(id, 1, { at }));
    });
    await Promise.all(calls);
    // Calls in flight may have held what was left; now it is surely spent.
    await Promise.all(
      Array.from({ length: 12 }, async (_, index) => {
        const last = ledger.reserve(`last${String(index)}`, { at, quote: ledger.quote(100) });
        assert.equal(nameOf(await one(any(index), last)), "budget_exceeded");
      }),
    );
    const events = await any(0).outbox.events.read(0n, 999);
    const about = events.map(({ item }) =>
      "percent" in item.data ? `${item.type} ${String(item.data.percent)}` : item.type,
    );
    const told = about.filter((name) => !name.startsWith("customer")).toSorted();
    const reached = await any(0).read.counters([
      { ...lifetimeOf("acme"), ...windowAt(ledger.HOURLY, 0) },
    ]);
    assert.equal(reached[0]?.used, 100n);
    assert.deepEqual(told, [
      "budget.crossed",
      "budget.projected_exceeded",
      "budget.threshold_reached 85",
      "budget.threshold_reached 95",
      "budget.window_started",
      "call.refused",
    ]);
  });
});
