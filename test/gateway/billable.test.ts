/** What a request allows its provider to bill besides text. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { billableSearches, holdsMedia, possibleServiceTiers } from "../../src/gateway/billable.ts";
import type { Json, JsonObject } from "../../src/platform/json.ts";

test("a request that offers no search can be billed for none", () => {
  for (const body of [{}, { tools: [{ type: "function", function: { name: "web" } }] }]) {
    assert.deepEqual(billableSearches(body), { searches: 0, fileSearches: 0 });
  }
});

test("searches are bounded by what the request says, in every dialect", () => {
  const cases: readonly (readonly [JsonObject, number, number])[] = [
    [{ tools: [{ type: "web_search_20250305", name: "web_search", max_uses: 3 }] }, 3, 0],
    [{ tools: [{ type: "web_search" }], max_tool_calls: 2 }, 2, 0],
    [{ tools: [{ type: "web_search_preview" }] }, 20, 0],
    [{ tools: [{ googleSearch: {} }] }, 20, 0],
    [{ tools: [{ google_search: {} }] }, 20, 0],
    [{ web_search_options: { search_context_size: "low" } }, 20, 0],
    [{ plugins: [{ id: "web" }] }, 20, 0],
    [{ tools: [{ type: "file_search" }, { type: "web_search", max_uses: 1 }] }, 1, 20],
  ];
  for (const [body, searches, fileSearches] of cases) {
    assert.deepEqual(billableSearches(body), { searches, fileSearches }, JSON.stringify(body));
  }
});

test("who asks for flex may get the standard, and who asks for nothing may get anything", () => {
  assert.deepEqual(possibleServiceTiers({ service_tier: "flex" }), ["flex"]);
  assert.deepEqual(possibleServiceTiers({ service_tier: "priority" }), ["priority"]);
  assert.deepEqual(possibleServiceTiers({ service_tier: "default" }), []);
  assert.deepEqual(possibleServiceTiers({ serviceTier: "FLEX" }), ["flex"]);
  assert.equal(possibleServiceTiers({ service_tier: "auto" }), null);
  assert.equal(possibleServiceTiers({}), null);
});

test("anything but text is noticed, in every dialect", () => {
  assert.equal(holdsMedia(content({ type: "text", text: "an image of audio" })), false);
  assert.equal(holdsMedia({ messages: [{ role: "user", content: "image" }] }), false);
  const media: readonly JsonObject[] = [
    content({ type: "image_url", image_url: { url: "…" } }),
    content({ type: "input_audio", input_audio: {} }),
    content({ type: "image", source: {} }),
    content({ type: "document", source: {} }),
    { contents: [{ parts: [{ inlineData: { mimeType: "audio/wav" } }] }] },
    { input: [{ content: [{ type: "input_image" }] }] },
  ];
  for (const body of media) assert.equal(holdsMedia(body), true, JSON.stringify(body));
});

function content(part: Json): JsonObject {
  return { messages: [{ role: "user", content: [part] }] };
}
