/** How many tokens a text is: bounds that it cannot pass, and estimates that lean up. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { estimatedOutputTokens } from "../../src/gateway/estimate.ts";
import { inputTokensByBytes, inputTokensByTokenizer } from "../../src/gateway/tokens.ts";

test("an unmetered stream is estimated by its events or its text, whichever is more", () => {
  assert.equal(estimatedOutputTokens({ events: 0, bytes: 0, eventBytesMin: 0 }, 100), 0);
  assert.equal(estimatedOutputTokens({ events: 11, bytes: 1100, eventBytesMin: 100 }, 100), 10);
  assert.equal(estimatedOutputTokens({ events: 18, bytes: 1800, eventBytesMin: 100 }, 16), 16);
  assert.equal(estimatedOutputTokens({ events: 2, bytes: 500, eventBytesMin: 100 }, 1000), 100);
  assert.equal(estimatedOutputTokens({ events: 2, bytes: 50_000, eventBytesMin: 100 }, 64), 64);
});

test("one endless word is tokenised in a blink", async () => {
  const started = performance.now();
  const body = { messages: [{ role: "user", content: "a".repeat(60_000) }] };
  assert.ok((await inputTokensByTokenizer(body)) !== null);
  assert.ok(performance.now() - started < 1500);
});

test("a text is bounded by its bytes, and more closely by its tokens", async () => {
  const text = "The quick brown fox jumps over the lazy dog. ".repeat(50);
  const body = { messages: [{ role: "user", content: text }] };
  const byBytes = inputTokensByBytes(body);
  const byTokens = await inputTokensByTokenizer(body);
  assert.equal(byBytes, text.length + 16);
  assert.ok(byTokens !== null && byTokens < byBytes / 1.5 && byTokens > text.length / 5);
});

test("a greeting is bounded by 18 tokens, so that a budget of cents can pay for one", () => {
  assert.equal(inputTokensByBytes({ messages: [{ role: "user", content: "hi" }] }), 18);
});

test("every piece of a message counts, of whatever kind", () => {
  const parts = [
    { type: "text", text: "abc" },
    { type: "input_audio", input_audio: { data: "x".repeat(1000) } },
  ];
  const plain = inputTokensByBytes({ messages: [{ role: "user", content: "abc" }] });
  assert.ok(inputTokensByBytes({ messages: [{ role: "user", content: parts }] }) > plain + 1000);
  const image = [{ type: "image_url", image_url: { url: "https://example.com/a.png" } }];
  assert.ok(inputTokensByBytes({ messages: [{ role: "user", content: image }] }) > 40_000);
  const tools = [{ type: "function", function: { name: "f", description: "y".repeat(500) } }];
  assert.ok(inputTokensByBytes({ messages: [{ content: "abc" }], tools }) > plain + 500);
});

test("a text too long to tokenise keeps its byte bound", async () => {
  const body = { messages: [{ role: "user", content: "x".repeat(300_000) }] };
  assert.equal(await inputTokensByTokenizer(body), null);
});
