/** The delivery loop: real sockets, an outbox in memory, and a clock that the tests move. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { MemoryOutbox } from "../support/outbox.ts";
import { crossing, tracking, trackings } from "./event.ts";
import { LEASE_END_MS, startLoop, TestClock } from "./loop.ts";
import { BROKEN, HANGING, idsOf, OK, startReceiver } from "./receiver.ts";

const RETRY_MAX_MS = 3_600_000;

test("what waits at the start is delivered, and nothing twice", async (t) => {
  const outbox = new MemoryOutbox();
  const receiver = await startReceiver(t);
  outbox.add(...trackings("acme", 300), crossing("acme", 2n, 1n));
  startLoop(t, { outbox, url: receiver.url });
  await outbox.until(() => outbox.waiting === 0);
  assert.equal(outbox.deliveries, 301);
  assert.equal(new Set(idsOf(receiver.received)).size, 301);
});

test("a wake delivers without waiting for the interval", async (t) => {
  const outbox = new MemoryOutbox();
  const receiver = await startReceiver(t);
  const delivery = startLoop(t, { outbox, url: receiver.url });
  await outbox.until(() => outbox.prunedBefore !== null);
  outbox.add(tracking("acme", 1n));
  delivery.wake();
  await outbox.until(() => outbox.waiting === 0);
});

test("without a wake an event is found after the interval", async (t) => {
  const outbox = new MemoryOutbox();
  const receiver = await startReceiver(t);
  startLoop(t, { outbox, url: receiver.url, pollMs: 1 });
  await outbox.until(() => outbox.takes.length > 1);
  outbox.add(tracking("acme", 1n));
  await outbox.until(() => outbox.waiting === 0);
});

test("many wakes at once are one look at the outbox", async (t) => {
  const outbox = new MemoryOutbox();
  const receiver = await startReceiver(t);
  const delivery = startLoop(t, { outbox, url: receiver.url });
  await outbox.until(() => outbox.prunedBefore !== null);
  outbox.add(...trackings("acme", 50));
  for (let call = 0; call < 50; call += 1) delivery.wake();
  await outbox.until(() => outbox.waiting === 0);
  assert.equal(outbox.takes.length, 2);
});

test("an event that fails three times comes a fourth time under the same id, each time later", async (t) => {
  const outbox = new MemoryOutbox();
  const clock = new TestClock();
  const receiver = await startReceiver(t, (response, request, count) =>
    (count <= 3 ? BROKEN : OK)(response, request, count),
  );
  outbox.add(tracking("acme", 1n, { id: "evt_1" }));
  const delivery = startLoop(t, { outbox, clock, url: receiver.url, random: () => 1 });
  for (const [index, waitMs] of [1_000, 2_000, 4_000].entries()) {
    await outbox.until(() => outbox.errorsOf("evt_1").length === index + 1);
    assert.equal(outbox.dueAtOf("evt_1") - clock.now(), waitMs);
    clock.advance(waitMs);
    delivery.wake();
  }
  await outbox.until(() => outbox.waiting === 0);
  assert.deepEqual(idsOf(receiver.received), ["evt_1", "evt_1", "evt_1", "evt_1"]);
  assert.deepEqual(new Set(receiver.received.map(({ body }) => body)).size, 1);
  const times = receiver.received.map(({ headers }) => Number(headers["webhook-timestamp"]));
  assert.deepEqual(times, [1_700_000_000, 1_700_000_001, 1_700_000_003, 1_700_000_007]);
  assert.deepEqual(outbox.errorsOf("evt_1"), Array(3).fill("the receiver answered 500"));
  assert.equal(outbox.deliveries, 1);
});

test("a receiver that hangs is tried again", async (t) => {
  const outbox = new MemoryOutbox();
  const clock = new TestClock();
  const receiver = await startReceiver(t, (response, request, count) =>
    (count === 1 ? HANGING : OK)(response, request, count),
  );
  outbox.add(tracking("acme", 1n, { id: "evt_1" }));
  const delivery = startLoop(t, { outbox, clock, url: receiver.url, timeoutMs: 50 });
  await outbox.until(() => outbox.errorsOf("evt_1").length === 1);
  assert.deepEqual(outbox.errorsOf("evt_1"), ["no answer within 50 ms"]);
  clock.advance(RETRY_MAX_MS);
  delivery.wake();
  await outbox.until(() => outbox.waiting === 0);
  assert.deepEqual(idsOf(receiver.received), ["evt_1", "evt_1"]);
});

test("a redirect is not followed but tried again where it was sent", async (t) => {
  const outbox = new MemoryOutbox();
  const clock = new TestClock();
  const receiver = await startReceiver(t, (response, _request, count) => {
    response.writeHead(count === 1 ? 301 : 204, { location: "/elsewhere" }).end();
  });
  outbox.add(tracking("acme", 1n, { id: "evt_1" }));
  const delivery = startLoop(t, { outbox, clock, url: receiver.url });
  await outbox.until(() => outbox.errorsOf("evt_1").length === 1);
  clock.advance(RETRY_MAX_MS);
  delivery.wake();
  await outbox.until(() => outbox.waiting === 0);
  const paths = receiver.received.map(({ path }) => path);
  assert.deepEqual(paths, ["/hook", "/hook"]);
});

test("a customer's events arrive one after another in their order, those of different customers at once", async (t) => {
  const outbox = new MemoryOutbox();
  const customers = Array.from({ length: 32 }, (_, index) => `c${String(index)}`);
  const underWay = new Set<string>();
  const overtaken: string[] = [];
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
  const held: Parameters<typeof OK>[0][] = [];
  for (let round = 0; round < 10; round += 1) {
    const id = (customer: string): string => `evt_${customer}_${String(round)}`;
    outbox.add(...customers.map((customer) => tracking(customer, 1n, { id: id(customer) })));
  }
  startLoop(t, { outbox, url: receiver.url });
  await outbox.until(() => outbox.waiting === 0);
  assert.deepEqual(overtaken, []);
  assert.equal(receiver.concurrencyMax(), 16);
  const ids = idsOf(receiver.received);
  for (const customer of customers) {
    const own = ids.filter((id) => id.startsWith(`evt_${customer}_`));
    assert.deepEqual(
      own,
      own.map((_, index) => `evt_${customer}_${String(index)}`),
    );
  }
});

test("an event that the receiver refuses holds up no other", async (t) => {
  const outbox = new MemoryOutbox();
  const receiver = await startReceiver(t, (response, request, count) =>
    (request.headers["webhook-id"] === "evt_acme_3" ? BROKEN : OK)(response, request, count),
  );
  outbox.add(...trackings("acme", 10));
  startLoop(t, { outbox, url: receiver.url });
  await outbox.until(() => outbox.waiting === 1);
  assert.deepEqual(outbox.errorsOf("evt_acme_3"), ["the receiver answered 500"]);
});

test("a thousand events for a dead receiver cost two tries a lane, then one at a time; when it is back all arrive", async (t) => {
  const outbox = new MemoryOutbox();
  const clock = new TestClock();
  const receiver = await startReceiver(t, BROKEN);
  for (let index = 0; index < 1_000; index += 1) outbox.add(tracking(`c${String(index)}`, 1n));
  const delivery = startLoop(t, { outbox, clock, url: receiver.url });
  await outbox.until(() => outbox.takes.length === 2);
  await outbox.until(() => receiver.received.length >= 16);
  assert.deepEqual(outbox.takes, [128, 1]);
  assert.ok(receiver.received.length <= 2 * 16, `${String(receiver.received.length)} tries`);
  receiver.answer(OK);
  await outbox.until(() => outbox.deliveries > 800);
  clock.advance(RETRY_MAX_MS);
  delivery.wake();
  await outbox.until(() => outbox.waiting === 0);
  assert.equal(outbox.deliveries, 1_000);
  assert.ok(outbox.takes.every((limit) => limit <= 128));
  assert.ok(receiver.concurrencyMax() <= 16);
});

test("wakes do not make the loop hammer a dead receiver", async (t) => {
  const outbox = new MemoryOutbox();
  const receiver = await startReceiver(t, BROKEN);
  for (let index = 0; index < 100; index += 1) outbox.add(tracking(`c${String(index)}`, 1n));
  const delivery = startLoop(t, { outbox, url: receiver.url });
  const startedAt = performance.now();
  outbox.until(() => (delivery.wake(), false)).catch(assert.fail);
  await outbox.until(() => outbox.takes.length === 2);
  assert.ok(performance.now() - startedAt >= 499, "the loop did not pause");
});

test("a slow receiver is given no more than fits the lease, and gets nothing twice", async (t) => {
  const outbox = new MemoryOutbox();
  const clock = new TestClock();
  const receiver = await startReceiver(t, (response, request, count) => {
    clock.advance(9_000);
    OK(response, request, count);
  });
  outbox.add(...trackings("acme", 6));
  const delivery = startLoop(t, { outbox, clock, url: receiver.url });
  await outbox.until(() => outbox.deliveries === 2 && outbox.prunedBefore !== null);
  assert.equal(outbox.takes.length, 1);
  while (outbox.waiting > 0) {
    const { deliveries } = outbox;
    clock.advance(LEASE_END_MS);
    delivery.wake();
    await outbox.until(() => outbox.deliveries >= Math.min(deliveries + 2, 6));
  }
  assert.deepEqual(
    idsOf(receiver.received),
    trackings("acme", 6).map(({ id }) => id),
  );
});

test("what a dead process had taken is delivered by the next, under the same id", async (t) => {
  const outbox = new MemoryOutbox();
  const clock = new TestClock();
  const receiver = await startReceiver(t, HANGING);
  outbox.add(...trackings("acme", 3));
  startLoop(t, { outbox, clock, url: receiver.url });
  await receiver.until(1);
  receiver.answer(OK);
  const next = startLoop(t, { outbox, clock, url: receiver.url });
  await outbox.until(() => outbox.takes.length === 2);
  assert.equal(outbox.waiting, 3, "leased events are not taken again");
  clock.advance(LEASE_END_MS);
  next.wake();
  await outbox.until(() => outbox.waiting === 0);
  const ids = ["evt_acme_0", "evt_acme_0", "evt_acme_1", "evt_acme_2"];
  assert.deepEqual(idsOf(receiver.received), ids);
});

test("a database that is away does not end the loop", async (t) => {
  const outbox = new MemoryOutbox();
  const receiver = await startReceiver(t);
  outbox.add(tracking("acme", 1n));
  outbox.isAway = true;
  startLoop(t, { outbox, url: receiver.url });
  await outbox.until(() => outbox.refusals === 1);
  outbox.isAway = false;
  await outbox.until(() => outbox.waiting === 0);
});

test("a delivery that could not be written down is made again, under the same id", async (t) => {
  const outbox = new MemoryOutbox();
  const clock = new TestClock();
  const receiver = await startReceiver(t, (response, request, count) => {
    outbox.isAway = count === 1;
    OK(response, request, count);
  });
  outbox.add(...trackings("acme", 2));
  startLoop(t, { outbox, clock, url: receiver.url });
  await outbox.until(() => outbox.refusals === 1);
  outbox.isAway = false;
  clock.advance(LEASE_END_MS);
  await outbox.until(() => outbox.waiting === 0);
  const ids = ["evt_acme_0", "evt_acme_0", "evt_acme_1"];
  assert.deepEqual(idsOf(receiver.received), ids);
});

test("stopping finishes the delivery under way and begins no other", async (t) => {
  const outbox = new MemoryOutbox();
  const finish = Promise.withResolvers<void>();
  const receiver = await startReceiver(t, (...answered) => {
    finish.promise.then(() => OK(...answered), assert.fail);
  });
  outbox.add(...trackings("acme", 3));
  const delivery = startLoop(t, { outbox, url: receiver.url, stopMs: 10_000 });
  await receiver.until(1);
  const stopped = delivery.stop();
  finish.resolve();
  await stopped;
  assert.deepEqual(idsOf(receiver.received), ["evt_acme_0"]);
  assert.equal(outbox.deliveries, 1);
  assert.equal(outbox.takes.length, 1);
});

test("stopping breaks off a delivery that hangs, and leaves it for the next process", async (t) => {
  const outbox = new MemoryOutbox();
  const receiver = await startReceiver(t, HANGING);
  outbox.add(tracking("acme", 1n, { id: "evt_1" }));
  const delivery = startLoop(t, { outbox, url: receiver.url, stopMs: 0 });
  await receiver.until(1);
  await delivery.stop();
  assert.equal(outbox.errorsOf("evt_1").length, 1);
  assert.equal(outbox.waiting, 1);
});

test("stopping does not wait for a pause, nor for a database that hangs", async (t) => {
  const idle = new MemoryOutbox();
  const receiver = await startReceiver(t);
  const asleep = startLoop(t, { outbox: idle, url: receiver.url });
  await idle.until(() => idle.prunedBefore !== null);
  await asleep.stop();
  const stuck = new MemoryOutbox();
  stuck.take = () => Promise.withResolvers<never>().promise;
  await startLoop(t, { outbox: stuck, url: receiver.url }).stop();
});

test("delivered events are forgotten after a day, and looked for now and then", async (t) => {
  const outbox = new MemoryOutbox();
  const clock = new TestClock();
  const receiver = await startReceiver(t);
  const startedAt = clock.now();
  const delivery = startLoop(t, { outbox, clock, url: receiver.url });
  await outbox.until(() => outbox.prunedBefore === startedAt - 86_400_000);
  clock.advance(1);
  outbox.add(tracking("acme", 1n));
  delivery.wake();
  await outbox.until(() => outbox.waiting === 0);
  assert.equal(outbox.prunedBefore, startedAt - 86_400_000);
  clock.advance(10_000);
  delivery.wake();
  await outbox.until(() => outbox.prunedBefore === clock.now() - 86_400_000);
});
