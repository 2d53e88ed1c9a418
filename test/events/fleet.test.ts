/** Several instances on one PostgreSQL: they share the work, and nothing is sent twice or out of order. */

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { startPostgres } from "../support/postgres.ts";
import { until } from "../support/until.ts";
import { callsOf, charge, openBooks, ownWebhook, startTelling, WISH } from "./loop.ts";
import { idsOf, startReceiver } from "./receiver.ts";

const server = await startPostgres();
after(() => server.remove());

const CUSTOMERS = 10;
const CALLS = 20;

test("three instances send each event once to each endpoint, each customer's in their order", async (t) => {
  const url = await server.newDatabase();
  const stores = await Promise.all([1, 2, 3].map(() => openBooks(t, url)));
  const [own, endpoint] = [await startReceiver(t), await startReceiver(t)];
  const timing = { pollMs: 20 };
  const told = stores.map((store) =>
    startTelling(store, { own: ownWebhook(own.url), timing, instance: crypto.randomUUID() }),
  );
  const types = ["customer.spend_tracked"] as const;
  await told[0]?.webhooks.add({ ...WISH, url: endpoint.url, types }, null);
  const customers = Array.from({ length: CUSTOMERS }, (_, index) => `c${String(index)}`);
  const working = customers.map(async (customer, index) => {
    for (const call of callsOf(customer, CALLS)) {
      const store = stores[(index + call.length) % stores.length];
      assert.ok(store !== undefined);
      await charge(store, customer, [call]);
      for (const { dispatcher } of told) dispatcher.wake();
    }
  });
  await Promise.all(working);
  for (const receiver of [own, endpoint]) await receiver.until(CUSTOMERS * CALLS);
  await until(async () => (await stores[0]?.outbox.deliveries.waiting()) === 0n);
  for (const { received } of [own, endpoint]) {
    const ids = idsOf(received);
    assert.equal(ids.length, CUSTOMERS * CALLS, "an event was sent twice");
    for (const customer of customers) {
      const expected = callsOf(customer, CALLS).map((call) => `evt_${call}`);
      const mine = ids.filter((id) => id.startsWith(`evt_${customer}_`));
      assert.deepEqual(mine, expected);
    }
  }
});
