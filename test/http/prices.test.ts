/** What a call costs, why, and what is done when that comes to be known later: over sockets, on both databases. */

import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { onEachDatabase } from "../support/databases.ts";
import {
  pricedModel,
  startTestPurser,
  type Reply,
  type TestPurser,
  withPurser,
  type PurserOptions,
} from "../support/purser.ts";
import { assertNoDrift, callsOf } from "../support/reader.ts";
import { startUpstream, streamed, whole, type Upstream } from "../support/upstream.ts";

const MARGINS = { cost_margin_config: { openai: { percentage: 0.25, fixed_amount: 0.01 } } };

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

  async function during(
    options: Partial<PurserOptions>,
    body: (purser: TestPurser) => Promise<void>,
  ): Promise<void> {
    await withPurser({ database: await database(), upstream: upstream.origin, ...options }, body);
  }

  test("the card that is shown is the one that is charged, and every number says where it comes from", async () => {
    const info = {
      base_model: "gpt-4o",
      prices: [{ label: "contract", input: 2, multiplier: 0.5 }],
    };
    const model = { ...(pricedModel("m", upstream.origin) as object), model_info: info };
    await during({ models: [model] }, async (purser) => {
      const { body } = await purser.get("/prices/resolved?model=m");
      const [card] = body.deployments;
      assert.deepEqual([card.state, card.origin, card.label], ["priced", "operator", "contract"]);
      const { input, output, cacheRead, reasoning } = card.rates;
      assert.deepEqual(
        [input.per_million, input.origin, output.per_million, output.origin],
        [2, "contract", 5, "list × 0.5"],
      );
      assert.deepEqual([cacheRead.per_million, reasoning.origin], [0.625, "as output"]);
      const usage = { prompt_tokens: 1000, completion_tokens: 100, total_tokens: 1100 };
      upstream.answer = whole({ ...usage, prompt_tokens_details: { cached_tokens: 400 } });
      const reply = await purser.chat("ann");
      assert.equal(reply.headers.get("x-litellm-response-cost"), "0.00195");
      const early = await purser.get("/prices/resolved?model=m&at=yesterday");
      assert.equal(early.status, 400);
      assert.equal((await purser.get("/prices/resolved?model=other")).status, 404);
    });
  });

  test("a price of tomorrow is shown for tomorrow and charged to nobody today", async () => {
    const prices = [
      { input: 1000, output: 2000 },
      { from: "2999-01-01", input: 9, output: 9 },
    ];
    const model = { ...(pricedModel("m", upstream.origin) as object), model_info: { prices } };
    await during({ models: [model] }, async (purser) => {
      const inputAt = async (query: string) => {
        const { body } = await purser.get(`/prices/resolved?model=m${query}`);
        return body.deployments[0].rates.input.per_million;
      };
      assert.deepEqual([await inputAt(""), await inputAt("&at=2999-01-01")], [1000, 9]);
      assert.equal((await purser.chat("ann")).headers.get("x-litellm-response-cost"), "0.06");
    });
  });

  test("an unknown model is refused to a customer with a budget, listed for the others, and charged once it is known", async () => {
    const place = { database: await database(), upstream: upstream.origin };
    const nameless = { ...(pricedModel("m", upstream.origin) as object), model_info: { id: "d1" } };
    const unpriced = await startTestPurser({ ...place, models: [nameless], litellm: MARGINS });
    await unpriced.post("/customer/new", { user_id: "poor", max_budget: 1 });
    const refused = await unpriced.chat("poor");
    assert.deepEqual([refused.status, upstream.received.length], [400, 0]);
    for (let call = 0; call < 3; call++) await unpriced.chat("ann");
    upstream.answer = streamed(["hi"]);
    await unpriced.chat("ann", { stream: true });
    assert.equal((await unpriced.info("ann")).spend, 0);
    const missing = (await unpriced.get("/prices/missing")).body;
    assert.deepEqual(
      missing.calls.map(({ model, deployment, calls, unpriced: parts }: Reply["body"]) => [
        model,
        deployment,
        calls,
        parts,
      ]),
      [["m", "d1", 4, ["input", "output"]]],
    );
    assert.deepEqual(
      missing.deployments.map(({ id }: Reply["body"]) => id),
      ["d1"],
    );
    await unpriced.stop();

    const known = pricedModel("m", upstream.origin, { id: "d1" });
    const purser = await startTestPurser({ ...place, models: [known], litellm: MARGINS });
    const asked = { customer: "ann", unpriced_only: true };
    const dry = await purser.post("/prices/reprice", { ...asked, dry_run: true });
    assert.deepEqual([dry.body.repriced, dry.body.cost_difference], [4, 0.24]);
    assert.equal((await purser.info("ann")).spend, 0);
    const first = await purser.post("/prices/reprice", asked);
    // Under the margin of the calls' own time: 0.06 and a quarter of it, and a cent.
    assert.deepEqual([first.body.repriced, first.body.charge_difference], [4, 0.34]);
    assert.equal((await purser.info("ann")).spend, 0.34);
    const second = await purser.post("/prices/reprice", {});
    assert.deepEqual([second.body.examined, second.body.repriced, second.body.next], [4, 0, null]);
    assert.equal((await purser.info("ann")).spend, 0.34);
    assert.deepEqual((await purser.get("/prices/missing")).body, { calls: [], deployments: [] });
    await purser.stop();
    await assertNoDrift(place.database);
  });

  test("a price that is mended is corrected both ways, page by page, within what is asked for", async () => {
    const place = { database: await database(), upstream: upstream.origin };
    const dear = await startTestPurser(place);
    for (const customer of ["ann", "bob", "ann", "bob", "ann"]) await dear.chat(customer);
    await dear.stop();
    const halved = { input_cost_per_token: 0.0005, output_cost_per_token: 0.001 };
    const deployment = (await callsOf(place.database))[0]?.posting.facts.deployment;
    const models = [pricedModel("m", upstream.origin, { ...halved, id: deployment })];
    const cheap = await startTestPurser({ ...place, models });
    const otherModel = await cheap.post("/prices/reprice", { model: "other" });
    assert.deepEqual([otherModel.body.examined, otherModel.body.repriced], [5, 0]);
    const past = await cheap.post("/prices/reprice", { to: "2020-01-01" });
    assert.equal(past.body.examined, 0);
    const one = await cheap.post("/prices/reprice", { customer: "ann", limit: 2 });
    assert.deepEqual([one.body.repriced, one.body.charge_difference], [2, -0.06]);
    const two = await cheap.post("/prices/reprice", {
      customer: "ann",
      limit: 2,
      after: one.body.next,
    });
    assert.deepEqual([two.body.repriced, two.body.next], [1, null]);
    assert.deepEqual(
      [(await cheap.info("ann")).spend, (await cheap.info("bob")).spend],
      [0.09, 0.12],
    );
    await cheap.stop();
    await assertNoDrift(place.database);
  });

  test("two who reprice at once correct every call once", async () => {
    const place = { database: await database(), upstream: upstream.origin };
    const before = await startTestPurser(place);
    await Promise.all(Array.from({ length: 20 }, () => before.chat("ann")));
    await before.stop();
    const deployment = (await callsOf(place.database))[0]?.posting.facts.deployment;
    const double = { input_cost_per_token: 0.002, output_cost_per_token: 0.004, id: deployment };
    const purser = await startTestPurser({
      ...place,
      models: [pricedModel("m", upstream.origin, double)],
    });
    await Promise.all([1, 2, 3].map(() => purser.post("/prices/reprice", {})));
    assert.equal((await purser.info("ann")).spend, 2.4);
    await purser.stop();
    await assertNoDrift(place.database);
  });

  test("a budget counts the charge: cost and markup fill it to the last nano-dollar", async () => {
    await during({ litellm: MARGINS }, async (purser) => {
      await purser.post("/customer/new", { user_id: "ann", max_budget: 0.17 });
      const first = await purser.chat("ann");
      // 0.06, a quarter more, and a cent.
      assert.equal(first.headers.get("x-litellm-response-cost"), "0.085");
      assert.equal(first.headers.get("x-purser-budget-remaining"), "0.085");
      assert.equal((await purser.chat("ann")).status, 200);
      assert.equal((await purser.info("ann")).spend, 0.17);
      upstream.received.length = 0;
      assert.equal((await purser.chat("ann")).status, 429);
      assert.equal(upstream.received.length, 0);
    });
  });

  test("a customer's margin holds before its budget's, that before the provider's, and a change for later calls", async () => {
    await during({ litellm: MARGINS }, async (purser) => {
      const charge = async (customer: string) =>
        (await purser.chat(customer)).headers.get("x-litellm-response-cost");
      await purser.post("/budget/new", { budget_id: "plan-a", max_budget: 100, cost_margin: 0.3 });
      await purser.post("/customer/new", { user_id: "ann", budget_id: "plan-a" });
      await purser.post("/customer/new", { user_id: "bob", budget_id: "plan-a", cost_margin: 0 });
      assert.deepEqual(
        [await charge("ann"), await charge("bob"), await charge("eve")],
        ["0.078", "0.06", "0.085"],
      );
      const shown = await purser.get("/customer/info?end_user_id=bob");
      assert.deepEqual(shown.body.cost_margin, { percentage: 0, fixed_amount: 0 });
      await purser.post("/budget/update", { budget_id: "plan-a", cost_margin: { percentage: 1 } });
      await purser.post("/customer/update", { user_id: "bob", cost_margin: null });
      assert.deepEqual([await charge("ann"), await charge("bob")], ["0.12", "0.12"]);
      assert.equal((await purser.info("ann")).spend, 0.198);
    });
  });

  test("an explicit zero costs nothing, markup and all", async () => {
    await during({ litellm: MARGINS }, async (purser) => {
      upstream.answer = whole({ prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 });
      assert.equal((await purser.chat("ann")).headers.get("x-litellm-response-cost"), "0");
    });
  });

  test("what the provider states is charged where the list would be, and never where the operator has a price", async () => {
    const params = { model: "openrouter/openai/gpt-4o", api_base: upstream.origin, api_key: "x" };
    const models = [
      { model_name: "m", litellm_params: params },
      {
        model_name: "own",
        litellm_params: { ...params, input_cost_per_token: 0.001, output_cost_per_token: 0 },
      },
    ];
    upstream.answer = whole({
      prompt_tokens: 20,
      completion_tokens: 2,
      total_tokens: 22,
      cost: 0.5,
    });
    await during({ models }, async (purser) => {
      const cost = async (model: string) =>
        (await purser.chat("ann", { model })).headers.get("x-litellm-response-cost");
      assert.deepEqual([await cost("m"), await cost("own")], ["0.5", "0.02"]);
      const metrics = (await purser.get("/metrics")).text;
      assert.match(
        metrics,
        /purser_stated_cost_dollars_total\{provider="openrouter",by="provider"\} 1\n/,
      );
    });
  });
});
