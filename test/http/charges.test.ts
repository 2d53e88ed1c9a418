/** What is billed for what was used, under prices of every kind: over sockets, on both databases. */

import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { onEachDatabase } from "../support/databases.ts";
import { RESPONSE } from "../support/dialects.ts";
import { type Reply, type TestPurser, withPurser, type PurserOptions } from "../support/purser.ts";
import { assertNoDrift, callsOf } from "../support/reader.ts";
import { startReceiver } from "../support/receiver.ts";
import { json, startUpstream, whole, type Upstream } from "../support/upstream.ts";

const PLAIN = { input_cost_per_token: 0.001, output_cost_per_token: 0.002 };
const FEES = {
  ...PLAIN,
  input_cost_per_request: 0.01,
  search_context_cost_per_query: { search_context_size_medium: 0.05 },
  file_search_cost_per_1k_calls: 2.5,
};
const TOOLS = [{ type: "web_search" }, { type: "file_search", vector_store_ids: ["v"] }];

onEachDatabase((database) => {
  let upstream: Upstream;

  before(async () => {
    upstream = await startUpstream();
  });
  beforeEach(() => {
    upstream.answer = whole();
    upstream.received.length = 0;
  });
  after(() => upstream.close());

  function modelOf(info: object, params: object = {}): unknown {
    const address = { api_base: `${upstream.origin}/v1`, api_key: "sk-upstream" };
    return {
      model_name: "m",
      litellm_params: { model: "openai/house", ...address, ...params },
      model_info: info,
    };
  }

  async function during(
    options: Omit<PurserOptions, "upstream">,
    body: (purser: TestPurser) => Promise<void>,
  ): Promise<void> {
    await withPurser({ upstream: upstream.origin, ...options }, body);
    await assertNoDrift(options.database);
  }

  /** An answer of the Responses API, 20 tokens each way, with these items before its text. */
  function answerWith(items: readonly object[]): void {
    const output = [...items, ...RESPONSE.output];
    upstream.answer = (_received, response) => json(response, 200, { ...RESPONSE, output });
  }

  test("a call is billed its fee, its tokens and the searches that were made, not those that were offered", async () => {
    const options = { database: await database(), models: [modelOf(FEES)] };
    await during(options, async (purser) => {
      const dollars = async () => (await ask(purser, "ann")).headers.get("x-litellm-response-cost");
      answerWith([]);
      assert.equal(await dollars(), "0.07");
      const search = { type: "web_search_call", action: { type: "search" } };
      const files = { type: "file_search_call" };
      answerWith([search, search, files, { ...search, action: { type: "open_page" } }, search]);
      assert.equal(await dollars(), "0.2225");
      // Forty searches and the tokens are more than this.
      await purser.post("/customer/new", { user_id: "poor", max_budget: 1 });
      assert.equal((await ask(purser, "poor")).status, 429);
    });
  });

  test("of a call that is priced in part the rest is named, and who has a budget is refused it", async () => {
    const options = { database: await database(), models: [modelOf(PLAIN)] };
    await during(options, async (purser) => {
      answerWith([{ type: "web_search_call", action: { type: "search" } }]);
      const reply = await ask(purser, "ann");
      assert.equal(reply.headers.get("x-litellm-response-cost"), "0.06");
      const { calls, deployments } = (await purser.get("/prices/missing")).body;
      assert.deepEqual([calls[0].unpriced, calls[0].calls, deployments], [["searches"], 1, []]);
      await purser.post("/customer/new", { user_id: "bob", max_budget: 100 });
      const refused = await ask(purser, "bob");
      assert.deepEqual([refused.status, refused.body.error.type], [400, "unpriced_model"]);
    });
  });

  test("a call is billed at the pace that it was served at, and held at the dearest that it may be", async () => {
    const prices = [
      {
        unit: "token",
        input: 0,
        output: 0.002,
        flex: { multiplier: 0.5 },
        priority: { multiplier: 2 },
      },
    ];
    const options = { database: await database(), models: [modelOf({ prices })] };
    await during(options, async (purser) => {
      const usage = { prompt_tokens: 20, completion_tokens: 20, total_tokens: 40 };
      const served = async (asked: string | undefined, told: string | undefined) => {
        upstream.answer = (_received, response) =>
          json(response, 200, {
            object: "chat.completion",
            choices: [],
            usage,
            service_tier: told,
          });
        return costOf(purser, { service_tier: asked });
      };
      assert.equal(await served("flex", "default"), "0.04");
      assert.equal(await served("default", "flex"), "0.02");
      assert.equal(await served("flex", "flex"), "0.02");
      assert.equal(await served(undefined, "priority"), "0.08");
      assert.equal(await served("priority", undefined), "0.04");
      // It pays for twelve tokens of an answer at the dearest pace, and sixteen are the least.
      await purser.post("/customer/new", { user_id: "poor", max_budget: 0.05 });
      assert.equal((await purser.chat("poor")).status, 429);
      assert.equal((await purser.chat("poor", { service_tier: "default" })).status, 200);
    });
  });

  test("a long call moves to its dearer price with the token that exceeds it, cached or not", async () => {
    const long = { above_input_tokens: 1000, input: 4, cache_read: 2, output: 20 };
    const prices = [{ input: 2, cache_read: 1, output: 10, tiers: [long] }];
    const options = { database: await database(), models: [modelOf({ prices })] };
    await during(options, async (purser) => {
      const billed = (input: number, cached: number) => {
        upstream.answer = whole({
          prompt_tokens: input,
          prompt_tokens_details: { cached_tokens: cached },
          completion_tokens: 100,
          total_tokens: input + 100,
        });
        return costOf(purser);
      };
      assert.deepEqual(
        [await billed(999, 0), await billed(1000, 0), await billed(1001, 0)],
        ["0.002998", "0.003", "0.006004"],
      );
      assert.deepEqual(
        [await billed(999, 400), await billed(1000, 400), await billed(1001, 400)],
        ["0.002598", "0.0026", "0.005204"],
      );
    });
  });

  test("two deployments of one model have a price each, and a posting has that of the one that answered", async () => {
    const models = [
      modelOf({ id: "home", ...PLAIN }),
      modelOf({ id: "abroad", input_cost_per_token: 0.005, output_cost_per_token: 0.01 }),
    ];
    const address = await database();
    await during({ database: address, models }, async (purser) => {
      for (let call = 0; call < 30; call += 1) await costOf(purser);
      const { deployments } = (await purser.get("/prices/resolved?model=m")).body;
      const shown = new Map(
        deployments.map((card: { id: string; version: string }) => [card.id, card.version]),
      );
      const calls = await callsOf(address);
      const versions = calls.map(({ posting }) => [
        posting.pricing?.version === shown.get(posting.facts.deployment),
        posting.facts.deployment,
        posting.cost,
      ]);
      const seen = new Set(versions.map((row) => row.join(" ")));
      assert.deepEqual([...seen].toSorted(), ["true abroad 300000000", "true home 60000000"]);
    });
  });

  test("a posting keeps the price that it was made by, whatever comes after it", async () => {
    const address = await database();
    const old = { label: "contract of before", unit: "token", input: 0.001, output: 0.002 };
    await during(
      { database: address, models: [modelOf({ id: "d", prices: [old] })] },
      async (purser) => {
        assert.equal(await costOf(purser), "0.06");
      },
    );
    const [before] = await callsOf(address);
    const from = new Date((before?.posting.at ?? 0) + 1).toISOString();
    const prices = [old, { from, unit: "token", input: 0.01, output: 0.02 }];
    await during({ database: address, models: [modelOf({ id: "d", prices })] }, async (purser) => {
      assert.equal(await costOf(purser), "0.6");
      const { body } = await purser.post("/prices/reprice", {});
      assert.deepEqual([body.examined, body.repriced], [2, 0]);
      const [first, second] = await callsOf(address);
      assert.deepEqual(first, before);
      for (const call of [first, second]) {
        const { pricing, rates } = call?.posting ?? {};
        const at = new Date(pricing?.at ?? 0).toISOString();
        const shown = (await purser.get(`/prices/resolved?model=m&at=${at}`)).body.deployments[0];
        assert.equal(pricing?.version, shown.version);
        assert.equal(Number(rates?.input) / 1e12, shown.rates.input.dollars);
        assert.equal(Number(rates?.output) / 1e12, shown.rates.output.dollars);
      }
      assert.notEqual(first?.posting.pricing?.version, second?.posting.pricing?.version);
    });
  });

  test("of a cost that its provider states both figures are kept, and the two sums show how far they are apart", async () => {
    const address = await database();
    const params = { model: "openrouter/openai/gpt-4o" };
    upstream.answer = whole({
      prompt_tokens: 400,
      completion_tokens: 0,
      total_tokens: 400,
      cost: 0.002,
    });
    await during({ database: address, models: [modelOf({}, params)] }, async (purser) => {
      assert.equal(await costOf(purser), "0.002");
      const [call] = await callsOf(address);
      const { statedCost, bookCost, origin } = call?.posting.pricing ?? {};
      assert.deepEqual([statedCost, bookCost, origin], [2_000_000n, 1_000_000n, "provider"]);
      const { text } = await purser.get("/metrics");
      assert.match(
        text,
        /stated_cost_dollars_total\{provider="openrouter",by="provider"\} 0\.002\n/,
      );
      assert.match(text, /stated_cost_dollars_total\{provider="openrouter",by="book"\} 0\.001\n/);
    });
  });

  test("an answer that is asked for again under its name is charged once, and counted as given again", async () => {
    const address = await database();
    await during({ database: address, models: [modelOf(PLAIN)] }, async (purser) => {
      const call = { model: "m", user: "ann", messages: [{ role: "user", content: "hi" }] };
      const send = () => purser.post("/v1/chat/completions", call, { "idempotency-key": "once" });
      const first = await send();
      const again = [await send(), await send()];
      assert.deepEqual(
        again.map(({ text, headers }) => [text, headers.get("x-purser-replayed")]),
        [1, 2].map(() => [first.text, "true"]),
      );
      assert.equal((await callsOf(address)).length, 1);
      assert.equal((await purser.info("ann")).spend, 0.06);
      const { text } = await purser.get("/metrics");
      assert.match(text, /purser_replays_total\{route="\/v1\/chat\/completions"\} 2\n/);
      assert.match(text, /purser_priced_calls_total\{provider="openai",origin="operator"\} 1\n/);
    });
  });

  test("a budget of exactly a hundred charges of a ten-millionth of a dollar buys a hundred, and no more", async () => {
    const prices = [{ unit: "token", input: 0, output: 0.0000001 }];
    upstream.answer = whole({ prompt_tokens: 20, completion_tokens: 1, total_tokens: 21 });
    const options = { database: await database(), models: [modelOf({ prices })] };
    await during(options, async (purser) => {
      await purser.post("/customer/new", { user_id: "ann", max_budget: 0.00001 });
      const calls = Array.from({ length: 100 }, () => purser.chat("ann", { max_tokens: 1 }));
      const replies = await Promise.all(calls);
      assert.deepEqual([...new Set(replies.map(({ status }) => status))], [200]);
      const { text } = await purser.get("/customer/info?end_user_id=ann");
      assert.match(text, /"spend":0\.00001,/);
      upstream.received.length = 0;
      assert.equal((await purser.chat("ann", { max_tokens: 1 })).status, 429);
      assert.equal(upstream.received.length, 0);
    });
  });

  test("a correction of a price is told to who is told of charges, as the difference", async (t) => {
    const receiver = await startReceiver();
    t.after(() => receiver.close());
    const address = await database();
    await during(
      { database: address, models: [modelOf({ id: "d", ...PLAIN })] },
      async (purser) => {
        await costOf(purser);
      },
    );
    const half = { id: "d", input_cost_per_token: 0.0005, output_cost_per_token: 0.001 };
    const general = { webhook_networks: ["127.0.0.1"] };
    await during({ database: address, models: [modelOf(half)], general }, async (purser) => {
      await purser.post("/webhooks/endpoints", { url: receiver.url });
      await purser.post("/prices/reprice", {});
      const { body } = await receiver.next(({ type }) => type === "posting.adjusted");
      const { charge, customer, reason } = body["data"] as Record<string, unknown>;
      assert.deepEqual([charge, customer, reason], [-0.03, "ann", "repriced"]);
      assert.equal((await purser.info("ann")).spend, 0.03);
    });
  });
});

function ask(purser: TestPurser, user: string): Promise<Reply> {
  const call = { model: "m", user, input: "hi", max_output_tokens: 20, tools: TOOLS };
  return purser.post("/v1/responses", call);
}

async function costOf(purser: TestPurser, more: Record<string, unknown> = {}) {
  const reply = await purser.chat("ann", more);
  assert.equal(reply.status, 200, reply.text);
  return reply.headers.get("x-litellm-response-cost");
}
