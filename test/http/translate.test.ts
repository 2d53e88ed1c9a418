/** Chat for providers that speak otherwise: OpenAI's SDK on one side, the provider's own shapes on the other. */

import assert from "node:assert/strict";
import { after, before, beforeEach, describe, test } from "node:test";
import OpenAI, { APIError } from "openai";
import { sqliteFile } from "../support/databases.ts";
import { MESSAGE, MESSAGE_START, sse } from "../support/dialects.ts";
import { FOREIGN, foreignModels } from "../support/foreign.ts";
import { postingsOf } from "../support/postings.ts";
import { MASTER_KEY, startTestPurser, type TestPurser } from "../support/purser.ts";
import { until } from "../support/until.ts";
import { json, startStream, startUpstream, type Upstream } from "../support/upstream.ts";

let upstream: Upstream;
let purser: TestPurser;
let openai: OpenAI;
const database = sqliteFile();
const messages = [{ role: "user" as const, content: "hi" }];

before(async () => {
  upstream = await startUpstream();
  purser = await startTestPurser({
    database,
    upstream: upstream.origin,
    models: foreignModels(upstream.origin),
  });
  openai = new OpenAI({ apiKey: MASTER_KEY, baseURL: `${purser.base}/v1`, maxRetries: 0 });
});
beforeEach(() => {
  upstream.received.length = 0;
});
after(async () => {
  await purser.stop();
  await upstream.close();
});

for (const [model, foreign] of Object.entries(FOREIGN)) {
  describe(model, () => {
    test("an answer in one piece is a chat completion, charged by the provider's own count", async () => {
      upstream.answer = foreign.voice.whole({ text: "Hello." });
      const user = `${model}, whole`;
      const answer = await openai.chat.completions.create({ model, messages, user });
      assert.equal(answer.choices[0]?.message.content, "Hello.");
      assert.equal(answer.choices[0]?.finish_reason, "stop");
      assert.equal(answer.usage?.completion_tokens, 20);
      const [posting] = await postingsOf(database, user);
      assert.deepEqual([posting?.source, posting?.charge], ["provider", 60_000_000]);
    });

    test("a stream is chat completion chunks, with usage where it was asked for", async () => {
      upstream.answer = foreign.voice.streamed({ text: "Hello." });
      const user = `${model}, streamed`;
      const options = { stream: true, stream_options: { include_usage: true } } as const;
      const stream = await openai.chat.completions.create({ model, messages, user, ...options });
      const texts: string[] = [];
      const finishes: string[] = [];
      const usages: number[] = [];
      for await (const { choices, usage } of stream) {
        texts.push(choices[0]?.delta.content ?? "");
        if (choices[0]?.finish_reason) finishes.push(choices[0].finish_reason);
        if (usage) usages.push(usage.completion_tokens);
      }
      assert.deepEqual([texts.join(""), finishes, usages], ["Hello.", ["stop"], [20]]);
      const [posting] = await postingsOf(database, user);
      assert.deepEqual([posting?.source, posting?.charge], ["provider", 60_000_000]);
    });

    test("the bound that the budget pays for is what the provider is sent", async () => {
      upstream.answer = foreign.voice.whole({ text: "Hello." });
      const user = `${model}, bound`;
      await purser.post("/customer/new", { user_id: user, max_budget: 0.5 });
      const asked = { model, messages, user, max_tokens: 100_000 };
      const { response } = await openai.chat.completions.create(asked).withResponse();
      const clamped = Number(response.headers.get("x-purser-max-tokens"));
      assert.ok(clamped > 16 && clamped <= 250, String(clamped));
      const [received] = upstream.received;
      assert.ok(received);
      assert.equal(foreign.boundIn(received), clamped);
    });

    test("a provider that refuses the customer's budget sees nothing", async () => {
      const user = `${model}, over`;
      await purser.post("/customer/new", { user_id: user, max_budget: 0.000001 });
      const refused = openai.chat.completions.create({ model, messages, user });
      await assert.rejects(refused, /ExceededBudget/);
      assert.equal(upstream.received.length, 0);
    });
  });
}

test("thinking does not come on top of the bound that the budget pays for", async () => {
  upstream.answer = FOREIGN.anthropic.voice.whole({ text: "Hello." });
  await purser.post("/customer/new", { user_id: "thinker", max_budget: 100 });
  const asked = { model: "anthropic", messages, user: "thinker", max_tokens: 4000 };
  await openai.chat.completions.create({ ...asked, reasoning_effort: "medium" });
  const body = upstream.received[0]?.body;
  assert.equal(body?.["max_tokens"], 4000);
  assert.deepEqual(body["thinking"], { type: "enabled", budget_tokens: 2000 });
});

test("what has no translation is refused by name, and the provider sees nothing", async () => {
  const asked = { model: "anthropic", messages, user: "untranslated" };
  await assert.rejects(openai.chat.completions.create({ ...asked, n: 2 }), /n must be 1/);
  await assert.rejects(
    openai.chat.completions.create({ ...asked, logprobs: true }),
    /logprobs cannot be translated/,
  );
  assert.equal(upstream.received.length, 0);
  assert.deepEqual(await postingsOf(database, "untranslated"), []);
});

test("a model whose provider does not speak a route is refused there", async () => {
  const { status, body } = await purser.post("/v1/embeddings", { model: "anthropic", input: "hi" });
  assert.equal(status, 400);
  assert.match(body.error.message, /"anthropic" is not served on \/v1\/embeddings/);
});

test("a stream that breaks off is charged for what it produced, and its input by the provider's count", async () => {
  upstream.answer = async (_received, response) => {
    startStream(response);
    response.write(sse(MESSAGE_START));
    const text = "a word or two of an answer";
    const delta = { type: "text_delta", text };
    const block = {
      type: "content_block_start",
      index: 0,
      content_block: { type: "text", text: "" },
    };
    response.write(sse(block));
    const last = sse({ type: "content_block_delta", index: 0, delta });
    await new Promise<void>((resolve) => response.write(last, () => resolve()));
    response.destroy();
  };
  const stream = { model: "anthropic", messages, user: "broken", stream: true } as const;
  await assert.rejects(async () => {
    for await (const _chunk of await openai.chat.completions.create(stream));
  }, APIError);
  const [posting] = await postingsOf(database, "broken");
  assert.equal(posting?.source, "estimated");
  // Twenty in by the provider's count, nine out for 26 bytes.
  assert.equal(posting.charge, 38_000_000);
});

test("a client that leaves takes the provider along, and its hold is closed", async () => {
  upstream.answer = (_received, response) => {
    startStream(response);
    response.write(sse(MESSAGE_START));
    response.write(
      sse({ type: "content_block_start", index: 0, content_block: { type: "text", text: "" } }),
    );
    const delta = { type: "text_delta", text: "Hello" };
    response.write(sse({ type: "content_block_delta", index: 0, delta }));
  };
  const stream = { model: "anthropic", messages, user: "leaving", stream: true } as const;
  for await (const _chunk of await openai.chat.completions.create(stream)) break;
  await upstream.received[0]?.closed;
  await until(async () => (await postingsOf(database, "leaving")).length === 1);
  const [posting] = await postingsOf(database, "leaving");
  assert.deepEqual([posting?.note, posting?.source], ["client_left", "estimated"]);
});

test("a provider that answers nonsense is a clear error", async () => {
  upstream.answer = (_received, response) => json(response, 200, { ...MESSAGE, content: 7 });
  const asked = openai.chat.completions.create({ model: "anthropic", messages, user: "nonsense" });
  await assert.rejects(asked, (error) => error instanceof APIError && error.status === 502);
});
