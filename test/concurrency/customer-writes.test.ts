/** Administrators and calls on three instances over one PostgreSQL: what was answered 200 is obeyed from then on. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { startPostgres, type PostgresServer } from "../support/postgres.ts";
import { pricedModel, startTestPurser, type TestPurser } from "../support/purser.ts";
import { Dice, seeded } from "../support/seed.ts";
import { startUpstream, type Upstream } from "../support/upstream.ts";

const CUSTOMERS = 4;
const WRITES_EACH = 25;

/** What an administrator does, and what every call after it is answered, whatever was done before. */
const WRITES: readonly (readonly [path: string, body: (id: string) => object, status: number])[] = [
  ["block", (id) => ({ user_ids: [id] }), 400],
  ["update", (user_id) => ({ user_id, ...OPEN, blocked: true }), 400],
  ["update", (user_id) => ({ user_id, ...OPEN, models: ["n"] }), 403],
  ["update", (user_id) => ({ user_id, ...OPEN, max_budget: 0 }), 429],
  ["update", (user_id) => ({ user_id, ...OPEN, max_budget: 1000 }), 200],
  ["update", (user_id) => ({ user_id, ...OPEN }), 200],
  ["bulk", (user_id) => ({ customers: [{ user_id }] }), 200],
];

const OPEN = { blocked: false, models: [], budget_id: null };

let server: PostgresServer;
let upstream: Upstream;
let pursers: readonly TestPurser[];

before(async () => {
  server = await startPostgres();
  upstream = await startUpstream();
  const database = await server.newDatabase();
  const models = [pricedModel("m", upstream.origin), pricedModel("n", upstream.origin)];
  const options = { database, upstream: upstream.origin, models };
  pursers = await Promise.all([1, 2, 3].map(() => startTestPurser(options)));
});
after(async () => {
  await Promise.all(pursers.map((purser) => purser.stop()));
  await upstream.close();
  await server.remove();
});

test("an administrator's 200 is obeyed by the next call on each instance, whatever else is going on", async (t) => {
  const dice = new Dice(seeded(t).seed);
  const customers = Array.from({ length: CUSTOMERS }, (_, index) => `c${String(index)}`);
  await Promise.all(customers.map((customer) => administer(customer, dice)));
});

async function administer(customer: string, dice: Dice): Promise<void> {
  for (let write = 0; write < WRITES_EACH; write += 1) {
    // Begun before the write, so it may find either state; it must only be answered.
    const beside = dice.pick(pursers).chat(customer);
    const [path, body, status] = dice.pick(WRITES);
    const reply = await dice.pick(pursers).post(`/customer/${path}`, body(customer));
    if (reply.status === 404) {
      assert.equal((await beside).status, 200, "a call makes the customer that update misses");
      continue;
    }
    assert.equal(reply.status, 200, reply.text);
    const calls = await Promise.all(pursers.map((purser) => purser.chat(customer)));
    for (const call of calls) assert.equal(call.status, status, `${path}: ${call.text}`);
    assert.ok([200, 400, 403, 429].includes((await beside).status));
  }
}

test("of blocks and unblocks at once on every instance, each is answered 200 and one state stands", async () => {
  const asked = { user_ids: ["x", "y", "z"] };
  const verbs = ["block", "unblock", "block", "unblock", "block", "unblock"];
  const replies = await Promise.all(
    verbs.map((verb, index) => at(index).post(`/customer/${verb}`, asked)),
  );
  for (const { status, text } of replies) assert.equal(status, 200, text);
  await at(0).post("/customer/block", asked);
  for (const purser of pursers) {
    const infos = await Promise.all(asked.user_ids.map((id) => purser.info(id)));
    assert.ok(infos.every(({ blocked }) => blocked));
  }
});

function at(index: number): TestPurser {
  const purser = pursers[index % pursers.length];
  assert.ok(purser !== undefined);
  return purser;
}
