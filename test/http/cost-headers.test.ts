/** What an answer's headers say of its cost: exact decimals, to those who may know them. */

import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { onEachDatabase } from "../support/databases.ts";
import {
  pricedModel,
  type Reply,
  type TestPurser,
  withPurser,
  type PurserOptions,
} from "../support/purser.ts";
import { startUpstream, streamed, whole, type Upstream } from "../support/upstream.ts";

const NAME = "x-litellm-response-cost";

onEachDatabase((database) => {
  let upstream: Upstream;

  before(async () => {
    upstream = await startUpstream();
  });
  beforeEach(() => {
    upstream.answer = whole();
  });
  after(() => upstream.close());

  async function during(
    options: Partial<PurserOptions>,
    body: (purser: TestPurser) => Promise<void>,
  ): Promise<void> {
    await withPurser({ database: await database(), upstream: upstream.origin, ...options }, body);
  }

  test("an answer tells its charge, and of a markup the cost before it and what was put on or taken off", async () => {
    const margin = { percentage: 0.15, fixed_amount: "0.000000001" };
    await during({ litellm: { cost_margin_config: { openai: margin } } }, async (purser) => {
      await purser.post("/customer/new", { user_id: "friend", cost_margin: -0.1 });
      await purser.post("/customer/new", { user_id: "insider", cost_margin: 0 });
      const told = async (customer: string) => costsIn(await purser.chat(customer));
      assert.deepEqual(await told("ann"), {
        [NAME]: "0.069000001",
        [`${NAME}-original`]: "0.06",
        [`${NAME}-margin-amount`]: "0.009000001",
        [`${NAME}-margin-percent`]: "0.15",
      });
      assert.deepEqual(await told("friend"), {
        [NAME]: "0.054",
        [`${NAME}-original`]: "0.06",
        [`${NAME}-discount-amount`]: "0.006",
      });
      assert.deepEqual(await told("insider"), { [NAME]: "0.06" });
      upstream.answer = whole({ prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 });
      assert.deepEqual(await told("ann"), { [NAME]: "0" });
      upstream.answer = whole(undefined, 400);
      assert.deepEqual(await told("ann"), { [NAME]: "0" });
    });
  });

  test("what the operator earns is told to nobody but the master key where amounts are hidden", async () => {
    const hidden = {
      general: { hide_amounts: true },
      litellm: { cost_margin_config: { global: 0.15 } },
    };
    await during(hidden, async (purser) => {
      const { key } = (await purser.post("/key/generate", {})).body;
      const call = { model: "m", user: "ann", messages: [{ role: "user", content: "hi" }] };
      const asked = (headers = {}) => purser.post("/v1/chat/completions", call, headers);
      assert.equal(Object.keys(costsIn(await asked())).length, 4);
      const told = costsIn(await asked({ authorization: `Bearer ${String(key)}` }));
      assert.deepEqual(told, { [NAME]: "0.069" });
    });
  });

  test("headers tell no cost that is not known: neither of a stream nor of a model without a price", async () => {
    const unpriced = { ...(pricedModel("u", upstream.origin) as object), model_info: {} };
    const models = [pricedModel("m", upstream.origin), unpriced];
    await during({ models, litellm: { cost_margin_config: { global: 0.15 } } }, async (purser) => {
      assert.deepEqual(costsIn(await purser.chat("ann", { model: "u" })), {});
      upstream.answer = streamed(["hi"]);
      assert.deepEqual(costsIn(await purser.chat("ann", { stream: true })), {});
    });
  });
});

function costsIn({ headers }: Reply): Record<string, string> {
  return Object.fromEntries([...headers].filter(([name]) => name.startsWith(NAME)));
}
