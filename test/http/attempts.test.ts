/** What failed attempts cost: who is charged for them, on which posting, and who may not go on trying. */

import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { assertNoDrift } from "../support/reader.ts";
import { onEachDatabase } from "../support/databases.ts";
import { postingsOf, type StoredPosting } from "../support/postings.ts";
import { startTestPurser, type TestPurser } from "../support/purser.ts";
import { json, startUpstream, USAGE, whole, type Upstream } from "../support/upstream.ts";

const PRICED = { input_cost_per_token: 0.001, output_cost_per_token: 0.002 };
const FREE = { input_cost_per_token: 0, output_cost_per_token: 0 };
const DOUBLE = { input_cost_per_token: 0.002, output_cost_per_token: 0.004 };
const MARGINS = { cost_margin_config: { global: { percentage: 0.5, fixed_amount: 0.01 } } };
/** An error that says that it is billed: 0.06. */
const BILLED = whole(USAGE, 503);

onEachDatabase((database) => {
  let first: Upstream;
  let second: Upstream;
  let third: Upstream;
  let address: string;
  let purser: TestPurser;

  const start = (place: string, price: object = PRICED, litellm = {}): Promise<TestPurser> => {
    const foreign = {
      model_name: "foreign",
      litellm_params: {
        model: "anthropic/claude-sonnet-4-5",
        api_base: first.origin,
        api_key: "k",
      },
      model_info: { id: "foreign-1", ...PRICED },
    };
    const entry = (model_name: string, upstream: Upstream, own: object, weight: number) => {
      const id = `${model_name}-${String([first, second, third].indexOf(upstream) + 1)}`;
      const litellm_params = {
        model: "openai/x",
        api_base: upstream.origin,
        api_key: "k",
        weight,
      };
      return { model_name, litellm_params, model_info: { id, ...own } };
    };
    return startTestPurser({
      database: place,
      upstream: third.origin,
      litellm,
      models: [
        entry("pool", first, PRICED, 1e9),
        entry("pool", second, PRICED, 1e2),
        entry("pool", third, price, 0),
        entry("alone", first, PRICED, 1),
        entry("unpriced-first", first, {}, 1),
        entry("free", third, FREE, 1),
        foreign,
      ],
      router: {
        fallbacks: [{ "unpriced-first": ["free"] }],
        retry_after: 0,
        disable_cooldowns: true,
      },
    });
  };

  before(async () => {
    [first, second, third] = await Promise.all([startUpstream(), startUpstream(), startUpstream()]);
    address = await database();
    purser = await start(address);
  });
  beforeEach(() => {
    for (const upstream of [first, second, third]) upstream.received.length = 0;
    first.answer = BILLED;
    second.answer = whole(undefined, 500);
    third.answer = whole();
  });
  after(async () => {
    await purser.stop();
    await Promise.all([first.close(), second.close(), third.close()]);
    await assertNoDrift(address);
  });

  async function onlyPosting(customer: string): Promise<StoredPosting> {
    const [posting, ...others] = await postingsOf(address, customer);
    assert.ok(posting);
    assert.equal(others.length, 0);
    return posting;
  }

  const rowsOf = async (customer: string) =>
    (await purser.get(`/spend/logs?end_user=${customer}`)).body;

  test("two failures and then a success are one call with three attempts, at the cost of those that were billed", async () => {
    await purser.post("/customer/new", { user_id: "tried", max_budget: 1 });
    const reply = await purser.chat("tried", { model: "pool" });
    assert.equal(reply.status, 200, reply.text);
    assert.equal(reply.headers.get("x-litellm-model-id"), "pool-3");
    assert.equal(reply.headers.get("x-litellm-attempted-retries"), "2");
    assert.equal(reply.headers.get("x-litellm-response-cost"), "0.12");
    assert.equal(reply.headers.get("x-purser-budget-remaining"), "0.88");
    assert.equal((await purser.info("tried")).spend, 0.12);
    const posting = await onlyPosting("tried");
    assert.deepEqual([posting.kind, posting.charge], ["settled", 120_000_000]);
    const [row, ...others] = await rowsOf("tried");
    assert.equal(others.length, 0);
    assert.deepEqual([row.spend, row.total_tokens], [0.12, 40]);
    const usage = { input: 20, output: 20 };
    const billed = { cost: 0.06, usage_source: "provider", usage, unpriced: [] };
    assert.deepEqual(row.metadata.attempts, [
      { model: "pool", deployment: "pool-1", failure: "the provider answered 503", ...billed },
      { model: "pool", deployment: "pool-2", failure: "the provider answered 500", cost: 0 },
    ]);
  });

  test("an attempt that broke off in the middle of its answer is charged by an estimate", async () => {
    first.answer = (_received, response) => {
      response.writeHead(200, { "content-type": "application/json", "content-length": 1000 });
      response.write("x".repeat(60), () => response.destroy());
    };
    const reply = await purser.chat("broken", { model: "pool" });
    assert.equal(reply.status, 200);
    const [row] = await rowsOf("broken");
    const [attempt] = row.metadata.attempts;
    assert.deepEqual([attempt.failure, attempt.usage_source], ["broke_off", "estimated"]);
    assert.equal(attempt.usage.output, 20);
    assert.ok(attempt.cost > 0.04);
    assert.equal(row.spend, Number((attempt.cost + 0.06).toFixed(9)));
    assert.equal(reply.headers.get("x-litellm-response-cost"), String(row.spend));
  });

  test("who cannot pay for the next attempt beside a billed one is refused, and charged that one", async () => {
    await purser.post("/customer/new", { user_id: "scarce", max_budget: 0.1 });
    const reply = await purser.chat("scarce", { model: "pool" });
    assert.deepEqual([reply.status, second.received.length], [429, 0], reply.text);
    const posting = await onlyPosting("scarce");
    assert.deepEqual([posting.kind, posting.charge], ["settled", 60_000_000]);
    assert.equal(posting.facts.deployment, "pool-1");
    assert.equal((await purser.info("scarce")).spend, 0.06);
  });

  test("a call that nobody answered costs what one of its attempts was billed", async () => {
    third.answer = whole(undefined, 500);
    const reply = await purser.chat("unanswered", { model: "pool" });
    assert.deepEqual([reply.status, reply.headers.get("x-litellm-response-cost")], [502, "0.06"]);
    const posting = await onlyPosting("unanswered");
    assert.deepEqual(
      [posting.kind, posting.source, posting.charge],
      ["settled", "none", 60_000_000],
    );
  });

  for (const [status, usage, charge] of [
    [400, USAGE, 60_000_000],
    [503, USAGE, 60_000_000],
    [503, null, 0],
    [503, { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 }, 0],
  ] as const) {
    test(`an error ${String(status)} with ${JSON.stringify(usage)} is charged ${String(charge)}`, async () => {
      first.answer = whole(usage, status);
      const customer = `c${String(status)}-${JSON.stringify(usage).length}`;
      const reply = await purser.chat(customer, { model: "alone" });
      assert.equal(reply.status, status === 400 ? 400 : 502);
      const cost = charge === 0 ? "0" : "0.06";
      assert.equal(reply.headers.get("x-litellm-response-cost"), cost);
      const posting = await onlyPosting(customer);
      assert.deepEqual(
        [posting.kind, posting.charge],
        [charge === 0 ? "released" : "settled", charge],
      );
    });
  }

  test("an attempt whose price nobody knows is kept with what it used", async () => {
    await purser.chat("unknown", { model: "unpriced-first" });
    const [row] = await rowsOf("unknown");
    const [attempt] = row.metadata.attempts;
    assert.deepEqual([row.spend, attempt.cost], [0, 0]);
    assert.deepEqual(attempt.unpriced, ["input", "output"]);
  });

  test("a call is marked up once, and repricing it leaves alone what its attempts have cost", async () => {
    const place = await database();
    const before = await start(place, PRICED, MARGINS);
    await before.chat("marked", { model: "pool" });
    first.answer = whole(undefined, 503);
    await before.chat("marked", { model: "pool" });
    first.answer = BILLED;
    third.answer = whole(undefined, 500);
    await before.chat("marked", { model: "pool" });
    // One and a half times 0.12, 0.06 and 0.06, and a cent for each call.
    assert.equal((await before.info("marked")).spend, 0.39);
    const same = await before.post("/prices/reprice", {});
    assert.deepEqual([same.body.examined, same.body.repriced], [3, 0]);
    await before.stop();
    const dearer = await start(place, DOUBLE, MARGINS);
    const { body } = await dearer.post("/prices/reprice", {});
    assert.deepEqual([body.examined, body.repriced], [3, 2]);
    assert.deepEqual([body.cost_difference, body.charge_difference], [0.12, 0.18]);
    const again = await dearer.post("/prices/reprice", {});
    assert.equal(again.body.repriced, 0);
    assert.equal((await dearer.info("marked")).spend, 0.57);
    await dearer.stop();
    await assertNoDrift(place);
  });

  for (const stream of [false, true]) {
    const how = stream ? ", streamed" : "";
    test(`an error of a provider with another language is billed by the usage in it${how}`, async () => {
      const usage = { input_tokens: 20, output_tokens: 20 };
      const error = { type: "api_error", message: "x" };
      first.answer = (_received, response) => json(response, 500, { type: "error", error, usage });
      const customer = `foreign${how}`;
      const reply = await purser.chat(customer, { model: "foreign", stream });
      assert.equal(reply.status, 502, reply.text);
      assert.equal((await onlyPosting(customer)).charge, 60_000_000);
    });
  }

  test("an embedding that failed is billed by the usage in its error too", async () => {
    first.answer = (_received, response) =>
      json(response, 500, {
        error: { message: "x" },
        usage: { prompt_tokens: 7, total_tokens: 7 },
      });
    await purser.post("/v1/embeddings", { model: "alone", user: "embedded", input: "hi" });
    assert.equal((await onlyPosting("embedded")).charge, 7_000_000);
  });
});
