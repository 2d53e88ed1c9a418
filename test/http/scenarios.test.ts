/** What a user does first, word for word, over a real socket and on both databases. */

import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { onEachDatabase } from "../support/databases.ts";
import { MASTER_KEY, pricedModel, startTestPurser, type TestPurser } from "../support/purser.ts";
import { startReceiver, type Receiver } from "../support/receiver.ts";
import { startUpstream, streamed, whole, type Upstream } from "../support/upstream.ts";

const KEY_HASH = "88dc28d0f030c55ed4ab77ed8faf098196cb1c05df778539800c9f1243fe6b4b";
const HI = [{ role: "user", content: "hi" }];

onEachDatabase((database) => {
  let upstream: Upstream;
  let receiver: Receiver;
  let purser: TestPurser;

  before(async () => {
    upstream = await startUpstream();
    receiver = await startReceiver();
    const azure = {
      model_name: "azure-gpt-3.5",
      litellm_params: {
        model: "azure/chatgpt-v-2",
        api_base: `${upstream.origin}/`,
        api_key: "azure-secret",
        api_version: "2024-06-01",
      },
      model_info: { input_cost_per_token: 0.0000005, output_cost_per_token: 0.0000015 },
    };
    const mistral = {
      model_name: "mistral",
      litellm_params: { model: "mistral/mistral-large", api_base: upstream.origin, api_key: "x" },
      model_info: { input_cost_per_token: 0.000002, output_cost_per_token: 0.000006 },
    };
    purser = await startTestPurser({
      database: await database(),
      upstream: upstream.origin,
      models: [azure, mistral, pricedModel("m", upstream.origin)],
      general: { alerting: ["webhook"] },
      env: { WEBHOOK_URL: receiver.url },
    });
  });
  beforeEach(() => {
    upstream.answer = whole();
    upstream.received.length = 0;
  });
  after(async () => {
    await purser.stop();
    await upstream.close();
    await receiver.close();
  });

  test("a call names its customer, is answered by the Azure deployment, and its spend adds up", async () => {
    const usage = { prompt_tokens: 1000, completion_tokens: 300, total_tokens: 1300 };
    upstream.answer = whole(usage);
    const body = { model: "azure-gpt-3.5", user: "ishaan3", messages: HI };
    const first = await purser.post("/chat/completions", body);
    assert.equal(first.status, 200);
    assert.equal(first.headers.get("x-litellm-response-cost"), "0.00095");
    const [sent] = upstream.received;
    assert.equal(
      sent?.path,
      "/openai/deployments/chatgpt-v-2/chat/completions?api-version=2024-06-01",
    );
    assert.equal(sent.headers["api-key"], "azure-secret");
    assert.equal(sent.body["user"], "ishaan3");
    assert.equal((await purser.info("ishaan3")).spend, 0.00095);
    await purser.post("/v1/chat/completions", body);
    assert.equal((await purser.info("ishaan3")).spend, 0.0019);
  });

  test("customer info answers exactly the documented keys, in order, at once", async () => {
    await purser.chat("exact");
    const { text } = await purser.get("/customer/info?end_user_id=exact");
    assert.equal(
      text,
      '{"user_id":"exact","blocked":false,"alias":null,"spend":0.06,"allowed_model_region":null,' +
        '"default_model":null,"litellm_budget_table":null}',
    );
  });

  for (const [index, path] of [
    "/chat/completions",
    "/v1/chat/completions",
    "/openai/deployments/m/chat/completions",
    "/engines/m/chat/completions",
  ].entries()) {
    test(`${path} is metered, streamed and not`, async () => {
      const customer = `route${String(index)}`;
      const call = { model: "m", user: customer, messages: HI };
      assert.equal((await purser.post(path, call)).status, 200);
      upstream.answer = streamed(["Hel", "lo"]);
      const stream = await purser.post(path, { ...call, stream: true });
      assert.equal(stream.headers.get("content-type"), "text/event-stream");
      assert.match(stream.text, /"content":"lo"[^]*: cost=0\.06\n\ndata: \[DONE\]\n\n$/);
      assert.doesNotMatch(stream.text, /prompt_tokens/);
      const options = upstream.received.at(-1)?.body["stream_options"];
      assert.deepEqual(options, { include_usage: true });
      assert.equal((await purser.info(customer)).spend, 0.12);
    });
  }

  test("a client that asks for the usage chunk gets the stream byte for byte, but for the cost", async () => {
    upstream.answer = streamed(["Hel", "lo"]);
    const options = { stream: true, stream_options: { include_usage: true } };
    const { text } = await purser.chat("bytes", options);
    const direct = await fetch(`${upstream.origin}/v1/chat/completions`, {
      method: "POST",
      body: JSON.stringify({ model: "m", ...options }),
    });
    assert.equal(text.replace(',"cost":0.06', ""), await direct.text());
  });

  test("the webhook posts exactly the documented JSON", async () => {
    upstream.answer = whole({ prompt_tokens: 100, completion_tokens: 152, total_tokens: 252 });
    await purser.post("/chat/completions", { model: "mistral", user: "krrish12", messages: HI });
    const delivery = await receiver.next((body) => body["customer_id"] === "krrish12");
    assert.equal(
      delivery.text,
      `{"spend":0.001112,"max_budget":null,"soft_budget":null,"token":"${KEY_HASH}",` +
        '"customer_id":"krrish12","user_id":null,"team_id":null,"team_alias":null,' +
        '"user_email":null,"key_alias":null,' +
        '"projected_exceeded_date":null,"projected_spend":null,"event":"spend_tracked",' +
        '"event_group":"customer",' +
        '"event_message":"Customer spend tracked. Customer=krrish12, spend=0.001112"}',
    );
    assert.match(String(delivery.headers["webhook-id"]), /^evt_/);
  });

  test("a call without a customer is served and announced to nobody", async () => {
    const { status } = await purser.post("/chat/completions", { model: "m", messages: HI });
    assert.equal(status, 200);
    await purser.chat("somebody");
    await receiver.next((body) => body["customer_id"] === "somebody");
    assert.ok(receiver.bodies.every((body) => body["customer_id"] !== null));
  });

  test("a call whose worst case does not fit is clamped and served, and what it billed is posted in full", async () => {
    await purser.post("/customer/new", { user_id: "a", max_budget: 0.05 });
    const first = await purser.chat("a");
    assert.equal(first.status, 200);
    assert.equal(first.headers.get("x-purser-max-tokens"), "16");
    assert.equal(first.headers.get("x-purser-budget-remaining"), "-0.01");
    assert.equal(upstream.received[0]?.body["max_tokens"], 16);
    assert.equal((await purser.info("a")).spend, 0.06);

    const second = await purser.chat("a");
    assert.equal(second.status, 429);
    assert.equal(
      second.text,
      '{"error":{"message":"ExceededBudget: End User=a over budget. Spend=0.06, Budget=0.05",' +
        '"type":"budget_exceeded","param":null,"code":"429"}}',
    );
    assert.equal(second.headers.get("x-should-retry"), "false");
    assert.match(String(second.headers.get("retry-after")), /^\d+$/);
    assert.equal(upstream.received.length, 1, "the provider sees nothing of a refused call");
    assert.equal((await purser.chat("b")).status, 200, "another customer is not affected");
  });

  test("at exactly the budget, and with a budget of 0, priced calls are refused", async () => {
    await purser.post("/customer/new", { user_id: "exactly", max_budget: 0.06 });
    assert.equal((await purser.chat("exactly")).status, 200);
    assert.equal((await purser.chat("exactly")).status, 429);
    await purser.post("/customer/new", { user_id: "zero", max_budget: 0 });
    assert.equal((await purser.chat("zero")).status, 429);
    assert.equal(upstream.received.length, 1);
  });

  test("a budget's window begins anew by itself", async () => {
    const body = { user_id: "daily", max_budget: 10, budget_duration: "1d" };
    const made = await purser.post("/end_user/new", body);
    assert.match(made.body.litellm_budget_table.budget_reset_at, /T00:00:00Z$/);
    const { headers } = await purser.chat("daily");
    assert.equal(headers.get("x-purser-budget-remaining"), "9.94");
    assert.equal(
      headers.get("x-purser-budget-reset"),
      made.body.litellm_budget_table.budget_reset_at,
    );
  });

  test("a customer that exists, by hand or by traffic, cannot be made again", async () => {
    await purser.chat("made-by-traffic");
    const { status, body } = await purser.post("/customer/new", { user_id: "made-by-traffic" });
    assert.equal(status, 400);
    assert.deepEqual(body.error, {
      message:
        "Customer already exists, passed user_id=made-by-traffic. Please pass a new user_id.",
      type: "bad_request",
      param: "user_id",
      code: "400",
    });
  });

  test("an unknown customer is a 404 in LiteLLM's words", async () => {
    const { status, body } = await purser.get("/end_user/info?end_user_id=missing");
    assert.equal(status, 404);
    assert.deepEqual(body.error, {
      message: "End User Id=missing does not exist in db",
      type: "not_found",
      param: "end_user_id",
      code: "404",
    });
  });

  test("a call's id is on its answer, and on a refusal, under both names", async () => {
    const fine = await purser.chat("ids");
    const no = await purser.post("/chat/completions", { model: "nope", messages: HI });
    for (const { headers } of [fine, no]) {
      assert.match(String(headers.get("x-request-id")), /^[0-9a-f-]{36}$/);
      assert.equal(headers.get("x-litellm-call-id"), headers.get("x-request-id"));
    }
    assert.ok(fine.headers.get("x-litellm-model-id"));
  });

  test("the models that can be asked for are listed", async () => {
    const { body } = await purser.get("/v1/models");
    const ids = body.data.map((model: { id: string }) => model.id);
    assert.deepEqual(ids, ["azure-gpt-3.5", "mistral", "m"]);
  });

  test("health needs no key, and metrics name no customer", async () => {
    for (const path of ["/health/liveliness", "/health/readiness", "/metrics"]) {
      const response = await fetch(purser.base + path);
      assert.equal(response.status, 200, path);
      assert.doesNotMatch(await response.text(), /ishaan3|krrish12|sk-/);
    }
  });

  test("the key of the requests is nowhere but in the requests", () => {
    assert.ok(
      !JSON.stringify(upstream.received.map(({ headers }) => headers)).includes(MASTER_KEY),
    );
  });
});
