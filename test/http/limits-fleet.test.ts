/** Limits with several instances over one PostgreSQL: they count together, and obey a change at once. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { startPostgres, type PostgresServer } from "../support/postgres.ts";
import { startTestPurser, type TestPurser } from "../support/purser.ts";
import { until } from "../support/until.ts";
import { startUpstream, type Upstream } from "../support/upstream.ts";

const INSTANCES = 3;

let server: PostgresServer;
let upstream: Upstream;
let fleet: TestPurser[];

before(async () => {
  server = await startPostgres();
  upstream = await startUpstream();
  const options = { database: await server.newDatabase(), upstream: upstream.origin };
  fleet = await Promise.all(Array.from({ length: INSTANCES }, () => startTestPurser(options)));
});
after(async () => {
  await Promise.all(fleet.map((purser) => purser.stop()));
  await upstream.close();
  await server.remove();
});

const instance = (index: number): TestPurser =>
  fleet[index % INSTANCES] ?? assert.fail("no such instance");

test("of 15 calls over three instances 10 pass where 10 a minute may", async () => {
  await instance(0).post("/customer/new", { user_id: "paced", rpm_limit: 10 });
  // Minutes are those of the clock, and these calls must not fall into two.
  await until(() => Promise.resolve(Date.now() % 60_000 < 50_000));
  const calls = Array.from({ length: 15 }, (_, index) => instance(index).chat("paced"));
  const statuses = (await Promise.all(calls)).map(({ status }) => status);
  assert.equal(statuses.filter((status) => status === 200).length, 10);
  assert.equal(statuses.filter((status) => status === 429).length, 5);
});

test("a budget that is raised or lowered on one instance is obeyed by the next call of each", async () => {
  const made = await instance(0).post("/customer/new", { user_id: "moved", max_budget: 0 });
  const { budget_id } = made.body;
  for (let round = 0; round < 3; round += 1) {
    for (const [max_budget, status] of [
      [100, 200],
      [0, 429],
    ]) {
      const updated = await instance(round).post("/budget/update", { budget_id, max_budget });
      assert.equal(updated.status, 200);
      const replies = await Promise.all(fleet.map((purser) => purser.chat("moved")));
      assert.deepEqual(
        replies.map((reply) => reply.status),
        fleet.map(() => status),
      );
    }
  }
});

test("clients who keep retrying on every instance are served once the window is over", async () => {
  const budget = { max_budget: 0.05, budget_duration: "2s" };
  await instance(0).post("/customer/new", { user_id: "retries", ...budget });
  for (let turn = 0; turn < INSTANCES; turn += 1) {
    await until(async () => (await instance(turn).chat("retries")).status === 429);
    await until(async () => (await instance(turn).chat("retries")).status === 200);
  }
});
