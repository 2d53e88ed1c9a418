/** Parallel calls: a budget for M lets exactly M pass, whoever asks and through whichever instance. */

import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { onEachDatabase } from "../support/databases.ts";
import { startTestPurser, type Reply, type TestPurser } from "../support/purser.ts";
import { Dice, seeded } from "../support/seed.ts";
import { startUpstream, whole, type Upstream } from "../support/upstream.ts";

/** "hi" and 66 tokens of output: 18 × 0.001 + 66 × 0.002. */
const CEILING = 0.15;
const MAX_TOKENS = 66;

onEachDatabase((database) => {
  let upstream: Upstream;
  let pursers: readonly TestPurser[];

  before(async () => {
    upstream = await startUpstream();
    const url = await database();
    // A shared database takes several instances; an embedded one has one owner.
    const instances = url.startsWith("sqlite:") ? 1 : 3;
    const options = { database: url, upstream: upstream.origin };
    pursers = await Promise.all(Array.from({ length: instances }, () => startTestPurser(options)));
  });
  beforeEach(() => {
    upstream.answer = whole();
    upstream.received.length = 0;
  });
  after(async () => {
    await Promise.all(pursers.map((purser) => purser.stop()));
    await upstream.close();
  });

  function any(index: number): TestPurser {
    const purser = pursers[index % pursers.length];
    if (purser === undefined) throw new Error("no instance");
    return purser;
  }

  test("of parallel calls with a budget for three, exactly three pass, and the others are told to retry", async () => {
    for (let round = 0; round < 10; round += 1) {
      const customer = `three${String(round)}`;
      await any(round).post("/customer/new", { user_id: customer, max_budget: 3 * CEILING });
      const { release, answer } = gate();
      upstream.answer = answer;
      const calls = Array.from({ length: 12 }, (_, index) =>
        any(index).chat(customer, { max_tokens: MAX_TOKENS }),
      );
      const refused = await firstRefused(calls, 9);
      release();
      const replies = await Promise.all(calls);
      assert.equal(replies.filter(({ status }) => status === 200).length, 3);
      for (const { status, body, headers } of refused) {
        assert.equal(status, 429);
        assert.equal(body.error.type, "headroom_held", "held is not spent");
        assert.equal(headers.get("retry-after"), "1");
        assert.equal(headers.get("x-should-retry"), null);
      }
      assert.equal((await any(round + 1).info(customer)).spend, 0.18);
    }
  });

  test("a never-seen customer cannot outrun its first hold", async () => {
    const customer = "never-seen";
    const replies = await Promise.all(
      Array.from({ length: 50 }, (_, index) => any(index).chat(customer)),
    );
    assert.ok(replies.every(({ status }) => status === 200));
    assert.equal((await any(0).info(customer)).spend, 3);
  });

  test("whatever the order, no customer is charged more than its budget", async (t) => {
    const dice = new Dice(seeded(t).seed);
    const customers = Array.from({ length: 5 }, (_, index) => `random${String(index)}`);
    const BUDGET = 0.7;
    for (const user_id of customers) {
      await any(0).post("/customer/new", { user_id, max_budget: BUDGET });
    }
    upstream.answer = (received, response) => {
      const bound = Number(received.body["max_tokens"] ?? received.body["max_completion_tokens"]);
      const completion_tokens = dice.roll(bound + 1);
      return whole({ prompt_tokens: 1 + dice.roll(17), completion_tokens })(received, response);
    };
    const calls = Array.from({ length: 200 }, (_, index) => {
      const more = { max_tokens: 1 + dice.roll(100) };
      return untilDecided(any(index), dice.pick(customers), more);
    });
    const replies = await Promise.all(calls);
    assert.ok(replies.every(({ status }) => status === 200 || status === 429));
    for (const customer of customers) {
      const { spend } = await any(0).info(customer);
      assert.ok(spend <= BUDGET, `${customer} was charged ${String(spend)}`);
      assert.ok(spend > BUDGET / 2, `${customer} could use only ${String(spend)}`);
    }
  });
});

/** Asks again while what is left of the budget is only held by calls in flight. */
async function untilDecided(purser: TestPurser, customer: string, more: object): Promise<Reply> {
  for (;;) {
    const reply = await purser.chat(customer, { ...more });
    if (reply.status !== 429 || reply.body.error.type !== "headroom_held") return reply;
  }
}

/** Keeps every answer back until it is released. */
function gate() {
  const { promise, resolve } = Promise.withResolvers<void>();
  const answer: Upstream["answer"] = async (received, response) => {
    await promise;
    await whole()(received, response);
  };
  return { release: resolve, answer };
}

/** Resolves when so many were refused, though others are still under way. */
function firstRefused(calls: readonly Promise<Reply>[], count: number): Promise<Reply[]> {
  return new Promise((resolve, reject) => {
    const refused: Reply[] = [];
    for (const call of calls) {
      call.then((reply) => {
        if (reply.status === 200) return;
        refused.push(reply);
        if (refused.length === count) resolve(refused);
      }, reject);
    }
  });
}
