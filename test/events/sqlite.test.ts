/** From a call's settle to its delivery, through the outbox of a real database. */

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import type { LedgerStore } from "../../src/ledger/store.ts";
import { openStore } from "../../src/store/open.ts";
import { createCustomer, budget, limit, POLICY, reserve, settle } from "../support/ledger.ts";
import { SK_1234_HASH } from "./event.ts";
import { LEASE_END_MS, startLoop, TestClock } from "./loop.ts";
import { BROKEN, HANGING, idsOf, OK, startReceiver, type Received } from "./receiver.ts";

const KEY = { hash: SK_1234_HASH, revision: null };

async function open(t: TestContext): Promise<LedgerStore> {
  const folder = await mkdtemp(join(tmpdir(), "purser-events-"));
  const store = await openStore({ kind: "sqlite", file: join(folder, "purser.db") }, POLICY);
  t.after(async () => {
    await store.close();
    await rm(folder, { recursive: true });
  });
  return store;
}

/** A call that costs 0.001112 dollars. */
async function call(store: LedgerStore, id: string, customer: string): Promise<void> {
  await store.apply([reserve(id, { customer, key: KEY })]);
  await store.apply([settle(id, 1_112_000n)]);
}

test("a settled call is told to the receiver to the byte, and a crossed budget after it", async (t) => {
  const store = await open(t);
  const cap = budget("b1", [limit("usd", 1_112_000n)]);
  await store.apply([createCustomer("c1", { id: "krrish12" }, cap)]);
  const receiver = await startReceiver(t);
  const clock = new TestClock();
  const delivery = startLoop(t, { outbox: store.outbox, clock, url: receiver.url });
  await call(store, "call1", "krrish12");
  delivery.wake();
  await receiver.until(2);
  const unknown = `"user_id":null,"team_id":null,"user_email":null,"key_alias":null,"projected_exceeded_date":null,"projected_spend":null`;
  const head = `{"spend":0.001112,"max_budget":0.001112,"token":"${SK_1234_HASH}","customer_id":"krrish12",${unknown}`;
  assert.deepEqual(
    receiver.received.map(({ body }) => body),
    [
      `${head},"event":"spend_tracked","event_group":"customer","event_message":"Customer spend tracked. Customer=krrish12, spend=0.001112"}`,
      `${head},"event":"budget_crossed","event_group":"customer","event_message":"Customer Budget: Budget Crossed\\n Total Budget:\`0.001112\`"}`,
    ],
  );
  assert.deepEqual(idsOf(receiver.received), ["evt_call1", "evt_call1_crossed_0"]);
});

test("failures, a stop in mid-delivery and a receiver that comes back lose no event and invent none", async (t) => {
  const store = await open(t);
  const receiver = await startReceiver(t, BROKEN);
  const clock = new TestClock();
  const calls = Array.from({ length: 40 }, (_, index) => `call${String(index)}`);
  for (const id of calls) await call(store, id, `customer of ${id}`);
  const dying = startLoop(t, { outbox: store.outbox, clock, url: receiver.url });
  await receiver.until(8);
  receiver.answer(HANGING);
  await dying.stop();

  const delivered: Received[] = [];
  const all = Promise.withResolvers<void>();
  receiver.answer((response, request, count) => {
    delivered.push(request);
    OK(response, request, count);
    if (delivered.length >= calls.length) all.resolve();
  });
  clock.advance(LEASE_END_MS);
  const next = startLoop(t, { outbox: store.outbox, clock, url: receiver.url, stopMs: 10_000 });
  await all.promise;
  await next.stop();
  assert.deepEqual(idsOf(delivered).toSorted(), calls.map((id) => `evt_${id}`).toSorted());
  assert.equal(await store.outbox.pending(), 0n);
});
