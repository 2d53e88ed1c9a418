/** `kill -9` between a call's commit and the delivery of its event: the next process sends it. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { onEachDatabase } from "../support/databases.ts";
import { purserFolder, spawnPurser } from "../support/process.ts";
import { startUpstream } from "../support/upstream.ts";
import { HANGING, OK, startReceiver } from "../events/receiver.ts";

const CALLS = 5;

onEachDatabase((database) => {
  test("an event that was committed and not delivered outlives kill -9, under the id that it had", async (t) => {
    const upstream = await startUpstream();
    t.after(() => upstream.close());
    const receiver = await startReceiver(t, HANGING);
    const folder = purserFolder({
      database: await database(),
      upstream: upstream.origin,
      general: { alerting: ["webhook"] },
    });
    const env = { WEBHOOK_URL: receiver.url };
    const args = ["--config", "config.yaml", "--port", "0"];
    const first = await spawnPurser(folder, args, env);
    for (let call = 0; call < CALLS; call += 1) {
      assert.equal((await first.chat(`c${String(call)}`)).status, 200);
    }
    await receiver.until(1);
    await first.kill();
    const begun = new Set(idsIn(receiver.received));

    receiver.answer(OK);
    const hanging = receiver.received.length;
    const second = await spawnPurser(folder, args, env);
    // On PostgreSQL the dead one is waited for first.
    await receiver.until(hanging + CALLS);
    assert.equal(await second.stop(), 0);
    const delivered = receiver.received.slice(hanging);
    const told = delivered.map(
      ({ body }) => (JSON.parse(body) as { customer_id: string }).customer_id,
    );
    assert.deepEqual(
      told.toSorted(),
      Array.from({ length: CALLS }, (_, call) => `c${String(call)}`),
    );
    const ids = new Set(idsIn(delivered));
    assert.equal(ids.size, CALLS);
    for (const id of begun) assert.ok(ids.has(id), `${id} came back under another id`);
  });
});

function idsIn(received: readonly { readonly headers: Record<string, unknown> }[]): string[] {
  return received.map(({ headers }) => String(headers["webhook-id"]));
}
