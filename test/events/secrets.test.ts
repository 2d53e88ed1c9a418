/** What guards endpoints of the API: secrets that the database cannot give away, and addresses that may be sent to. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { createSealer } from "../../src/events/seal.ts";
import { until } from "../support/until.ts";
import { charge, openBooks, startTelling, WISH } from "./loop.ts";
import { startReceiver } from "./receiver.ts";

const DAY_MS = 86_400_000;

test("a name is looked up for every connection, and one that has moved inside is sent nothing", async (t) => {
  const store = await openBooks(t);
  const receiver = await startReceiver(t, (response) => {
    // So that the next event needs a connection of its own.
    response.writeHead(200, { connection: "close" }).end();
  });
  let address = "127.0.0.1";
  const asked: string[] = [];
  const resolve = async (host: string) => {
    asked.push(host);
    return [address];
  };
  const { dispatcher, webhooks } = startTelling(store, { resolve });
  const url = receiver.url.replace("127.0.0.1", "billing.example");
  const types = ["customer.spend_tracked"] as const;
  const { id: endpoint } = await webhooks.add({ ...WISH, url, types }, null);
  await charge(store, "acme", ["h1"]);
  dispatcher.wake();
  await receiver.until(1);
  assert.equal(receiver.received[0]?.headers.host, new URL(url).host);
  await until(async () => (await store.outbox.deliveries.waiting()) === 0n);
  // Loopback too, where the receiver would be found; but only the former address is an allowed one.
  address = "127.0.0.2";
  await charge(store, "acme", ["h2"]);
  dispatcher.wake();
  const filter = { endpoint, eventId: "evt_h2", limit: 1 };
  await until(async () => (await store.outbox.deliveries.list(filter))[0]?.attempts === 1);
  const [refused] = await store.outbox.deliveries.list(filter);
  assert.equal(refused?.log[0]?.error, "no connection: ADDRESS_NOT_ALLOWED");
  assert.deepEqual(new Set(asked), new Set(["billing.example"]));
  assert.equal(receiver.received.length, 1);
});

test("an address that is written out is checked before each attempt, also when it was made under other settings", async (t) => {
  const store = await openBooks(t);
  const receiver = await startReceiver(t);
  const { webhooks } = startTelling(store);
  const { id } = await webhooks.add({ ...WISH, url: receiver.url }, null);
  assert.equal((await webhooks.test(id))?.kind, "delivered");
  const strict = startTelling(store, { networksAllowed: [] });
  const attempt = await strict.webhooks.test(id);
  const reason = "no connection: ADDRESS_NOT_ALLOWED";
  assert.deepEqual(attempt, { kind: "failed", status: null, reason });
});

test("a secret that was replaced signs until its time is over", async (t) => {
  const store = await openBooks(t);
  const receiver = await startReceiver(t);
  const { webhooks, clock } = startTelling(store);
  const { id } = await webhooks.add({ ...WISH, url: receiver.url }, null);
  await webhooks.rotate(id, DAY_MS, null);
  await webhooks.rotate(id, 2 * DAY_MS, null);
  const signaturesAfter = async (ms: number) => {
    clock.advance(ms);
    await webhooks.test(id);
    return String(receiver.received.at(-1)?.headers["webhook-signature"]).split(" ").length;
  };
  assert.equal(await signaturesAfter(DAY_MS - 1), 3);
  assert.equal(await signaturesAfter(1), 2);
  assert.equal(await signaturesAfter(DAY_MS), 1);
});

test("nothing is sent unsigned because the master key has changed; a new secret mends it", async (t) => {
  const store = await openBooks(t);
  const receiver = await startReceiver(t);
  const { webhooks } = startTelling(store);
  const { id } = await webhooks.add({ ...WISH, url: receiver.url }, null);
  const changed = startTelling(store, { sealer: createSealer("sk-other") });
  assert.deepEqual(await changed.webhooks.test(id), {
    kind: "failed",
    status: null,
    reason: "the secret was sealed under another master key; rotate it",
  });
  assert.equal(receiver.received.length, 0);
  await changed.webhooks.rotate(id, 0, null);
  assert.equal((await changed.webhooks.test(id))?.kind, "delivered");
  assert.match(String(receiver.received[0]?.headers["webhook-signature"]), /^v1,/);
});
