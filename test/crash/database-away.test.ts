/** The database goes away and comes back under load: nothing is forwarded unpaid, nothing answered is lost. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { startPostgres, type PostgresServer } from "../support/postgres.ts";
import { startTestPurser, type TestPurser } from "../support/purser.ts";
import { until } from "../support/until.ts";
import { startUpstream, streamed, whole, type Upstream } from "../support/upstream.ts";
import { openReader } from "../../src/store/open.ts";

let server: PostgresServer;
let url: string;
let upstream: Upstream;
let purser: TestPurser;

before(async () => {
  server = await startPostgres();
  url = await server.newDatabase();
  upstream = await startUpstream();
  purser = await startTestPurser({ database: url, upstream: upstream.origin });
});
after(async () => {
  await purser.stop();
  await upstream.close();
  await server.remove();
});

test("while the database is away calls are refused with 503 and nothing is forwarded; then service resumes by itself", async () => {
  assert.equal((await purser.chat("a")).status, 200);
  await server.crash();
  const sent = upstream.received.length;
  const refused = await purser.chat("a");
  assert.equal(refused.status, 503);
  assert.equal(refused.body.error.type, "ledger_unavailable");
  assert.equal(upstream.received.length, sent);
  assert.equal((await purser.get("/health/readiness")).status, 503);
  assert.equal((await purser.get("/health/liveliness")).status, 200);
  assert.equal((await purser.get("/metrics")).status, 200);
  assert.equal((await purser.get("/customer/info?end_user_id=a")).status, 503);

  await server.start();
  await until(async () => (await purser.chat("a")).status === 200);
  assert.equal((await purser.get("/health/readiness")).status, 200);
});

for (const stream of [false, true]) {
  test(`an answer that comes while the database is away is delivered and posted when it is back, stream ${String(stream)}`, async () => {
    const customer = `away-${String(stream)}`;
    const answer = stream ? streamed(["Hel", "lo"]) : whole();
    const { promise: returned, resolve: letReturn } = Promise.withResolvers<void>();
    const before = upstream.received.length;
    upstream.answer = async (received, response) => {
      await returned;
      await answer(received, response);
    };
    const call = purser.chat(customer, { stream });
    await until(async () => upstream.received.length > before);
    await server.crash();
    letReturn();
    const reply = await call;
    assert.equal(reply.status, 200);
    if (stream) assert.match(reply.text, /: cost=0\.06\n\ndata: \[DONE\]\n\n$/);
    else assert.equal(reply.headers.get("x-litellm-response-cost"), "0.06");

    await server.start();
    await until(async () => (await purser.info(customer)).spend === 0.06);
    upstream.answer = whole();
  });
}

test("a database that restarts under load loses no answered call and charges none twice", async () => {
  upstream.answer = whole();
  const answered = new Map<string, number>();
  const over = new AbortController();
  const caller = async (customer: string) => {
    while (!over.signal.aborted) {
      const { status } = await purser.chat(customer);
      assert.ok(status === 200 || status === 503, String(status));
      if (status === 200) answered.set(customer, (answered.get(customer) ?? 0) + 1);
    }
  };
  const customers = ["r1", "r2", "r3", "r4", "r5", "r6", "r7", "r8"];
  const load = Promise.all(customers.map(caller));
  for (let restarts = 0; restarts < 2; restarts += 1) {
    const calls = total(answered);
    await until(async () => total(answered) > calls + 50);
    await server.crash();
    await server.start();
  }
  const calls = total(answered);
  await until(async () => total(answered) > calls + 50);
  over.abort();
  await load;

  for (const customer of customers) {
    const due = (answered.get(customer) ?? 0) * 0.06;
    await until(async () => Math.abs((await purser.info(customer)).spend - due) < 1e-9);
  }
  const { reader, close } = await openReader({ kind: "postgres", url });
  await until(async () => (await reader.openHolds()).length === 0);
  assert.deepEqual((await reader.audit()).drifts, []);
  await close();
});

function total(answered: ReadonlyMap<string, number>): number {
  return [...answered.values()].reduce((sum, calls) => sum + calls, 0);
}
