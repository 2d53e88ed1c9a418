/** Every route of the table keeps every promise: nobody passes the ledger, whatever the body and the answer are. */

import assert from "node:assert/strict";
import { after, before, beforeEach, describe, test } from "node:test";
import { ROUTES } from "../../src/gateway/routes.ts";
import { onEachDatabase } from "../support/databases.ts";
import { bodyFor, EXAMPLES, type Example } from "../support/dialects.ts";
import { postingsOf } from "../support/postings.ts";
import { MASTER_KEY, pricedModel, startTestPurser, type TestPurser } from "../support/purser.ts";
import { startUpstream, type Upstream } from "../support/upstream.ts";

test("every metered route has an example", () => {
  const shown = new Set(Object.values(EXAMPLES).map(({ route }) => route));
  const metered = ROUTES.filter(({ meter }) => meter === "posting").map(({ name }) => name);
  assert.deepEqual(
    metered.filter((name) => !shown.has(name)),
    [],
  );
});

onEachDatabase((database) => {
  let upstream: Upstream;
  let purser: TestPurser;
  let address: string;

  before(async () => {
    upstream = await startUpstream();
    address = await database();
    const at = (name: string, model: string) => ({
      model_name: name,
      litellm_params: { model, api_base: upstream.origin, api_key: "sk-upstream" },
      model_info: { input_cost_per_token: 0.001, output_cost_per_token: 0.002 },
    });
    purser = await startTestPurser({
      database: address,
      upstream: upstream.origin,
      models: [
        pricedModel("m", upstream.origin),
        at("claude", "anthropic/claude-sonnet-4-5"),
        at("gemini", "gemini/gemini-2.5-flash"),
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

  async function send(example: Example, customer: string): Promise<Response> {
    upstream.answer = example.answer;
    const body = bodyFor(example, customer);
    return fetch(purser.base + example.path, {
      method: "POST",
      headers: {
        authorization: `Bearer ${MASTER_KEY}`,
        ...(typeof body === "string" ? { "content-type": "application/json" } : {}),
      },
      body,
    });
  }

  for (const [name, example] of Object.entries(EXAMPLES)) {
    describe(name, () => {
      test("over budget: refused, and the provider saw nothing", async () => {
        const customer = `over, ${name}`;
        await purser.post("/customer/new", { user_id: customer, max_budget: 0.000000001 });
        const response = await send(example, customer);
        const text = await response.text();
        assert.equal(response.status, 429, text);
        assert.match(text, /budget_exceeded/);
        assert.equal(upstream.received.length, 0);
        assert.deepEqual(await postingsOf(address, customer), []);
      });

      test("under budget: answered, and one posting for the right customer", async () => {
        const customer = `under, ${name}`;
        await purser.post("/customer/new", { user_id: customer, max_budget: 100_000 });
        const response = await send(example, customer);
        await response.arrayBuffer();
        assert.equal(response.status, 200);
        const postings = await postingsOf(address, customer);
        const [posting] = postings;
        assert.equal(postings.length, 1);
        assert.equal(posting?.kind, "settled");
        assert.equal(posting?.source, "provider");
        assert.equal(posting?.facts.route, example.route);
        assert.equal(posting?.charge, example.spend * 1e9);
        assert.equal((await purser.info(customer)).spend, example.spend);
        assert.equal(upstream.received.length, 1);
      });
    });
  }
});
