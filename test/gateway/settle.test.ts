/** What an answer is charged, by whose count, where the provider did not say everything. */

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Answer } from "../../src/gateway/forward.ts";
import { ROUTES } from "../../src/gateway/routes.ts";
import type { FailedAttempt } from "../../src/ledger/book.ts";
import { ending } from "../../src/gateway/settle.ts";
import { nanoUsd, picoUsd } from "../../src/money/amount.ts";
import type { JsonObject } from "../../src/platform/json.ts";
import { ANSWERED, NANO, priceOf, wholeAnswer } from "../support/answered.ts";

test("of a stream that broke off, the input that was told is charged, and the output that was seen", async () => {
  const usage = { usage: { input_tokens: 25, cache_read_input_tokens: 10 } };
  const end = await ending({ ...ANSWERED, answer: brokenOff(usage, 8) });
  assert.ok(end.kind === "settle");
  assert.deepEqual(end.usage, { input: 25, cacheRead: 10, output: 7 });
  assert.deepEqual([end.source, end.cost], ["estimated", 42n]);
});

test("of a stream that broke off before anything was said, nothing is charged", async () => {
  const usage = { usage: { input_tokens: 25 } };
  const end = await ending({ ...ANSWERED, answer: brokenOff(usage, 0) });
  assert.equal(end.kind, "release");
});

test("speech by the token that came as bytes is estimated, never silently free", async () => {
  const body = { input: "x".repeat(100) };
  const route = ROUTES.find(({ name }) => name === "/v1/audio/speech") ?? ANSWERED.call.route;
  const speech = { ...ANSWERED, call: { ...ANSWERED.call, route, body } };
  const bytes = { ...wholeAnswer({}), told: null, body: Buffer.from([0xff, 0xfb, 0x90]) } as const;
  const byToken = await ending({ ...speech, answer: bytes });
  assert.ok(byToken.kind === "settle");
  assert.deepEqual(byToken.usage, { characters: 100, input: 100, outputAudio: 200 });
  assert.deepEqual([byToken.source, byToken.cost, byToken.unpriced], ["estimated", 300n, []]);
  const price = priceOf({ characters: picoUsd(2000n) });
  const byCharacter = await ending({ ...speech, price, answer: bytes });
  assert.ok(byCharacter.kind === "settle");
  assert.deepEqual([byCharacter.source, byCharacter.cost], ["provider", 200n]);
});

test("a call is settled under the markup of its hold, and tells both numbers", async () => {
  const hold = { ...ANSWERED.hold, markup: { ppm: 500_000n, fixed: nanoUsd(3n) } };
  const answer = wholeAnswer({ usage: { prompt_tokens: 10, completion_tokens: 0 } });
  const end = await ending({ ...ANSWERED, hold, answer });
  assert.ok(end.kind === "settle");
  assert.deepEqual([end.cost, end.charge], [10n, 18n]);
  assert.deepEqual(end.rates, { input: NANO });
});

test("an error is billed only what its provider tells, and nothing by its length or by the request's", async () => {
  const body = { input: "x".repeat(100) };
  const route = ROUTES.find(({ name }) => name === "/v1/audio/speech") ?? ANSWERED.call.route;
  const speech = { ...ANSWERED, call: { ...ANSWERED.call, route, body } };
  const silent = { ...wholeAnswer({ error: { message: "x" } }), status: 500, told: null };
  assert.equal((await ending({ ...speech, answer: silent })).kind, "release");
  const usage = { prompt_tokens: 10, completion_tokens: 1 };
  const end = await ending({ ...ANSWERED, answer: { ...wholeAnswer({ usage }), status: 500 } });
  assert.ok(end.kind === "settle");
  assert.deepEqual(
    [end.source, end.cost, end.note],
    ["provider", 11n, "the provider answered 500"],
  );
});

test("a call is marked up once over all of its attempts, and the rest is of the one that answered", async () => {
  const hold = { ...ANSWERED.hold, markup: { ppm: 500_000n, fixed: nanoUsd(3n) } };
  const attempts = [{ model: "m", deployment: "d", failure: "timeout" }, billedAttempt(30n)];
  const answer = wholeAnswer({ usage: { prompt_tokens: 10, completion_tokens: 0 } });
  const end = await ending({ ...ANSWERED, hold, attempts, answer });
  assert.ok(end.kind === "settle");
  assert.deepEqual([end.cost, end.charge, end.pricing?.bookCost], [40n, 63n, 10n]);
  assert.deepEqual(end.usage, { input: 10 });
  const nothing = { ...wholeAnswer({}), status: 500, told: null };
  const unanswered = await ending({ ...ANSWERED, hold, attempts, answer: nothing });
  assert.ok(unanswered.kind === "settle");
  assert.deepEqual([unanswered.cost, unanswered.charge], [30n, 48n]);
  assert.deepEqual([unanswered.source, unanswered.pricing], ["none", null]);
});

function billedAttempt(cost: bigint): FailedAttempt {
  const billed = { cost: nanoUsd(cost), usage: {}, source: "provider", unpriced: [] } as const;
  return { model: "m", deployment: "d", failure: "broke_off", billed };
}

function brokenOff(usage: JsonObject, events: number): Answer {
  const produced = { events, bytes: events * 30, eventBytesMin: 30 };
  const broken = {
    kind: "broken",
    failure: "broke_off",
    sent: true,
    receivedBytes: 0,
    held: Buffer.alloc(0),
  } as const;
  const told = { convention: "anthropic", answer: usage } as const;
  return { ...broken, told, produced };
}
