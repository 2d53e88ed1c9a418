/** Models whose price nobody knows, and the fallback that an operator may set for them: over sockets, on both databases. */

import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { onEachDatabase } from "../support/databases.ts";
import {
  pricedModel,
  type Reply,
  type TestPurser,
  withPurser,
  type PurserOptions,
} from "../support/purser.ts";
import { assertNoDrift, callsOf } from "../support/reader.ts";
import { startReceiver } from "../support/receiver.ts";
import { json, startUpstream, streamed, whole, type Upstream } from "../support/upstream.ts";

/** A tenth of what the model turns out to cost. */
const FALLBACK = { unpriced_fallback: { unit: "token", input: 0.0001, output: 0.0002 } };
const WITHOUT = { general: {}, litellm: { cost_margin_config: { global: 0.5 } } };
const WITH = { ...WITHOUT, general: FALLBACK };

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

  function modelOf(info: object): unknown {
    return { ...(pricedModel("m", upstream.origin) as object), model_info: { id: "d1", ...info } };
  }

  function during(
    options: Omit<PurserOptions, "upstream">,
    body: (purser: TestPurser) => Promise<void>,
  ): Promise<void> {
    return withPurser({ upstream: upstream.origin, ...options }, body);
  }

  test("a part that nobody knows the price of makes no call free: its charge is not told as 0", async () => {
    const place = { database: await database() };
    const models = [modelOf({ input_cost_per_token: 0.001, output_cost_per_token: 0.002 })];
    await during({ ...place, models }, async (purser) => {
      upstream.answer = (_received, response) =>
        json(response, 200, {
          results: [{ index: 0, relevance_score: 0.9 }],
          meta: { billed_units: { search_units: 1 } },
        });
      const asked = { model: "m", user: "ann", query: "a", documents: ["b"] };
      const reply = await purser.post("/v1/rerank", asked);
      assert.equal(reply.status, 200, reply.text);
      assert.equal(reply.headers.get("x-litellm-response-cost"), null);
    });
  });

  test("a model without a price is charged the fallback and flagged, within a budget too, until its price is known", async () => {
    const place = { database: await database() };
    await during({ ...place, ...WITH, models: [modelOf({})] }, async (purser) => {
      await purser.post("/customer/new", { user_id: "ann", max_budget: 1 });
      const reply = await purser.chat("ann");
      // 0.006, and half of it.
      assert.equal(reply.headers.get("x-litellm-response-cost"), "0.009");
      upstream.answer = streamed(["hi"]);
      assert.match((await purser.chat("ann", { stream: true })).text, /: cost=0\.009\n/);
      assert.equal((await purser.info("ann")).spend, 0.018);
      const { calls, deployments } = (await purser.get("/prices/missing")).body;
      assert.deepEqual([calls[0].calls, calls[0].unpriced], [2, ["input", "output"]]);
      assert.deepEqual(idsIn(deployments), ["d1"]);
      const metrics = (await purser.get("/metrics")).text;
      assert.match(metrics, /purser_priced_calls_total\{provider="openai",origin="fallback"\} 2\n/);
      const again = await purser.post("/prices/reprice", {});
      assert.deepEqual([again.body.examined, again.body.repriced], [2, 0]);
    });
    const posted = await callsOf(place.database);
    assert.deepEqual(
      posted.map(({ posting }) => [posting.pricing?.origin, posting.cost, posting.unpriced]),
      [1, 2].map(() => ["fallback", 6_000_000n, ["input", "output"]]),
    );

    const known = pricedModel("m", upstream.origin, { id: "d1" });
    await during({ ...place, ...WITH, models: [known] }, async (purser) => {
      const first = await purser.post("/prices/reprice", { unpriced_only: true });
      // Twice 0.06 in place of 0.006, and half of it: what was charged by the fallback is not charged again.
      assert.deepEqual([first.body.repriced, first.body.charge_difference], [2, 0.162]);
      assert.equal((await purser.info("ann")).spend, 0.18);
      assert.deepEqual((await purser.get("/prices/missing")).body, { calls: [], deployments: [] });
      const second = await purser.post("/prices/reprice", {});
      assert.deepEqual([second.body.examined, second.body.repriced], [2, 0]);
    });

    await during({ ...place, ...WITH, models: [modelOf({})] }, async (purser) => {
      const { body } = await purser.post("/prices/reprice", {});
      assert.deepEqual(
        [body.examined, body.repriced],
        [2, 0],
        "a price that is gone takes nothing back",
      );
    });
    await assertNoDrift(place.database);
  });

  test("that a price is missing is told, though the fallback is charged", async (t) => {
    const receiver = await startReceiver();
    t.after(() => receiver.close());
    const general = { ...FALLBACK, webhook_networks: ["127.0.0.1"] };
    const options = { database: await database(), general, models: [modelOf({})] };
    await during(options, async (purser) => {
      await purser.post("/webhooks/endpoints", { url: receiver.url });
      await purser.chat("ann");
      const { body } = await receiver.next(({ type }) => type === "price.missing");
      const { deployment, model } = body["data"] as Record<string, unknown>;
      assert.deepEqual([deployment, model], ["d1", "m"]);
    });
  });

  test("a fallback that is set later leaves what was posted for nothing to the price to come", async () => {
    const place = { database: await database() };
    await during({ ...place, models: [modelOf({})] }, async (purser) => {
      assert.equal((await purser.chat("ann")).headers.get("x-litellm-response-cost"), null);
    });
    await during({ ...place, ...WITH, models: [modelOf({})] }, async (purser) => {
      const { body } = await purser.post("/prices/reprice", {});
      assert.deepEqual([body.examined, body.repriced, body.still_unpriced], [1, 0, 1]);
      assert.equal((await purser.info("ann")).spend, 0);
    });
    await assertNoDrift(place.database);
  });

  test("a price of 0 is a price: nothing is charged by the fallback, nothing is missing", async () => {
    const free = modelOf({ input_cost_per_token: 0, output_cost_per_token: 0 });
    await during({ database: await database(), ...WITH, models: [free] }, async (purser) => {
      await purser.post("/customer/new", { user_id: "ann", max_budget: 0.001 });
      assert.equal((await purser.chat("ann")).headers.get("x-litellm-response-cost"), "0");
      assert.deepEqual((await purser.get("/prices/missing")).body, { calls: [], deployments: [] });
      assert.equal((await purser.post("/prices/reprice", {})).body.repriced, 0);
    });
  });

  test("the fallback is shown as what it is, and a budget is held against it", async () => {
    await during({ database: await database(), ...WITH, models: [modelOf({})] }, async (purser) => {
      const [card] = (await purser.get("/prices/resolved?model=m")).body.deployments;
      assert.deepEqual([card.state, card.origin, card.label], ["fallback", "fallback", "fallback"]);
      const { input, output, reasoning } = card.rates;
      assert.deepEqual([input.per_million, output.per_million], [100, 200]);
      assert.deepEqual([input.origin, reasoning.origin], ["fallback", "as output"]);
      await purser.post("/customer/new", { user_id: "poor", max_budget: 0.0001 });
      assert.equal((await purser.chat("poor")).status, 429);
      assert.equal(upstream.received.length, 0);
    });
  });

  test("what a provider states comes before the fallback, and is no missing price", async () => {
    const params = { model: "openrouter/house/brand-new", api_base: upstream.origin, api_key: "x" };
    const models = [{ model_name: "m", litellm_params: params }];
    const usage = { prompt_tokens: 20, completion_tokens: 2, total_tokens: 22, cost: 0.5 };
    upstream.answer = whole(usage);
    await during({ database: await database(), ...WITH, models }, async (purser) => {
      assert.equal((await purser.chat("ann")).headers.get("x-litellm-response-cost"), "0.75");
      assert.deepEqual((await purser.get("/prices/missing")).body.calls, []);
      assert.doesNotMatch((await purser.get("/metrics")).text, /by="book"/);
    });
  });

  test("a variant of a known model is not taken for it, however alike the names", async () => {
    const models = ["gpt-4o", "gpt-4o-plus"].map((name) => ({
      model_name: name,
      litellm_params: { model: `openai/${name}`, api_base: upstream.origin, api_key: "x" },
    }));
    await during({ database: await database(), models }, async (purser) => {
      await purser.post("/customer/new", { user_id: "ann", max_budget: 1 });
      const statuses = ["gpt-4o", "gpt-4o-plus"].map(
        async (model) => (await purser.chat("ann", { model })).status,
      );
      assert.deepEqual(await Promise.all(statuses), [200, 400]);
      const { body } = await purser.chat("ann", { model: "gpt-4o-plus" });
      assert.equal(body.error.type, "unpriced_model");
      const [card] = (await purser.get("/prices/resolved?model=gpt-4o-plus")).body.deployments;
      assert.equal(card.state, "unpriced");
    });
  });
});

function idsIn(deployments: Reply["body"]): string[] {
  return deployments.map(({ id }: { id: string }) => id);
}
