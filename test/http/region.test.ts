/** Customers who are kept to a region are answered from there or not at all, over real sockets. */

import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { keyOf, putAccounts } from "../support/accounts.ts";
import { onEachDatabase } from "../support/databases.ts";
import { customer } from "../support/ledger.ts";
import { startTestPurser, type Reply, type TestPurser } from "../support/purser.ts";
import { startUpstream, streamed, whole, type Upstream } from "../support/upstream.ts";

interface Where {
  readonly region?: string;
  readonly price: number;
  readonly weight?: number;
}

const EUROPE: Where = { region: "eu", price: 0.001 };
const AMERICA: Where = { region: "us", price: 0.001 };

const HI = [{ role: "user", content: "hi" }];

const CUSTOMERS = [
  customer("free"),
  customer("european", { allowedRegion: "eu" }),
  customer("american", { allowedRegion: "us" }),
  customer("careful", { allowedRegion: "eu", defaultModel: "fallback" }),
  customer("narrow", { allowedRegion: "eu", defaultModel: "fallback", models: ["nowhere"] }),
  customer("lost", { allowedRegion: "us", defaultModel: "fallback" }),
  customer("away", { allowedRegion: "eu", defaultModel: "stand-in" }),
  customer("astray", { allowedRegion: "us", defaultModel: "gone" }),
];

onEachDatabase((database) => {
  /** Deployments whose provider is down. */
  const down = new Set<unknown>();
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
      ...["eu-down", "eu-well"].map((id) => deployment("spread", id, EUROPE)),
      deployment("spread", "us-spread", AMERICA),
      deployment("scattered", "us-near", { ...AMERICA, weight: 1e9 }),
      deployment("scattered", "eu-near", { ...EUROPE, weight: 1e3 }),
      deployment("scattered", "eu-far", { ...EUROPE, weight: 1 }),
      deployment("scattered", "us-far", { ...AMERICA, weight: 0 }),
      deployment("solo", "us-solo", AMERICA),
      deployment("abroad", "eu-abroad", EUROPE),
      deployment("home", "us-home", AMERICA),
      deployment("stand-in", "eu-stand-in-1", { ...EUROPE, weight: 1e9 }),
      deployment("stand-in", "eu-stand-in-2", { ...EUROPE, weight: 0 }),
      deployment("stand-in", "us-stand-in", AMERICA),
    ];
    const fallbacks = [{ solo: ["abroad", "home"] }];
    const router = { fallbacks, retry_after: 0, allowed_fails: 0 };
    purser = await startTestPurser({ database: url, upstream: upstream.origin, models, router });
  });
  beforeEach(() => {
    upstream.answer = (received, response) =>
      whole(undefined, down.has(received.body["model"]) ? 503 : 200)(received, response);
    upstream.received.length = 0;
    down.clear();
  });
  after(async () => {
    await purser.stop();
    await upstream.close();
  });

  function deployment(model_name: string, id: string, { region, price, weight }: Where): unknown {
    const api_base = `${upstream.origin}/v1`;
    // Nearly always the first to be asked, where nothing speaks against it.
    const first = id === "us-1" ? { weight: 1_000_000_000 } : { weight };
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

  const asked = () => upstream.received.map(({ body }) => body["model"]);

  test("who is moved into its region is answered from there while one of its deployments is well", async () => {
    down.add("eu-down");
    // Whichever is drawn first: the one that is down is asked at most once before it cools down.
    for (let calls = 0; calls < 6; calls += 1) {
      const { status, headers } = await call("european", "spread");
      assert.deepEqual([status, headers.get("x-litellm-model-id")], [200, "eu-well"]);
    }
    assert.ok(asked().filter((model) => model === "eu-down").length <= 1);
    assert.ok(!asked().includes("us-spread"));
  });

  test("deployments out of the region are passed over when a call is tried again", async () => {
    down.add("us-near");
    const { status, headers } = await call("american", "scattered");
    assert.deepEqual([status, headers.get("x-litellm-model-id")], [200, "us-far"]);
    assert.deepEqual(asked(), ["us-near", "us-far"]);
    assert.equal(headers.get("x-litellm-attempted-retries"), "1");
  });

  test("so are models that would stand in, and where there is no other the failure stands", async () => {
    down.add("us-solo");
    const { status, headers } = await call("american", "solo");
    assert.deepEqual([status, headers.get("x-litellm-model-id")], [200, "us-home"]);
    down.add("us-home");
    assert.equal((await call("american", "solo")).status, 502);
    assert.ok(!asked().includes("eu-abroad"));
  });

  test("who is moved to its default model is tried again on that model's deployments", async () => {
    down.add("eu-stand-in-1");
    const { status, headers } = await call("away", "nowhere");
    assert.deepEqual([status, headers.get("x-litellm-model-id")], [200, "eu-stand-in-2"]);
    assert.deepEqual(asked(), ["eu-stand-in-1", "eu-stand-in-2"]);
  });

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
