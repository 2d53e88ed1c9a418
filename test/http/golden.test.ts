/** The golden table over sockets: what each provider answers, on the route that speaks as it does, is what is charged. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { OWN_RATES } from "../../src/config/price-keys.ts";
import type { PostedCall } from "../../src/ledger/store.ts";
import { formatPrice, formatUsd } from "../../src/money/amount.ts";
import { createPriceBook } from "../../src/prices/book.ts";
import { priced } from "../../src/money/pricing.ts";
import { deploymentOf } from "../providers/deployment.ts";
import { onEachDatabase } from "../support/databases.ts";
import { bodyFor, events, EXAMPLES, pathsOf } from "../support/dialects.ts";
import { MASTER_KEY, startTestPurser, type TestPurser } from "../support/purser.ts";
import { assertNoDrift, callsOf } from "../support/reader.ts";
import { json, startUpstream, type Script, type Upstream } from "../support/upstream.ts";
import type { Golden } from "../golden/golden.ts";
import { OPENAI } from "../golden/openai.ts";
import { OTHERS } from "../golden/others.ts";

/** The call that brings such an answer, whole and streamed. */
const CALLS: Readonly<Partial<Record<Golden["convention"], readonly [string, string?]>>> = {
  openai_chat: ["chat", "chat, streamed"],
  openai_responses: ["response", "response, streamed"],
  openai_embeddings: ["embeddings"],
  openai_images: ["image, edited"],
  openai_transcription: ["transcription"],
  openai_speech: ["speech"],
  anthropic: ["messages", "messages, streamed"],
  gemini: ["gemini", "gemini, streamed"],
};

/** Whose models are reached by translation alone. */
const TRANSLATED = new Set(["vertex_ai", "bedrock", "cohere"]);

const SPOKEN = [...OPENAI, ...OTHERS].filter(
  ({ deployment }) => !TRANSLATED.has(deployment.provider),
);

onEachDatabase((database) => {
  let upstream: Upstream;
  let purser: TestPurser;
  let address: string;

  before(async () => {
    upstream = await startUpstream();
    address = await database();
    purser = await startTestPurser({
      database: address,
      upstream: upstream.origin,
      models: SPOKEN.map((golden) => modelOf(golden, upstream.origin)),
      litellm: { cost_margin_config: { global: 0.1 } },
    });
  });
  after(async () => {
    await purser.stop();
    await upstream.close();
    await assertNoDrift(address);
  });

  /** Answers with the posting and with the dollars that the answer told. */
  async function call(golden: Golden, name: string, answer: Script) {
    const example = EXAMPLES[name];
    assert.ok(example !== undefined, name);
    upstream.answer = answer;
    const customer = `${golden.name}, ${name}`;
    const model = nameOf(golden);
    const { body } = example;
    const [path = ""] = pathsOf({ ...example, model });
    const asked = body instanceof FormData ? body : { ...body, ...golden.request };
    const response = await fetch(purser.base + path, {
      method: "POST",
      headers: {
        authorization: `Bearer ${MASTER_KEY}`,
        ...(body instanceof FormData ? {} : { "content-type": "application/json" }),
      },
      body: bodyFor({ ...example, model, body: asked }, customer),
    });
    const text = await response.text();
    assert.equal(response.status, 200, text);
    const header = response.headers.get("x-litellm-response-cost");
    const told = header ?? /(?:: cost=|"cost":)([\d.]+)[,}\n]/.exec(text)?.[1];
    const calls = await callsOf(address);
    const posted = calls.find(({ posting }) => posting.customer === customer);
    assert.ok(posted !== undefined, "nothing was posted");
    return { posted, told };
  }

  for (const golden of SPOKEN) {
    test(`${golden.name}: told, posted and counted alike`, async () => {
      const [whole, streamed] = CALLS[golden.convention] ?? [];
      const answer: Script = (_received, response) => json(response, 200, golden.answer);
      check(golden, await call(golden, whole ?? "", answer));
      if (golden.events === undefined || streamed === undefined) return;
      check(golden, await call(golden, streamed, events(...golden.events, ...endOf(golden))));
    });
  }
});

function check(golden: Golden, { posted, told }: { posted: PostedCall; told: string | undefined }) {
  const { usage, source, cost, charge, pricing, rates, unpriced } = posted.posting;
  assert.deepEqual([usage, source, unpriced], [golden.parts, "provider", []]);
  assert.ok(pricing !== null);
  const config = deploymentOf(golden.deployment);
  const book = createPriceBook([config]);
  const price = book.priceOf(config, pricing.at);
  const { serviceTier, statedCost, at } = pricing;
  const due = priced({ usage, serviceTier, statedCost, at }, price);
  assert.deepEqual([cost, rates, pricing.version], [due.cost, due.rates, price?.version]);
  assert.equal(charge, (cost * 11n + 9n) / 10n, "a tenth is put on");
  assert.equal(told, formatUsd(charge));
  // Some prices depend on the time of day; the table is that of one noon.
  if (book.priceOf(config, NOON)?.version === price?.version) assert.equal(cost, golden.nano);
}

const NOON = Date.parse("2026-11-24T12:00:00Z");

/** The last of a stream, where it is told by an event of its own. */
function endOf({ convention }: Golden): readonly unknown[] {
  return convention === "anthropic" ? [{ type: "message_stop" }] : [];
}

function nameOf(golden: Golden): string {
  return `golden-${String(SPOKEN.indexOf(golden))}`;
}

function modelOf(golden: Golden, origin: string): unknown {
  const { provider, model, prices = [] } = golden.deployment;
  const own = prices.map(({ rates }) => {
    const named = Object.entries(OWN_RATES).flatMap(([name, { rate }]) => {
      const given = rates[rate];
      return given === undefined ? [] : [[name, formatPrice(given)]];
    });
    return { unit: "token", ...Object.fromEntries(named) };
  });
  const reached = { api_base: origin, api_key: "sk-upstream", api_version: "2026-01-01" };
  return {
    model_name: nameOf(golden),
    litellm_params: { model: `${provider}/${model}`, ...reached },
    ...(own.length === 0 ? {} : { model_info: { prices: own } }),
  };
}
