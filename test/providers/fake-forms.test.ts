/** The fake provider's other APIs, as the official clients read them. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import Anthropic from "@anthropic-ai/sdk";
import OpenAI from "openai";
import { startFakeProvider, type FakeProvider } from "../../src/providers/fake.ts";

let fake: FakeProvider;
let client: OpenAI;

before(async () => {
  fake = await startFakeProvider();
  client = new OpenAI({ apiKey: "none", baseURL: `${fake.origin}/v1` });
});
after(() => fake.close());

test("a text is completed, streamed or not", async () => {
  const body = { model: "m", prompt: "hello there", max_tokens: 3 };
  const whole = await client.completions.create(body);
  assert.equal(whole.choices[0]?.text, "You said: hello");
  assert.equal(whole.choices[0].finish_reason, "length");
  assert.equal(whole.usage?.total_tokens, 5);
  let text = "";
  const stream = await client.completions.create({
    ...body,
    stream: true,
    stream_options: { include_usage: true },
  });
  let last;
  for await (const chunk of stream) {
    text += chunk.choices[0]?.text ?? "";
    last = chunk;
  }
  assert.equal(text, "You said: hello");
  assert.deepEqual(last?.usage, whole.usage);
});

test("a response is whole or comes in pieces, and says if it was cut", async () => {
  const input = [{ role: "user" as const, content: "hello there" }];
  const whole = await client.responses.create({ model: "m", input });
  assert.equal(whole.output_text, "You said: hello there");
  assert.equal(whole.status, "completed");
  assert.equal(whole.usage?.total_tokens, 6);
  const stream = client.responses.stream({ model: "m", input: "hello", max_output_tokens: 2 });
  const streamed = await stream.finalResponse();
  assert.equal(streamed.output_text, "You said:");
  assert.equal(streamed.status, "incomplete");
  assert.equal(streamed.usage?.output_tokens, 2);
});

test("the same text has the same vector, in either encoding", async () => {
  const vectors = await vectorsOf();
  assert.deepEqual(await vectorsOf({ encoding_format: "float" }), vectors);
  assert.deepEqual(vectors[0], vectors[2]);
  assert.notDeepEqual(vectors[0], vectors[1]);
  const [short] = await vectorsOf({ dimensions: 3 });
  assert.equal(short?.length, 3);
});

test("a message is whole or comes in pieces, and says if it was cut", async () => {
  const anthropic = new Anthropic({ apiKey: "none", baseURL: fake.origin });
  const asked = { model: "m", messages: [{ role: "user" as const, content: "hello there" }] };
  const whole = await anthropic.messages.create({ ...asked, max_tokens: 9 });
  assert.deepEqual(whole.content, [{ type: "text", text: "You said: hello there" }]);
  assert.deepEqual(whole.usage, { input_tokens: 2, output_tokens: 4 });
  const streamed = await anthropic.messages.stream({ ...asked, max_tokens: 3 }).finalMessage();
  assert.deepEqual(streamed.content, [{ type: "text", text: "You said: hello" }]);
  assert.equal(streamed.stop_reason, "max_tokens");
  assert.deepEqual(streamed.usage, { input_tokens: 2, output_tokens: 3 });
  assert.equal((await anthropic.messages.countTokens(asked)).input_tokens, 2);
});

async function vectorsOf(more: object = {}) {
  const body = { model: "m", input: ["a b", "c", "a b"], ...more };
  const { data, usage } = await client.embeddings.create(body);
  assert.equal(usage.prompt_tokens, 5);
  return data.map(({ embedding }) => embedding);
}
