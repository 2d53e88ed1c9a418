/** Every path of every route keeps every promise: nobody passes the ledger, whatever the body and the answer are. */

import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { onEachDatabase } from "../support/databases.ts";
import { bodyFor, EXAMPLES, pathsOf, routeNamed, type Example } from "../support/dialects.ts";
import { postingsOf } from "../support/postings.ts";
import {
  MASTER_KEY,
  modelAt,
  pricedModel,
  startTestPurser,
  type TestPurser,
} from "../support/purser.ts";
import { startUpstream, type Upstream } from "../support/upstream.ts";

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
      models: [
        pricedModel("m", upstream.origin),
        modelAt("claude", "anthropic/claude-sonnet-4-5", upstream.origin),
        modelAt("gemini", "gemini/gemini-2.5-flash", upstream.origin),
        modelAt("ranker", "cohere/rerank-v3.5", upstream.origin, { input_cost_per_query: 0.002 }),
        pricedModel("spoken", upstream.origin, { input_cost_per_character: 0.001 }),
      ],
    });
  });
  beforeEach(() => {
    upstream.received.length = 0;
  });
  after(async () => {
    await purser.stop();
    await upstream.close();
  });

  async function send(example: Example, path: string, customer: string): Promise<Response> {
    upstream.answer = example.answer;
    const body = bodyFor(example, customer);
    return fetch(purser.base + path, {
      method: "POST",
      headers: {
        authorization: `Bearer ${MASTER_KEY}`,
        ...(typeof body === "string" ? { "content-type": "application/json" } : {}),
      },
      body,
    });
  }

  test("what the OpenAPI document lists is metered here, or free by name", async () => {
    const metered = Object.values(EXAMPLES).map(({ route }) => routeNamed(route).paths[0]);
    assert.deepEqual(
      new Set(await listedPaths(purser)),
      new Set([...metered, "/v1/messages/count_tokens"]),
    );
  });

  for (const [name, example] of Object.entries(EXAMPLES)) {
    for (const path of pathsOf(example)) {
      const customer = `${name}, ${path}`;

      test(`${customer}, over budget: refused, and the provider saw nothing`, async () => {
        const over = `over, ${customer}`;
        await purser.post("/customer/new", { user_id: over, max_budget: 0.000000001 });
        const response = await send(example, path, over);
        const text = await response.text();
        assert.equal(response.status, 429, text);
        assert.match(text, /budget_exceeded/);
        assert.equal(upstream.received.length, 0);
        assert.deepEqual(await postingsOf(address, over), []);
      });

      test(`${customer}, under budget: answered, and one posting for its customer`, async () => {
        const under = `under, ${customer}`;
        await purser.post("/customer/new", { user_id: under, max_budget: 100_000 });
        const response = await send(example, path, under);
        const text = await response.text();
        assert.equal(response.status, 200, text);
        const postings = await postingsOf(address, under);
        const [posting] = postings;
        assert.equal(postings.length, 1);
        assert.equal(posting?.kind, "settled");
        assert.equal(posting?.source, "provider");
        assert.equal(posting?.facts.route, example.route);
        assert.equal(posting?.charge, example.spend * 1e9);
        assert.equal((await purser.info(under)).spend, example.spend);
        assert.equal(upstream.received.length, 1);
      });
    }
  }
});

/** The inference routes that a client is told of, but for those that read or delete. */
async function listedPaths(purser: TestPurser): Promise<readonly string[]> {
  const { body } = await purser.get("/openapi.json");
  const { paths } = body as { paths: Record<string, { post?: { tags: readonly string[] } }> };
  return Object.keys(paths).filter(
    (path) => paths[path]?.post?.tags.includes("inference") === true,
  );
}
