/** The golden table: real-shaped answers, whole and streamed, as parts and as exact nano-dollars. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { ending } from "../../src/gateway/settle.ts";
import { heard, usageOf } from "../../src/gateway/usage.ts";
import { nanoUsd } from "../../src/money/amount.ts";
import { priced, type BookPrice } from "../../src/money/pricing.ts";
import { createPriceBook } from "../../src/prices/book.ts";
import type { Json, JsonObject } from "../../src/platform/json.ts";
import { deploymentOf } from "../providers/deployment.ts";
import { ANSWERED, wholeAnswer } from "../support/answered.ts";
import type { Golden } from "./golden.ts";
import { OPENAI } from "./openai.ts";
import { OTHERS } from "./others.ts";

const NOON = Date.parse("2026-11-24T12:00:00Z");

for (const golden of [...OPENAI, ...OTHERS]) {
  test(`${golden.name}: ${String(golden.nano)} nano-dollars (${golden.prices})`, () => {
    check(golden, golden.answer);
    if (golden.events === undefined) return;
    const told = golden.events.reduce<JsonObject | null>(heard, null);
    check(golden, told ?? undefined);
  });
}

test("a markup holds for every way of being billed", async () => {
  const hold = { ...ANSWERED.hold, markup: { ppm: 100_000n, fixed: nanoUsd(1n) } };
  for (const golden of [...OPENAI, ...OTHERS]) {
    const { convention, deployment, request: body = {}, nano } = golden;
    const call = { ...ANSWERED.call, body };
    const asked = { call, provider: deployment.provider, price: priceOf(golden), hold };
    const end = await ending({
      ...ANSWERED,
      ...asked,
      answer: wholeAnswer(golden.answer, convention),
    });
    assert.ok(end.kind === "settle");
    assert.deepEqual([end.cost, end.charge], [nano, (nano * 11n + 9n) / 10n + 1n], golden.name);
  }
});

function check(golden: Golden, answer: Json | undefined): void {
  const { convention, deployment, request = {} } = golden;
  const counted = usageOf({ convention, provider: deployment.provider, answer, request });
  assert.ok(counted !== undefined, "no usage was read");
  assert.deepEqual(counted.usage, golden.parts);
  assert.equal(counted.final, true);
  const figures = priced({ ...counted, at: NOON }, priceOf(golden));
  assert.deepEqual(figures.unpriced, []);
  assert.equal(figures.cost, golden.nano);
}

function priceOf({ deployment }: Golden): BookPrice {
  const config = deploymentOf(deployment);
  const price = createPriceBook([config]).priceOf(config, NOON);
  assert.ok(price !== null, "the model has no price");
  return price;
}
