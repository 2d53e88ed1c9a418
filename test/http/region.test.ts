/** Customers who are kept to a region are answered from there or not at all, over real sockets. */

import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { keyOf, putAccounts } from "../support/accounts.ts";
import { onEachDatabase } from "../support/databases.ts";
import { customer } from "../support/ledger.ts";
import { startTestPurser, type Reply, type TestPurser } from "../support/purser.ts";
import { startUpstream, streamed, whole, type Upstream } from "../support/upstream.ts";

const HI = [{ role: "user", content: "hi" }];

const CUSTOMERS = [
  customer("free"),
  customer("european", { allowedRegion: "eu" }),
  customer("american", { allowedRegion: "us" }),
  customer("careful", { allowedRegion: "eu", defaultModel: "fallback" }),
  customer("narrow", { allowedRegion: "eu", defaultModel: "fallback", models: ["nowhere"] }),
  customer("lost", { allowedRegion: "us", defaultModel: "fallback" }),
  customer("astray", { allowedRegion: "us", defaultModel: "gone" }),
];

onEachDatabase((database) => {
  let upstream: Upstream;
  let purser: TestPurser;

  before(async () => {
    upstream = await startUpstream();
    const url = await database();
    const keys = [keyOf("sk-narrow", { models: ["nowhere"] })];
    await putAccounts(url, { customers: CUSTOMERS, keys });
    const models = [
      deployment("everywhere", "us-1", { region: "us", price: 0.001 }),
      deployment("everywhere", "eu-1", { region: "EU", price: 0.002 }),
      deployment("nowhere", "none-1", { price: 0.001 }),
      deployment("fallback", "eu-2", { region: "eu", price: 0.003 }),
    ];
    purser = await startTestPurser({ database: url, upstream: upstream.origin, models });
  });
  beforeEach(() => {
    upstream.answer = whole();
    upstream.received.length = 0;
  });
  after(async () => {
    await purser.stop();
    await upstream.close();
  });

  function deployment(
    model_name: string,
    id: string,
    { region, price }: { readonly region?: string; readonly price: number },
  ): unknown {
    const api_base = `${upstream.origin}/v1`;
    // Nearly always the first to be asked, where nothing speaks against it.
    const first = id === "us-1" ? { weight: 1_000_000_000 } : {};
    const place = region === undefined ? {} : { region_name: region };
    return {
      model_name,
      litellm_params: { model: `openai/${id}`, api_base, api_key: "sk-up", ...place, ...first },
      model_info: { id, input_cost_per_token: price, output_cost_per_token: price },
    };
  }

  function call(user: string, model: string, more: object = {}, secret?: string): Promise<Reply> {
    const headers = secret === undefined ? {} : { authorization: `Bearer ${secret}` };
    const body = { model, user, max_tokens: 20, messages: HI, ...more };
    return purser.post("/v1/chat/completions", body, headers);
  }

  async function checked(user: string): Promise<unknown[]> {
    const counted = { model: "everywhere", input_tokens: 10, max_tokens: 20 };
    const { body } = await purser.post(`/customer/${user}/check`, counted);
    return [body.model_id, body.model_region, body.ceiling];
  }

  for (const [user, model, id, region, spend] of [
    ["free", "everywhere", "us-1", "us", 0.04],
    ["american", "everywhere", "us-1", "us", 0.04],
    ["european", "everywhere", "eu-1", "eu", 0.08],
    ["careful", "everywhere", "eu-1", "eu", 0.08],
    ["careful", "nowhere", "eu-2", "eu", 0.12],
    ["free", "nowhere", "none-1", null, 0.04],
  ] as const) {
    for (const stream of [false, true]) {
      const how = stream ? ", streamed" : "";
      test(`${user} asks for ${model} and gets ${id} at its price${how}`, async () => {
        if (stream) upstream.answer = streamed(["Hel", "lo"]);
        const earlier = (await purser.info(user)).spend;
        const { status, headers } = await call(user, model, { stream });
        assert.equal(status, 200);
        assert.equal(headers.get("x-litellm-model-id"), id);
        assert.equal(headers.get("x-litellm-model-region"), region);
        assert.deepEqual(
          upstream.received.map(({ body }) => body["model"]),
          [id],
        );
        const { spend: later } = await purser.info(user);
        assert.equal((later - earlier).toFixed(9), spend.toFixed(9));
      });
    }
  }

  for (const [user, model, type] of [
    ["european", "nowhere", "region_denied"],
    ["lost", "nowhere", "region_denied"],
    ["astray", "nowhere", "region_denied"],
    ["lost", "fallback", "region_denied"],
    ["narrow", "nowhere", "customer_model_access_denied"],
  ] as const) {
    test(`${user} asks for ${model} and is refused as ${type}`, async () => {
      const { status, body } = await call(user, model);
      assert.equal(status, 403);
      assert.equal(body.error.type, type);
      assert.equal(upstream.received.length, 0);
    });
  }

  test("a default model that the key may not use is no way out", async () => {
    const { status, body } = await call("careful", "nowhere", {}, "sk-narrow");
    assert.equal(status, 403);
    assert.equal(body.error.type, "key_model_access_denied");
    assert.equal(upstream.received.length, 0);
  });

  test("the deployment in the region is paid from the budget at its own price", async () => {
    assert.deepEqual(await checked("american"), ["us-1", "us", 0.03]);
    assert.deepEqual(await checked("european"), ["eu-1", "eu", 0.06]);
  });
});
