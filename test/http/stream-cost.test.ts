/** A stream ends with what it cost and what is left, in the usage that it tells anyway; SDKs read it unchanged. */

import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import Anthropic from "@anthropic-ai/sdk";
import { createOpenAI } from "@ai-sdk/openai";
import { streamText } from "ai";
import OpenAI from "openai";
import { onEachDatabase } from "../support/databases.ts";
import {
  EXAMPLES,
  events,
  MESSAGE_EVENTS,
  RESPONSE,
  RESPONSE_EVENTS,
  sse,
  pathsOf,
} from "../support/dialects.ts";
import { postingsOf } from "../support/postings.ts";
import { MASTER_KEY, pricedModel, startTestPurser, type TestPurser } from "../support/purser.ts";
import {
  delta,
  json,
  type Script,
  startStream,
  startUpstream,
  streamed,
  type Upstream,
  USAGE,
} from "../support/upstream.ts";
import { ANTHROPIC } from "../support/voices.ts";

const HI = [{ role: "user" as const, content: "hi" }];
const WITH_USAGE = { stream: true, stream_options: { include_usage: true } } as const;

/** What Purser adds to a provider's usage. */
interface Told {
  readonly cost?: number | null;
  readonly budget_remaining?: number;
}

onEachDatabase((database) => {
  let upstream: Upstream;
  let purser: TestPurser;
  let silent: TestPurser;
  let address: string;
  let openai: OpenAI;

  before(async () => {
    upstream = await startUpstream();
    address = await database();
    const { origin } = upstream;
    const at = (name: string, model: string) => ({
      model_name: name,
      litellm_params: { model, api_base: origin, api_key: "k" },
      model_info: { input_cost_per_token: 0.001, output_cost_per_token: 0.002 },
    });
    const models = [
      pricedModel("m", origin),
      at("claude", "anthropic/claude-sonnet-4-5"),
      at("gemini", "gemini/gemini-2.5-flash"),
      { ...at("router", "openrouter/openai/gpt-4o"), model_info: {} },
      { ...at("unpriced", "openai/nobody-knows"), model_info: {} },
    ];
    purser = await startTestPurser({
      database: address,
      upstream: origin,
      models,
      general: { hide_amounts: true },
    });
    silent = await startTestPurser({
      database: await database(),
      upstream: origin,
      models,
      litellm: { include_cost_in_streaming_usage: false },
    });
    openai = new OpenAI({ apiKey: MASTER_KEY, baseURL: `${purser.base}/v1`, maxRetries: 0 });
  });
  beforeEach(() => {
    upstream.received.length = 0;
  });
  after(async () => {
    await purser.stop();
    await silent.stop();
    await upstream.close();
  });

  async function withBudget(user: string): Promise<string> {
    await purser.post("/customer/new", { user_id: user, max_budget: 1 });
    return user;
  }

  /** What was told is what was posted, and what the customer's spend says. */
  async function assertPosted(customer: string, told: Told | null | undefined): Promise<void> {
    const [posting, ...others] = await postingsOf(address, customer);
    assert.equal(others.length, 0);
    assert.deepEqual([posting?.charge, posting?.source], [60_000_000, "provider"]);
    assert.equal((await purser.info(customer)).spend, 0.06);
    assert.deepEqual([told?.cost, told?.budget_remaining], [0.06, 0.94]);
  }

  test("OpenAI's SDK reads the cost and what is left in the usage of a chat", async () => {
    upstream.answer = streamed(["Hel", "lo."]);
    const user = await withBudget("chat");
    const stream = await openai.chat.completions.create({
      model: "m",
      messages: HI,
      user,
      ...WITH_USAGE,
    });
    const texts: string[] = [];
    const usages: unknown[] = [];
    for await (const chunk of stream) {
      texts.push(chunk.choices[0]?.delta.content ?? "");
      if (chunk.usage) usages.push(chunk.usage);
    }
    assert.equal(texts.join(""), "Hello.");
    assert.deepEqual(usages, [{ ...USAGE, cost: 0.06, budget_remaining: 0.94 }]);
    await assertPosted(user, usages[0]);
  });

  test("OpenAI's SDK reads them in the usage of a response, complete or not", async () => {
    for (const type of ["response.completed", "response.incomplete"]) {
      upstream.answer = events(...RESPONSE_EVENTS.slice(0, -1), { type, response: RESPONSE });
      const customer = await withBudget(type);
      const asked = { model: "m", input: "hi", max_output_tokens: 20, stream: true } as const;
      const headers = { "x-litellm-customer-id": customer };
      let last: unknown;
      for await (const event of await openai.responses.create(asked, { headers })) last = event;
      const { response } = last as { response: { usage: Told; output: unknown } };
      assert.deepEqual(response.output, RESPONSE.output);
      await assertPosted(customer, response.usage);
    }
  });

  test("Anthropic's SDK reads them in the usage of a message", async () => {
    upstream.answer = events(...MESSAGE_EVENTS);
    const anthropic = new Anthropic({ apiKey: MASTER_KEY, baseURL: purser.base, maxRetries: 0 });
    const customer = await withBudget("message");
    const stream = anthropic.messages.stream(
      { model: "claude", max_tokens: 20, messages: HI },
      { headers: { "x-litellm-customer-id": customer } },
    );
    let told: Told | undefined;
    stream.on("streamEvent", (event) => {
      if (event.type === "message_delta") told = event.usage as Told;
    });
    const message = await stream.finalMessage();
    assert.deepEqual(message.content, [{ type: "text", text: "Hello." }]);
    assert.equal(message.usage.output_tokens, 20);
    await assertPosted(customer, told);
  });

  test("the AI SDK reads a stream with them as it reads any", async () => {
    upstream.answer = streamed(["Hel", "lo."]);
    const headers = { "x-litellm-customer-id": await withBudget("framework") };
    const provider = createOpenAI({ apiKey: MASTER_KEY, baseURL: `${purser.base}/v1` });
    const { fullStream } = streamText({
      model: provider.chat("m"),
      prompt: "hi",
      headers,
      include: { rawChunks: true },
    });
    const raw: { usage?: Told | null }[] = [];
    const texts: string[] = [];
    for await (const part of fullStream) {
      if (part.type === "raw") raw.push(part.rawValue as { usage?: Told | null });
      if (part.type === "text-delta") texts.push(part.text);
      if (part.type === "finish") assert.equal(part.totalUsage.outputTokens, 20);
    }
    assert.equal(texts.join(""), "Hello.");
    await assertPosted("framework", raw.at(-1)?.usage);
  });

  test("a translated stream tells them like any other", async () => {
    upstream.answer = ANTHROPIC.streamed({ text: "Hello." });
    const user = await withBudget("translated");
    const { text } = await purser.chat(user, { model: "claude", ...WITH_USAGE });
    await assertPosted(user, lastUsage(text));
    assert.doesNotMatch(text, /^:/m, "and not in a comment besides");
  });

  test("usage in the last event with text tells them, also where nobody asked for usage", async () => {
    upstream.answer = inLastEvent({ ...USAGE });
    const user = await withBudget("last event");
    const { text } = await purser.chat(user, { stream: true });
    await assertPosted(user, lastUsage(text));
    assert.doesNotMatch(text, /^:/m);
  });

  test("all but the usage of the last event arrives byte for byte", async () => {
    const streams: readonly (readonly [path: string, model: string, Script])[] = [
      ["/v1/chat/completions", "m", streamed(["Hel", "lo."])],
      ["/v1/responses", "m", events(...RESPONSE_EVENTS)],
      ["/v1/messages", "claude", events(...MESSAGE_EVENTS)],
    ];
    for (const [path, model, script] of streams) {
      upstream.answer = script;
      const body = { model, messages: HI, input: "hi", max_tokens: 20, ...WITH_USAGE };
      const direct = await fetch(upstream.origin, { method: "POST", body: JSON.stringify(body) });
      const { text } = await purser.post(path, body);
      assert.match(text, /"cost":0\.06/);
      assert.equal(text.replace(',"cost":0.06', ""), await direct.text());
    }
  });

  test("what a provider says that a call cost makes way for what it is charged", async () => {
    const usage = { ...USAGE, cost: 0.5, cost_details: { upstream_inference_cost: null } };
    upstream.answer = inLastEvent(usage);
    await purser.post("/customer/new", { user_id: "router", cost_margin: 0.1 });
    const { text } = await purser.chat("router", { model: "router", ...WITH_USAGE });
    assert.deepEqual(lastUsage(text), { ...usage, cost: 0.55 });
    assert.equal(text.match(/"cost":/g)?.length, 1);
    const [posting] = await postingsOf(address, "router");
    assert.equal(posting?.charge, 550_000_000);
  });

  test("a model without a price has a cost that nobody knows, which is not 0", async () => {
    upstream.answer = streamed(["x"]);
    const { text } = await purser.chat("unpriced", { model: "unpriced", ...WITH_USAGE });
    assert.deepEqual(lastUsage(text), { ...USAGE, cost: null });
  });

  test("who is not to see amounts is told the cost, and not what is left", async () => {
    upstream.answer = streamed(["x"]);
    const { body: made } = await purser.post("/key/generate", {});
    const user = await withBudget("hidden");
    const body = { model: "m", user, max_tokens: 20, messages: HI, ...WITH_USAGE };
    const headers = { authorization: `Bearer ${String(made.key)}` };
    const { text } = await purser.post("/v1/chat/completions", body, headers);
    assert.deepEqual(lastUsage(text), { ...USAGE, cost: 0.06 });
  });

  test("who did not ask for usage is told the cost in a comment", async () => {
    upstream.answer = streamed(["x"]);
    const { text } = await purser.chat("did not ask", { stream: true });
    assert.match(text, /\n\n: cost=0\.06\n\ndata: \[DONE\]\n\n$/);
    assert.doesNotMatch(text, /"cost"|prompt_tokens/);
  });

  test("Gemini's events stay as they are, because its SDKs refuse unknown fields", async () => {
    const example = EXAMPLES["gemini, streamed"] ?? assert.fail();
    const { body, answer } = example;
    const [path = ""] = pathsOf(example);
    upstream.answer = answer;
    const direct = await fetch(upstream.origin, { method: "POST", body: JSON.stringify(body) });
    const { text } = await purser.post(path, body);
    assert.equal(text, `${await direct.text()}: cost=0.06\n\n`);
  });

  test("where the usage shall not tell it, every byte passes and a comment tells it", async () => {
    for (const script of [streamed(["x"]), inLastEvent(USAGE)]) {
      upstream.answer = script;
      const asked = { model: "m", messages: HI, max_tokens: 20, ...WITH_USAGE };
      const direct = await fetch(upstream.origin, { method: "POST", body: JSON.stringify(asked) });
      const { text } = await silent.post("/v1/chat/completions", asked);
      assert.equal(text.replace(": cost=0.06\n\n", ""), await direct.text());
      assert.match(text, /\n\n: cost=0\.06\n\ndata: \[DONE\]\n\n$/);
    }
  });

  test("a stream that breaks shows the event that waited to be its last, with the cost", async () => {
    upstream.answer = (_received, response) => {
      startStream(response);
      const choices = [{ index: 0, delta: { content: " there" } }];
      response.write(delta("Hello") + sse({ id: "1", choices, usage: USAGE }), () =>
        response.destroy(),
      );
    };
    const user = await withBudget("broken");
    const { text } = await purser.chat(user, WITH_USAGE);
    assert.match(text, /Hello.* there.*"cost":0\.06.*"error"/s);
    await assertPosted(user, lastUsage(text));
  });

  test("a provider that says in a good answer that it failed is not paid for it", async () => {
    upstream.answer = (_received, response) =>
      json(response, 200, { error: { message: "boom", code: 502 } });
    const user = await withBudget("failed");
    await purser.chat(user, WITH_USAGE);
    assert.equal((await purser.info(user)).spend, 0);
    upstream.answer = (_received, response) => {
      startStream(response);
      response.end("data: [DONE]\n\n");
    };
    await purser.chat(user, WITH_USAGE);
    assert.equal((await purser.info(user)).spend, 0);
  });

  test("a call that is repeated under its name is told the same, for one charge", async () => {
    upstream.answer = streamed(["x"]);
    const user = await withBudget("repeated");
    const body = { model: "m", user, max_tokens: 20, messages: HI, ...WITH_USAGE };
    const send = () => purser.post("/v1/chat/completions", body, { "idempotency-key": "once" });
    const { text } = await send();
    assert.equal((await send()).text, text);
    assert.equal(upstream.received.length, 1);
    await assertPosted(user, lastUsage(text));
  });
});

/** Providers that send their usage with the last of the text, asked for or not. */
function inLastEvent(usage: unknown): Script {
  return (_received, response) => {
    startStream(response);
    response.write(delta("Hello."));
    const choices = [{ index: 0, delta: {}, finish_reason: "stop" }];
    response.end(`${sse({ id: "1", choices, usage })}data: [DONE]\n\n`);
  };
}

function lastUsage(text: string): Told {
  const data = text.matchAll(/^data: (\{.*\})$/gm).map(([, json = ""]) => JSON.parse(json));
  const told = [...data].filter(({ usage }) => usage !== undefined && usage !== null);
  return (told.at(-1) ?? assert.fail(text)).usage as Told;
}
