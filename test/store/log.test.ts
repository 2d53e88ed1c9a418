/** Readers of a log on PostgreSQL, where places are given in one order and transactions end in another. */

import assert from "node:assert/strict";
import { after, test } from "node:test";
import postgres from "postgres";
import type { Log, Numbered } from "../../src/ledger/outbox.ts";
import type { LedgerStore } from "../../src/ledger/store.ts";
import { openStore } from "../../src/store/open.ts";
import * as ledger from "../support/ledger.ts";
import { startPostgres } from "../support/postgres.ts";
import { until } from "../support/until.ts";

const server = await startPostgres();
after(() => server.remove());

const INSTANCES = 3;
const CALLS = 300;

/** As a commit of another instance does it: first its id, then its place. */
const SLOW_COMMIT = `
  begin;
  select pg_current_xact_id();
  insert into events (id, type, at, data) values ('evt_slow', 'endpoint.tested', 0, '{}')`;

async function withStores(
  count: number,
  work: (stores: LedgerStore[], url: string) => Promise<void>,
) {
  const url = await server.newDatabase();
  const opening = Array.from({ length: count }, () =>
    openStore({ kind: "postgres", url }, ledger.POLICY),
  );
  const stores = await Promise.all(opening);
  try {
    await work(stores, url);
  } finally {
    await Promise.all(stores.map((store) => store.close()));
  }
}

test("an event that is committed late is not passed by for one that came after it", async () => {
  await withStores(1, async ([store], url) => {
    assert.ok(store !== undefined);
    const slow = postgres(url, { max: 1 });
    await slow.unsafe(SLOW_COMMIT);
    await store.apply([ledger.reserve("h1"), ledger.settle("h1", 1)]);
    await store.outbox.events.add({
      id: "evt_fast",
      type: "endpoint.tested",
      at: 0,
      customer: null,
      data: { endpoint: "" },
    });
    assert.deepEqual(await store.outbox.events.read(0n, 9), []);
    await slow.unsafe("commit");
    await slow.end();
    const ids = ["evt_slow", "evt_h1_created_0", "evt_h1", "evt_fast"];
    await until(async () => (await store.outbox.events.read(0n, 9)).length === ids.length);
    const events = await store.outbox.events.read(0n, 9);
    assert.deepEqual(
      events.map(({ item }) => item.id),
      ids,
    );
  });
});

test("an event whose transaction was undone holds up nobody", async () => {
  await withStores(1, async ([store], url) => {
    assert.ok(store !== undefined);
    const undone = postgres(url, { max: 1 });
    await undone.unsafe(SLOW_COMMIT);
    await store.apply([ledger.reserve("h1")]);
    await undone.unsafe("rollback");
    await undone.end();
    await until(async () => (await store.outbox.events.read(0n, 9)).length === 1);
  });
});

test("readers beside writers of three instances see every event and every posting, once and in order", async () => {
  await withStores(INSTANCES, async (stores) => {
    const [reading] = stores;
    assert.ok(reading !== undefined);
    const following = Promise.all([
      follow(reading.outbox.events, 2 * CALLS),
      follow(reading.outbox.postings, CALLS),
    ]);
    const calls = Array.from({ length: CALLS }, async (_, index) => {
      const store = stores[index % INSTANCES];
      const id = `h${String(index)}`;
      await store?.apply([ledger.reserve(id, { customer: `c${String(index)}` })]);
      await store?.apply([ledger.settle(id, 1)]);
    });
    await Promise.all(calls);
    const [events, postings] = await following;
    assert.equal(new Set(events.map(({ item }) => item.id)).size, 2 * CALLS);
    assert.equal(new Set(postings.map(({ item }) => item.id)).size, CALLS);
    assert.deepEqual(await reading.outbox.events.read(0n, 3 * CALLS), events);
  });
});

/** Goes on from the last place it saw, a few rows at a time, until it has as many. */
async function follow<Item>(log: Log<Item>, count: number): Promise<readonly Numbered<Item>[]> {
  const seen: Numbered<Item>[] = [];
  await until(async () => {
    seen.push(...(await log.read(seen.at(-1)?.seq ?? 0n, 7)));
    return seen.length >= count;
  });
  return seen;
}
