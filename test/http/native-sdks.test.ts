/** Clients that speak to their own provider through Purser: official SDKs, otherwise unchanged. */

import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import Anthropic, { APIError as AnthropicError } from "@anthropic-ai/sdk";
import OpenAI from "openai";
import { sqliteFile } from "../support/databases.ts";
import { EXAMPLES, MESSAGE_START, RESPONSE, sse } from "../support/dialects.ts";
import { postingsOf } from "../support/postings.ts";
import { MASTER_KEY, pricedModel, startTestPurser, type TestPurser } from "../support/purser.ts";
import { until } from "../support/until.ts";
import { json, startStream, startUpstream, type Upstream } from "../support/upstream.ts";

let upstream: Upstream;
let purser: TestPurser;
let openai: OpenAI;
let anthropic: Anthropic;
const database = sqliteFile();
const call = {
  model: "claude",
  max_tokens: 20,
  messages: [{ role: "user" as const, content: "hi" }],
};

before(async () => {
  upstream = await startUpstream();
  purser = await startTestPurser({
    database,
    upstream: upstream.origin,
    models: [
      pricedModel("m", upstream.origin),
      {
        model_name: "claude",
        litellm_params: {
          model: "anthropic/claude-sonnet-4-5",
          api_base: upstream.origin,
          api_key: "sk-anthropic",
        },
        model_info: { input_cost_per_token: 0.001, output_cost_per_token: 0.002 },
      },
    ],
  });
  openai = new OpenAI({ apiKey: MASTER_KEY, baseURL: `${purser.base}/v1`, maxRetries: 0 });
  anthropic = new Anthropic({ apiKey: MASTER_KEY, baseURL: purser.base, maxRetries: 0 });
});
beforeEach(() => {
  upstream.received.length = 0;
});
after(async () => {
  await purser.stop();
  await upstream.close();
});

/** Anthropic's body has no room for a customer but its metadata; the header works everywhere. */
function customer(name: string) {
  return { headers: { "x-litellm-customer-id": name } };
}

test("Anthropic's SDK gets a message, and its provider the deployment's key and model", async () => {
  upstream.answer = EXAMPLES["messages"]?.answer ?? upstream.answer;
  const beta = { "anthropic-beta": "context-1m-2025-08-07" };
  const options = { headers: { ...customer("a1").headers, ...beta } };
  const message = await anthropic.messages.create(call, options);
  assert.deepEqual(message.content, [{ type: "text", text: "Hello." }]);
  const [received] = upstream.received;
  assert.equal(received?.path, "/v1/messages");
  assert.equal(received.headers["x-api-key"], "sk-anthropic");
  assert.equal(received.headers["anthropic-beta"], beta["anthropic-beta"]);
  assert.equal(received.body["model"], "claude-sonnet-4-5");
  assert.equal((await purser.info("a1")).spend, 0.06);
});

test("Anthropic's SDK reads a stream to its end, and the comment with the cost is no trouble", async () => {
  upstream.answer = EXAMPLES["messages, streamed"]?.answer ?? upstream.answer;
  const stream = anthropic.messages.stream(call, customer("a2"));
  const message = await stream.finalMessage();
  assert.deepEqual(message.content, [{ type: "text", text: "Hello." }]);
  assert.equal(message.usage.output_tokens, 20);
  assert.equal((await purser.info("a2")).spend, 0.06);
});

test("Anthropic's SDK raises a spent budget as an error with our words", async () => {
  await purser.post("/customer/new", { user_id: "a3", max_budget: 0 });
  const refused = anthropic.messages.create(call, customer("a3"));
  await assert.rejects(refused, (error) => {
    assert.ok(error instanceof AnthropicError);
    assert.equal(error.status, 429);
    assert.match(error.message, /ExceededBudget: End User=a3/);
    return true;
  });
});

test("Anthropic's SDK raises a stream that breaks off", async () => {
  upstream.answer = async (_received, response) => {
    startStream(response);
    const start = sse(MESSAGE_START);
    await new Promise<void>((resolve) => response.write(start, () => resolve()));
    response.destroy();
  };
  await assert.rejects(async () => {
    for await (const _event of anthropic.messages.stream(call, customer("a4")));
  }, /broke off/);
  await until(async () => (await postingsOf(database, "a4")).length === 1);
  const [posting] = await postingsOf(database, "a4");
  assert.deepEqual([posting?.kind, posting?.charge], ["released", 0], "it had produced nothing");
});

test("counting tokens is free", async () => {
  upstream.answer = (_received, response) => json(response, 200, { input_tokens: 12 });
  await purser.post("/customer/new", { user_id: "a5", max_budget: 0 });
  const { model, messages } = call;
  const counted = await anthropic.messages.countTokens({ model, messages }, customer("a5"));
  assert.equal(counted.input_tokens, 12);
  assert.deepEqual(await postingsOf(database, "a5"), []);
});

test("OpenAI's SDK gets a response, streamed or not, and reading it again charges nothing", async () => {
  upstream.answer = EXAMPLES["response"]?.answer ?? upstream.answer;
  const asked = { model: "m", input: "hi", max_output_tokens: 20 };
  const response = await openai.responses.create(asked, customer("o1"));
  assert.equal(response.output_text, "Hello.");
  upstream.answer = EXAMPLES["response, streamed"]?.answer ?? upstream.answer;
  const stream = await openai.responses.create({ ...asked, stream: true }, customer("o1"));
  const types: string[] = [];
  for await (const event of stream) types.push(event.type);
  assert.deepEqual(types, ["response.created", "response.output_text.delta", "response.completed"]);
  assert.equal((await purser.info("o1")).spend, 0.12);
  upstream.answer = (_received, answer) => json(answer, 200, RESPONSE);
  for (let reads = 0; reads < 5; reads += 1) {
    const read = await openai.responses.retrieve(response.id, {}, customer("o1"));
    assert.equal(read.output_text, "Hello.");
  }
  assert.equal((await postingsOf(database, "o1")).length, 2);
  const paths = upstream.received.slice(2).map(({ method, path }) => `${method} ${path}`);
  assert.equal(paths[0], "GET /v1/responses/resp_1");
});
