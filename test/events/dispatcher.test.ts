/** From a settled call to its receiver: real databases, real sockets, and a clock that the tests move. */

import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import type { LedgerStore } from "../../src/ledger/store.ts";
import type { Delivery } from "../../src/ledger/outbox.ts";
import { onEachDatabase } from "../support/databases.ts";
import { until } from "../support/until.ts";
import {
  callsOf,
  charge,
  LEASE_END_MS,
  openBooks,
  ownWebhook,
  START,
  startTelling,
  TestClock,
  WISH,
} from "./loop.ts";
import { BROKEN, HANGING, idsOf, OK, startReceiver, type Answer } from "./receiver.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

onEachDatabase((newDatabase) => {
  async function books(t: TestContext): Promise<LedgerStore> {
    return openBooks(t, await newDatabase());
  }

  test("what waits at the start is delivered, and nothing twice", async (t) => {
    const store = await books(t);
    const receiver = await startReceiver(t);
    await charge(store, "acme", callsOf("acme", 300));
    startTelling(store, { own: ownWebhook(receiver.url) });
    await receiver.until(300);
    await untilDone(store);
    assert.deepEqual(idsOf(receiver.received), eventsOf(callsOf("acme", 300)));
  });

  test("a wake delivers without waiting for the interval", async (t) => {
    const store = await books(t);
    const receiver = await startReceiver(t);
    const { dispatcher } = startTelling(store, { own: ownWebhook(receiver.url) });
    await charge(store, "acme", ["h1"]);
    dispatcher.wake();
    await receiver.until(1);
  });

  test("without a wake an event is found after the interval", async (t) => {
    const store = await books(t);
    const receiver = await startReceiver(t);
    startTelling(store, { own: ownWebhook(receiver.url), timing: { pollMs: 1 } });
    await charge(store, "acme", ["h1"]);
    await receiver.until(1);
  });

  test("an event that fails three times comes a fourth time under the same id, each time later, and all is on the list", async (t) => {
    const store = await books(t);
    const receiver = await startReceiver(t, brokenUntil(3));
    await charge(store, "acme", ["h1"]);
    const own = ownWebhook(receiver.url);
    const { dispatcher, webhooks, clock } = startTelling(store, { own, random: () => 1 });
    for (const [index, waitMs] of [1_000, 2_000, 4_000].entries()) {
      const { dueAt } = await untilTried(store, "evt_h1", index + 1);
      assert.equal((dueAt ?? 0) - clock.now(), waitMs);
      clock.advance(waitMs);
      dispatcher.wakeRecipient("webhook");
    }
    const { state, log } = await untilTried(store, "evt_h1", 4);
    assert.equal(state, "delivered");
    assert.deepEqual(
      log.map(({ status }) => status),
      [500, 500, 500, 200],
    );
    assert.equal(log[0]?.error, "the receiver answered 500");
    assert.deepEqual(idsOf(receiver.received), Array(4).fill("evt_h1"));
    assert.equal(new Set(receiver.received.map(({ body }) => body)).size, 1);
    const times = receiver.received.map(({ headers }) => Number(headers["webhook-timestamp"]));
    assert.deepEqual(times, [1_700_000_000, 1_700_000_001, 1_700_000_003, 1_700_000_007]);
    assert.equal((await webhooks.deliveries({ state: "waiting", limit: 9 })).length, 0);
  });

  test("a receiver that hangs is tried again", async (t) => {
    const store = await books(t);
    const receiver = await startReceiver(t, (response, request, count) =>
      (count === 1 ? HANGING : OK)(response, request, count),
    );
    await charge(store, "acme", ["h1"]);
    const own = ownWebhook(receiver.url);
    const { dispatcher, clock } = startTelling(store, { own, timing: { attemptMs: 50 } });
    const { log } = await untilTried(store, "evt_h1", 1);
    assert.deepEqual([log[0]?.status, log[0]?.error], [null, "no answer within 50 ms"]);
    clock.advance(HOUR_MS);
    dispatcher.wakeRecipient("webhook");
    await receiver.until(2);
    assert.deepEqual(idsOf(receiver.received), ["evt_h1", "evt_h1"]);
  });

  test("what was committed and not sent, and what was being sent, is sent by the next process under the same id", async (t) => {
    const store = await books(t);
    const receiver = await startReceiver(t, HANGING);
    await charge(store, "acme", callsOf("acme", 3));
    const clock = new TestClock();
    const own = ownWebhook(receiver.url);
    // It dies without a word: its stop is never called while the test runs.
    startTelling(store, { own, clock });
    await receiver.until(1);
    receiver.answer(OK);
    clock.advance(LEASE_END_MS);
    startTelling(store, { own, clock });
    await receiver.until(4);
    const [first, second, third] = eventsOf(callsOf("acme", 3));
    assert.deepEqual(idsOf(receiver.received), [first, first, second, third]);
  });

  test("a customer's events arrive one after another in their order, those of different customers at once", async (t) => {
    const store = await books(t);
    const customers = Array.from({ length: 32 }, (_, index) => `c${String(index)}`);
    const underWay = new Set<string>();
    const overtaken: string[] = [];
    const held: Parameters<Answer>[0][] = [];
    const receiver = await startReceiver(t, (response, request, count) => {
      const { customer_id: customer } = JSON.parse(request.body) as { customer_id: string };
      if (underWay.has(customer)) overtaken.push(customer);
      underWay.add(customer);
      response.once("finish", () => underWay.delete(customer));
      // The first are held back until the bound on deliveries at once is reached.
      if (count === 16) for (const one of held) OK(one, request, count);
      if (count < 16) held.push(response);
      else OK(response, request, count);
    });
    for (let round = 0; round < 5; round += 1) {
      for (const customer of customers) await charge(store, customer, [`${customer}_${round}`]);
    }
    startTelling(store, { own: ownWebhook(receiver.url) });
    await receiver.until(160);
    assert.deepEqual(overtaken, []);
    assert.equal(receiver.concurrencyMax(), 16);
    const ids = idsOf(receiver.received);
    for (const customer of customers) {
      const own = ids.filter((id) => id.startsWith(`evt_${customer}_`));
      assert.deepEqual(own, eventsOf(callsOf(customer, 5)));
    }
  });

  test("an event that the receiver refuses holds up no other", async (t) => {
    const store = await books(t);
    const receiver = await startReceiver(t, (response, request, count) =>
      (request.headers["webhook-id"] === "evt_acme_3" ? BROKEN : OK)(response, request, count),
    );
    await charge(store, "acme", callsOf("acme", 10));
    startTelling(store, { own: ownWebhook(receiver.url) });
    await receiver.until(10);
    await until(async () => (await store.outbox.deliveries.waiting()) === 1n);
  });

  test("a dead endpoint is asked little, holds up no other, and gets all when it is back", async (t) => {
    const store = await books(t);
    const [dead, alive] = [await startReceiver(t, BROKEN), await startReceiver(t)];
    const own = [...ownWebhook(dead.url), ...ownWebhook(alive.url).map(asSecond)];
    const customers = Array.from({ length: 100 }, (_, index) => `c${String(index)}`);
    for (const customer of customers) await charge(store, customer, [`${customer}_0`]);
    const { dispatcher, clock } = startTelling(store, { own });
    await alive.until(100);
    // Two tries a lane, then one at a time with pauses between them.
    await dead.until(16);
    assert.ok(dead.received.length <= 2 * 16 + 1, `${String(dead.received.length)} tries`);
    assert.ok((await store.outbox.deliveries.waiting()) >= 100n);
    dead.answer(OK);
    await wakeUntil(dispatcher, store, async () => {
      clock.advance(1_000);
      return (await store.outbox.deliveries.waiting()) === 0n;
    });
    const delivered = await store.outbox.deliveries.list({ endpoint: "webhook", limit: 999 });
    assert.equal(delivered.length, 100);
    assert.ok(delivered.every(({ state }) => state === "delivered"));
  });

  test("after three days a delivery is given up, and a replay sends it under the id that it had", async (t) => {
    const store = await books(t);
    const receiver = await startReceiver(t, BROKEN);
    await charge(store, "acme", ["h1"]);
    const own = ownWebhook(receiver.url);
    const { dispatcher, webhooks, clock } = startTelling(store, { own });
    await untilTried(store, "evt_h1", 1);
    clock.advance(3 * DAY_MS);
    dispatcher.wakeRecipient("webhook");
    const { state } = await untilTried(store, "evt_h1", 2);
    assert.equal(state, "failed");
    receiver.answer(OK);
    assert.equal(await webhooks.replay("webhook", { kind: "failed" }), 1);
    await receiver.until(3);
    await untilDone(store);
    assert.equal(await webhooks.replay("webhook", { kind: "failed" }), 0);
    assert.equal(await webhooks.replay("webhook", { kind: "event", id: "evt_h1" }), 1);
    await receiver.until(4);
    assert.deepEqual(idsOf(receiver.received), Array(4).fill("evt_h1"));
    assert.equal(new Set(receiver.received.map(({ body }) => body)).size, 1);
  });

  test("an event is replayed as long as the log has it, also when its delivery is forgotten", async (t) => {
    const store = await books(t);
    const receiver = await startReceiver(t);
    await charge(store, "acme", ["h1"]);
    const { webhooks, clock } = startTelling(store, { own: ownWebhook(receiver.url) });
    await receiver.until(1);
    await untilDone(store);
    await store.outbox.deliveries.prune(clock.now() + 30 * DAY_MS);
    assert.deepEqual(await store.outbox.deliveries.list({ endpoint: "webhook", limit: 9 }), []);
    assert.equal(await webhooks.replay("webhook", { kind: "event", id: "evt_h1" }), 1);
    await receiver.until(2);
    assert.deepEqual(idsOf(receiver.received), ["evt_h1", "evt_h1"]);
    assert.equal(await webhooks.replay("webhook", { kind: "event", id: "evt_never" }), 0);
  });

  test("a span is replayed in its order, for what an endpoint was never sent as well", async (t) => {
    const store = await books(t);
    const receiver = await startReceiver(t);
    const { dispatcher, webhooks } = startTelling(store);
    const { id } = await webhooks.add({ ...WISH, url: receiver.url }, null);
    await webhooks.change(id, { isDisabled: true });
    await charge(store, "acme", callsOf("acme", 3));
    dispatcher.wake();
    await until(async () => (await store.outbox.readers.at("events")).seq > 3n);
    await webhooks.change(id, { isDisabled: false });
    const span = { since: START, until: START + 1 };
    for (let time = 1; time <= 2; time += 1) {
      assert.equal(await webhooks.replay(id, { kind: "span", span }), 4);
      await receiver.until(4 * time);
      await untilDone(store);
    }
    const ids = ["evt_acme_0_created_0", ...eventsOf(callsOf("acme", 3))];
    assert.deepEqual(idsOf(receiver.received), [...ids, ...ids]);
    const later = { since: START + 1, until: START + 2 };
    assert.equal(await webhooks.replay(id, { kind: "span", span: later }), 0);
    assert.equal(await webhooks.replay("ep_nobody", { kind: "failed" }), undefined);
  });

  test("an endpoint gets what happens after it was made, of the kinds and customers that it asked for", async (t) => {
    const store = await books(t);
    const [all, some] = [await startReceiver(t), await startReceiver(t)];
    const { dispatcher, webhooks } = startTelling(store);
    await charge(store, "early", ["h1"]);
    await webhooks.add({ ...WISH, url: all.url }, null);
    const types = ["customer.spend_tracked"] as const;
    await webhooks.add({ ...WISH, url: some.url, types, customers: ["acme"] }, null);
    await charge(store, "acme", ["h2"]);
    await charge(store, "other", ["h3"]);
    dispatcher.wake();
    await all.until(4);
    await some.until(1);
    await untilDone(store);
    assert.deepEqual(
      new Set(idsOf(all.received)),
      new Set(["evt_h2_created_0", "evt_h2", "evt_h3_created_0", "evt_h3"]),
    );
    assert.deepEqual(idsOf(some.received), ["evt_h2"]);
  });

  test("an endpoint that asked for batches gets a customer's spend as lists, and the same list again", async (t) => {
    const store = await books(t);
    const receiver = await startReceiver(t, brokenUntil(1));
    const { dispatcher, webhooks, clock } = startTelling(store);
    const types = ["customer.spend_tracked"] as const;
    await webhooks.add({ ...WISH, url: receiver.url, types, batch: true }, null);
    await charge(store, "acme", callsOf("acme", 3));
    dispatcher.wake();
    await until(async () => (await store.outbox.deliveries.waiting()) === 3n);
    clock.advance(1);
    dispatcher.wake();
    await wakeUntil(dispatcher, store, async () => receiver.received.length === 1);
    await charge(store, "acme", ["h4"]);
    clock.advance(HOUR_MS);
    await wakeUntil(dispatcher, store, async () => {
      clock.advance(1);
      return receiver.received.length >= 3;
    });
    await untilDone(store);
    const lists = receiver.received.map(({ body }) => listIn(body));
    const first = eventsOf(callsOf("acme", 3));
    assert.deepEqual(lists.toSorted(byLength), [["evt_h4"], first, first]);
    const ids = receiver.received.filter(({ body }) => listIn(body).length === 3);
    assert.deepEqual(idsOf(ids), Array(2).fill("evt_acme_0_batch_3"));
  });

  test("an endpoint that failed for five days is disabled, which is told to the others", async (t) => {
    const store = await books(t);
    const [dead, alive] = [await startReceiver(t, BROKEN), await startReceiver(t)];
    const { dispatcher, webhooks, clock } = startTelling(store);
    const { id } = await webhooks.add({ ...WISH, url: dead.url }, null);
    const types = ["endpoint.disabled"] as const;
    await webhooks.add({ ...WISH, url: alive.url, types }, null);
    await charge(store, "acme", ["h1"]);
    dispatcher.wake();
    await dead.until(2);
    await until(async () => (await webhooks.find(id))?.failingSince === clock.now());
    clock.advance(5 * DAY_MS);
    await wakeUntil(dispatcher, store, async () => alive.received.length === 1, id);
    const { disabledAt, disabledBecause } = (await webhooks.find(id)) ?? assert.fail();
    assert.deepEqual([disabledAt, disabledBecause], [clock.now(), "it failed for five days"]);
    const { type, data } = JSON.parse(alive.received[0]?.body ?? "") as Record<string, unknown>;
    assert.equal(type, "endpoint.disabled");
    assert.deepEqual(data, { customer: null, endpoint: id, reason: "it failed for five days" });
    await webhooks.change(id, { isDisabled: false });
    dead.answer(OK);
    await charge(store, "acme", ["h2"]);
    await wakeUntil(dispatcher, store, async () => idsOf(dead.received).includes("evt_h2"), id);
    await until(async () => (await webhooks.find(id))?.failingSince === null);
  });

  test("an endpoint that answers 410 is disabled at once, and an operator's own never is", async (t) => {
    const store = await books(t);
    const [own, endpoint] = [await startReceiver(t, GONE), await startReceiver(t, GONE)];
    const { dispatcher, webhooks } = startTelling(store, { own: ownWebhook(own.url) });
    const { id } = await webhooks.add({ ...WISH, url: endpoint.url }, null);
    await charge(store, "acme", ["h1"]);
    dispatcher.wake();
    await until(async () => (await webhooks.find(id))?.disabledBecause === "it answered 410");
    const { state } = await untilTried(store, "evt_h1", 1);
    assert.equal(state, "waiting");
  });

  test("stopping finishes the delivery under way and begins no other", async (t) => {
    const store = await books(t);
    const finish = Promise.withResolvers<void>();
    const receiver = await startReceiver(t, (...answered) => {
      finish.promise.then(() => OK(...answered), assert.fail);
    });
    await charge(store, "acme", callsOf("acme", 3));
    const own = ownWebhook(receiver.url);
    const { dispatcher } = startTelling(store, { own, timing: { stopMs: 10_000 } });
    await receiver.until(1);
    await until(async () => (await store.outbox.deliveries.waiting()) === 3n);
    const stopped = dispatcher.stop();
    finish.resolve();
    await stopped;
    assert.deepEqual(idsOf(receiver.received), ["evt_acme_0"]);
    assert.equal(await store.outbox.deliveries.waiting(), 2n);
  });

  test("stopping breaks off a delivery that hangs, and leaves it to the next process", async (t) => {
    const store = await books(t);
    const receiver = await startReceiver(t, HANGING);
    await charge(store, "acme", ["h1"]);
    const { dispatcher } = startTelling(store, { own: ownWebhook(receiver.url) });
    await receiver.until(1);
    await dispatcher.stop();
    const { state } = await untilTried(store, "evt_h1", 1);
    assert.equal(state, "waiting");
  });

  test("delivered events leave the list after a day, and the log after two weeks", async (t) => {
    const store = await books(t);
    const receiver = await startReceiver(t);
    await charge(store, "acme", ["h1"]);
    const { dispatcher, clock } = startTelling(store, { own: ownWebhook(receiver.url) });
    const listed = () => store.outbox.deliveries.list({ limit: 9 });
    await until(async () => (await listed())[0]?.state === "delivered");
    clock.advance(DAY_MS - 1);
    await wakeUntil(dispatcher, store, async () => (await listed()).length === 1);
    clock.advance(10_000);
    await wakeUntil(dispatcher, store, async () => (await listed()).length === 0);
    assert.equal((await store.outbox.events.read(0n, 9)).length, 2);
    clock.advance(13 * DAY_MS);
    await wakeUntil(dispatcher, store, async () => {
      return (await store.outbox.events.read(0n, 9)).length === 0;
    });
  });
});

const GONE: Answer = (response) => void response.writeHead(410).end();

function eventsOf(calls: readonly string[]): string[] {
  return calls.map((id) => `evt_${id}`);
}

function brokenUntil(count: number): Answer {
  return (response, request, so) => (so <= count ? BROKEN : OK)(response, request, so);
}

function asSecond<T extends { readonly id: string }>(recipient: T): T {
  return { ...recipient, id: "second" };
}

async function untilDone(store: LedgerStore): Promise<void> {
  await until(async () => (await store.outbox.deliveries.waiting()) === 0n);
}

/** The operator's delivery of this event, once it has been tried that often. */
async function untilTried(
  store: LedgerStore,
  eventId: string,
  attempts: number,
): Promise<Delivery> {
  let found: Delivery | undefined;
  await until(async () => {
    const filter = { endpoint: "webhook", eventId, limit: 1 };
    [found] = await store.outbox.deliveries.list(filter);
    return found?.attempts === attempts;
  });
  return found ?? assert.fail();
}

/** For what a change of the clock makes due, which no loop notices by itself. */
async function wakeUntil(
  dispatcher: { wakeRecipient(id: string): void },
  store: LedgerStore,
  condition: () => Promise<boolean>,
  id?: string,
): Promise<void> {
  const ids = (await store.outbox.endpoints.list()).map((endpoint) => endpoint.id);
  await until(async () => {
    for (const each of id === undefined ? [...ids, "webhook"] : [id])
      dispatcher.wakeRecipient(each);
    return condition();
  });
}

function listIn(body: string): readonly string[] {
  const { data } = JSON.parse(body) as { data: readonly { readonly id: string }[] };
  return data.map(({ id }) => id);
}

function byLength(a: readonly unknown[], b: readonly unknown[]): number {
  return a.length - b.length;
}
