/** Several deployments of one model: who is asked, what follows a failure, and who is charged for what. */

import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { onEachDatabase } from "../support/databases.ts";
import { postingsOf } from "../support/postings.ts";
import { startTestPurser, type TestPurser } from "../support/purser.ts";
import { startReceiver } from "../support/receiver.ts";
import { json, startUpstream, streamed, USAGE, whole, type Upstream } from "../support/upstream.ts";

const PRICED = { input_cost_per_token: 0.001, output_cost_per_token: 0.002 };
const FREE = { input_cost_per_token: 0, output_cost_per_token: 0 };
const DEAR = { input_cost_per_token: 0.01, output_cost_per_token: 0.02 };

interface Entry {
  readonly name: string;
  readonly id?: string;
  readonly price?: object;
  readonly params?: object;
}

function at(upstream: Upstream, { name, id = name, price = PRICED, params }: Entry): unknown {
  return {
    model_name: name,
    litellm_params: { model: "openai/x", api_base: upstream.origin, api_key: "k", ...params },
    model_info: { id, ...price },
  };
}

onEachDatabase((database) => {
  let good: Upstream;
  let bad: Upstream;
  let purser: TestPurser;
  let address: string;

  before(async () => {
    [good, bad] = await Promise.all([startUpstream(), startUpstream()]);
    address = await database();
    purser = await startTestPurser({
      database: address,
      upstream: good.origin,
      models: [
        at(bad, { name: "pool", id: "pool-bad", params: { weight: 1_000_000 } }),
        at(good, { name: "pool", id: "pool-good", params: { weight: 0 } }),
        at(bad, { name: "free-first", price: FREE }),
        at(good, { name: "paid" }),
        at(bad, { name: "alone" }),
        at(good, { name: "mixed", id: "mixed-dear", price: DEAR, params: { weight: 1_000_000 } }),
        at(good, { name: "mixed", id: "mixed-free", price: FREE, params: { weight: 0 } }),
        at(good, { name: "dear", id: "dear-first", price: DEAR, params: { weight: 1e9 } }),
        at(good, {
          name: "dear",
          id: "dear-foreign",
          params: { weight: 0, model: "anthropic/claude-sonnet-4-5" },
        }),
        at(good, { name: "shared", id: "shared-3", params: { weight: 3 } }),
        at(bad, { name: "shared", id: "shared-1", params: { weight: 1 } }),
        at(bad, { name: "short", params: { timeout: 0.2 } }),
      ],
      general: { webhook_networks: ["127.0.0.1"] },
      router: {
        fallbacks: [{ "free-first": ["paid"] }],
        context_window_fallbacks: [{ alone: ["paid"] }],
        retry_after: 0,
        disable_cooldowns: true,
      },
    });
  });
  beforeEach(() => {
    good.received.length = 0;
    bad.received.length = 0;
    good.answer = whole();
    bad.answer = whole(undefined, 503);
  });
  after(async () => {
    await purser.stop();
    await Promise.all([good.close(), bad.close()]);
  });

  test("another deployment answers for a failed one: one call, one posting, with its attempts", async () => {
    await purser.post("/customer/new", { user_id: "retried", max_budget: 1 });
    const reply = await purser.chat("retried", { model: "pool" });
    assert.equal(reply.status, 200);
    assert.equal(reply.headers.get("x-litellm-model-id"), "pool-good");
    assert.equal(reply.headers.get("x-litellm-attempted-retries"), "1");
    assert.equal(reply.headers.get("x-purser-budget-remaining"), "0.94", "nothing is left held");
    const [posting, ...others] = await postingsOf(address, "retried");
    assert.equal(others.length, 0);
    assert.equal(posting?.charge, 60_000_000);
    assert.equal(posting.facts.deployment, "pool-good");
    assert.deepEqual(posting.facts.attempts, [
      { model: "pool", deployment: "pool-bad", failure: "the provider answered 503" },
    ]);
  });

  test("a call that every deployment failed to answer costs nothing and is one posting", async () => {
    good.answer = whole(undefined, 500);
    const reply = await purser.chat("unlucky", { model: "pool" });
    assert.equal(reply.status, 502);
    const postings = await postingsOf(address, "unlucky");
    assert.deepEqual(
      postings.map(({ kind, charge }) => [kind, charge]),
      [["released", 0]],
    );
  });

  test("a stream is retried only before it has begun", async () => {
    good.answer = streamed(["Hello."]);
    const reply = await purser.chat("streaming", { model: "pool", stream: true });
    assert.match(reply.text, /Hello\./);
    bad.answer = async (_received, response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      await new Promise<void>((resolve) => response.write(": begun\n\n", () => resolve()));
      response.destroy();
    };
    good.received.length = 0;
    const begun = await purser.chat("streaming", { model: "pool", stream: true });
    assert.match(begun.text, /broke off/);
    assert.equal(good.received.length, 0);
  });

  test("a free model's paid stand-in is refused to who cannot pay, and charged to who can", async () => {
    await purser.post("/customer/new", { user_id: "poor", max_budget: 0.000001 });
    const refused = await purser.chat("poor", { model: "free-first" });
    assert.equal(refused.status, 429, refused.text);
    assert.equal(bad.received.length, 1);
    assert.equal(good.received.length, 0);
    const [released] = await postingsOf(address, "poor");
    assert.deepEqual([released?.kind, released?.charge], ["released", 0]);
    await purser.post("/customer/new", { user_id: "rich", max_budget: 1 });
    assert.equal((await purser.chat("rich", { model: "free-first" })).status, 200);
    const [posting] = await postingsOf(address, "rich");
    assert.deepEqual([posting?.facts.model, posting?.charge], ["paid", 60_000_000]);
  });

  test("who cannot pay for one member of a pool gets the one that is free", async () => {
    await purser.post("/customer/new", { user_id: "spent", max_budget: 0.000001 });
    const reply = await purser.chat("spent", { model: "mixed" });
    assert.deepEqual([reply.status, reply.headers.get("x-litellm-model-id")], [200, "mixed-free"]);
  });

  test("a refusal is counted once for a call that was refused, and not for one that was then served", async () => {
    const refused = async (): Promise<number> => {
      const { text } = await purser.get("/metrics");
      const [, count = "0"] = /reason="budget_exceeded"\} (\d+)/.exec(text) ?? [];
      return Number(count);
    };
    await purser.post("/customer/new", { user_id: "counted", max_budget: 0.000001 });
    const before = await refused();
    assert.equal((await purser.chat("counted", { model: "mixed" })).status, 200);
    assert.equal((await refused()) - before, 0);
    assert.equal((await purser.chat("counted", { model: "dear" })).status, 429);
    assert.equal((await refused()) - before, 1);
    assert.equal((await purser.chat("counted", { model: "free-first" })).status, 429);
    assert.equal((await refused()) - before, 2);
  });

  test("the refusal that a client gets is told, once, whatever turns the other deployments away", async (t) => {
    const receiver = await startReceiver();
    t.after(() => receiver.close());
    const customers = ["turned", "away", "last"];
    const wish = { url: receiver.url, types: ["call.refused"], customers };
    await purser.post("/webhooks/endpoints", wish);
    for (const user_id of customers) {
      await purser.post("/customer/new", { user_id, max_budget: 0.000001 });
    }
    // The cheaper one cannot say probabilities in its language, or costs too much as well.
    for (const [customer, more] of [
      ["turned", { logprobs: true }],
      ["away", {}],
      ["last", {}],
    ] as const) {
      const reply = await purser.chat(customer, { model: "dear", ...more });
      assert.deepEqual([reply.status, reply.body.error.type], [429, "budget_exceeded"]);
    }
    await receiver.next(({ data }) => customerIn(data) === "last");
    assert.deepEqual(
      receiver.bodies.map(({ data }) => customerIn(data)),
      customers,
    );
  });

  test("an input that is too long goes to the model that is named for that", async () => {
    const error = { message: "too long", code: "context_length_exceeded", type: "x", param: null };
    bad.answer = (_received, response) => json(response, 400, { error });
    const reply = await purser.chat("long", { model: "alone" });
    assert.deepEqual([reply.status, reply.headers.get("x-litellm-model-id")], [200, "paid"]);
  });

  test("a client's own mistake is not tried elsewhere", async () => {
    bad.answer = (_received, response) =>
      json(response, 400, { error: { message: "bad temperature" } });
    assert.equal((await purser.chat("mistaken", { model: "pool" })).status, 400);
    assert.equal(good.received.length, 0);
  });

  test("calls are shared out by weight", async () => {
    bad.answer = whole(USAGE);
    for (let calls = 0; calls < 80; calls += 1) await purser.chat("sharing", { model: "shared" });
    // Three in four: less than 40 or more than 75 of 80 is a chance of one in a million.
    assert.ok(
      good.received.length >= 40 && good.received.length <= 75,
      String(good.received.length),
    );
  });

  test("a deployment's own timeout is a clear error", async () => {
    bad.answer = () => undefined;
    const reply = await purser.chat("waiting", { model: "short" });
    assert.equal(reply.status, 504);
  });
});

function customerIn(data: unknown): unknown {
  return (data as { readonly customer?: unknown } | undefined)?.customer;
}
