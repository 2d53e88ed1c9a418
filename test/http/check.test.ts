/** `POST /customer/{id}/check`: what a call would be answered, without making it. */

import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { hashOf } from "../../src/http/auth.ts";
import { keyOf, putAccounts } from "../support/accounts.ts";
import { onEachDatabase } from "../support/databases.ts";
import { budget, customer, limit } from "../support/ledger.ts";
import { pricedModel, startTestPurser, type Reply, type TestPurser } from "../support/purser.ts";
import { startUpstream, whole, type Upstream } from "../support/upstream.ts";

const CHAT = { model: "m", max_tokens: 20, messages: [{ role: "user", content: "hi" }] };
const COUNTED = { model: "m", input_tokens: 10, max_tokens: 20 };

onEachDatabase((database) => {
  let upstream: Upstream;
  let purser: TestPurser;

  before(async () => {
    upstream = await startUpstream();
    const url = await database();
    const customers = [
      customer("blocked", { blocked: true }),
      customer("narrow", { models: ["other"] }),
      customer("european", { allowedRegion: "eu" }),
    ];
    const keys = [
      keyOf("sk-viewer", { role: "viewer" }),
      keyOf("sk-inference", { customerBudgetId: "small", models: ["m"] }),
      keyOf("sk-blocked", { blocked: true }),
    ];
    const budgets = [budget("small", [limit("usd", 60_000_000)])];
    await putAccounts(url, { customers, keys, budgets });
    const unpriced = { input_cost_per_token: null, output_cost_per_token: null };
    purser = await startTestPurser({
      database: url,
      upstream: upstream.origin,
      models: [
        pricedModel("m", upstream.origin),
        pricedModel("private-model", upstream.origin, unpriced),
      ],
      litellm: { blocked_user_list: ["listed"] },
    });
  });
  beforeEach(() => {
    upstream.answer = whole();
    upstream.received.length = 0;
  });
  after(async () => {
    await purser.stop();
    await upstream.close();
  });

  function check(id: string, body: unknown, secret?: string): Promise<Reply> {
    const headers = secret === undefined ? {} : { authorization: `Bearer ${secret}` };
    return purser.post(`/customer/${encodeURIComponent(id)}/check`, body, headers);
  }

  function asKey(secret: string, model: string): Promise<Reply> {
    const path = `/customer/keyed/check?key=${hashOf(secret)}`;
    return purser.post(path, { ...COUNTED, model });
  }

  test("a call that fits is admitted, at a ceiling that the call itself would hold", async () => {
    await purser.post("/customer/new", { user_id: "rich", max_budget: 1, budget_duration: "1d" });
    const { status, body } = await check("rich", COUNTED);
    assert.equal(status, 200);
    const { budget_id: budget, reset, ...rest } = body;
    assert.deepEqual(rest, {
      admitted: true,
      reason: null,
      message: null,
      customer: "rich",
      model: "m",
      model_id: rest.model_id,
      model_region: null,
      ceiling: 0.05,
      output_tokens: 20,
      meter: "usd",
      remaining: 1,
    });
    assert.ok(budget);
    assert.match(reset, /T00:00:00Z$/);
  });

  test("a chat body is measured as the call would be", async () => {
    const { body } = await check("measured", CHAT);
    assert.equal(body.admitted, true);
    // "hi" is two bytes, beside eight tokens of template each for the message and the request.
    assert.equal(body.ceiling, 0.058);
    assert.equal(body.remaining, null);
  });

  test("a call that would be clamped is told its output bound", async () => {
    await purser.post("/customer/new", { user_id: "tight", max_budget: 0.05 });
    const { body } = await check("tight", { ...COUNTED, max_tokens: 1000 });
    assert.deepEqual([body.admitted, body.output_tokens, body.ceiling], [true, 20, 0.05]);
  });

  test("a check holds nothing, charges nothing, forwards nothing and makes nobody", async () => {
    await purser.post("/customer/new", { user_id: "steady", max_budget: 0.06 });
    for (let time = 0; time < 5; time += 1) {
      const { body } = await check("steady", { ...COUNTED, input_tokens: 20 });
      assert.deepEqual([body.admitted, body.remaining], [true, 0.06]);
    }
    assert.equal((await purser.info("steady")).spend, 0);
    assert.equal((await check("never-seen", CHAT)).body.admitted, true);
    assert.equal((await purser.get("/customer/info?end_user_id=never-seen")).status, 404);
    assert.equal(upstream.received.length, 0);
    assert.equal((await purser.chat("steady")).status, 200);
  });

  test("a check and the call that follows it agree, also where the call is refused", async () => {
    await purser.post("/customer/new", { user_id: "spent", max_budget: 0.06 });
    await purser.chat("spent");
    const { body } = await check("spent", CHAT);
    const refused = await purser.chat("spent");
    assert.equal(refused.status, 429);
    assert.equal(body.admitted, false);
    assert.equal(body.reason, refused.body.error.type);
    assert.equal(body.message, refused.body.error.message);
    assert.deepEqual([body.remaining, body.ceiling, body.output_tokens], [0, null, null]);
  });

  for (const [id, body, reason] of [
    ["blocked", CHAT, "customer_blocked"],
    ["listed", CHAT, "customer_blocked"],
    ["narrow", CHAT, "customer_model_denied"],
    ["european", CHAT, "region_denied"],
    ["limited", { ...CHAT, model: "private-model" }, "unpriced_model"],
  ] as const) {
    test(`${id} is told ${reason}`, async () => {
      await purser.post("/customer/new", { user_id: "limited", max_budget: 1 });
      const { status, body: answer } = await check(id, body);
      assert.equal(status, 200);
      assert.deepEqual([answer.admitted, answer.reason], [false, reason]);
      assert.ok(answer.message.length > 0);
    });
  }

  test("a limit on requests is told in requests", async () => {
    await purser.post("/customer/new", { user_id: "slow", rpm_limit: 0 });
    const { body } = await check("slow", CHAT);
    assert.deepEqual(
      [body.admitted, body.reason, body.meter, body.remaining],
      [false, "rate_limited", "requests", 0],
    );
    assert.match(body.reset, /Z$/);
  });

  test("a key's own limits and its customers' budget count where the key is named", async () => {
    const { body: fits } = await asKey("sk-inference", "m");
    assert.deepEqual([fits.admitted, fits.budget_id, fits.remaining], [true, "small", 0.06]);
    const { body: denied } = await asKey("sk-inference", "private-model");
    assert.equal(denied.reason, "key_model_denied");
    assert.equal((await asKey("sk-blocked", "m")).body.reason, "authentication");
    assert.equal((await asKey("sk-none", "m")).status, 404);
  });

  for (const [what, body, status] of [
    ["without a model", { input_tokens: 1 }, 422],
    ["without messages and tokens", { model: "m" }, 422],
    ["of a negative length", { model: "m", input_tokens: -1 }, 422],
    ["with messages that are none", { model: "m", messages: ["hi"] }, 422],
    ["with no message", { model: "m", messages: [] }, 400],
    ["for an unknown model", { ...COUNTED, model: "nope" }, 404],
    ["that is no object", [1], 422],
    ["that is no JSON", "{", 400],
    [
      "nested beyond reason",
      `{"model":"m","messages":[{"a":${"[".repeat(5000)}${"]".repeat(5000)}}]}`,
      400,
    ],
  ] as const) {
    test(`a body ${what} is ${String(status)}`, async () => {
      assert.equal((await check("anyone", body)).status, status);
    });
  }

  test("an id that cannot be is refused", async () => {
    assert.equal((await check("a\u0000b", CHAT)).status, 422);
    assert.equal((await check("x".repeat(300), CHAT)).status, 400);
  });

  test("admin and viewer may check; a key that makes calls, a wrong one and none may not", async () => {
    assert.equal((await check("anyone", CHAT, "sk-viewer")).status, 200);
    for (const secret of ["sk-inference", "sk-wrong", ""]) {
      assert.equal((await check("anyone", CHAT, secret)).status, 401, secret);
    }
  });

  test("the route is also LiteLLM's alias, and stands in the OpenAPI document", async () => {
    assert.equal((await purser.post("/end_user/anyone/check", CHAT)).body.admitted, true);
    const { body } = await purser.get("/openapi.json");
    const { post } = body.paths["/customer/{id}/check"];
    assert.equal(post.summary, "Whether a call of the customer would be admitted now");
    assert.ok(post.requestBody.content["application/json"].schema.properties.messages);
  });
});
