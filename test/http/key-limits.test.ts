/** What a key may do and how much, over HTTP: models, expiry, and every kind of limit, which no new secret escapes. */

import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { putAccounts } from "../support/accounts.ts";
import { onEachDatabase } from "../support/databases.ts";
import * as ledger from "../support/ledger.ts";
import { pricedModel, startTestPurser, type Reply, type TestPurser } from "../support/purser.ts";
import { until } from "../support/until.ts";
import { startUpstream, whole, type Upstream } from "../support/upstream.ts";

/** A call is charged 0.06, so two of them fit, and not even a short answer fits into what is left then. */
const TWO_CALLS = 0.15;

const NOTHING = ledger.budget("nothing", [ledger.limit("usd", 0)]);

onEachDatabase((database) => {
  let upstream: Upstream;
  let purser: TestPurser;

  before(async () => {
    const url = await database();
    await putAccounts(url, { budgets: [NOTHING] });
    upstream = await startUpstream();
    purser = await startTestPurser({
      database: url,
      upstream: upstream.origin,
      models: ["m", "m-large", "other"].map((name) => pricedModel(name, upstream.origin)),
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

  test("a key asks for the models that it may use and sees no others", async () => {
    for (const [models, allowed] of [
      [["m"], ["m"]],
      [["m*"], ["m", "m-large"]],
      [["all-proxy-models"], ["m", "m-large", "other"]],
      [["no-default-models"], []],
    ] as const) {
      const { key } = await made({ models });
      const { body } = await purser.get("/v1/models", bearer(key));
      assert.deepEqual(body.data.map(idOf), allowed);
      for (const model of ["m", "m-large", "other"] as const) {
        const reply = await chat(key, { model });
        if (allowed.some((name) => name === model)) assert.equal(reply.status, 200);
        else assertModelDenied(reply, model);
      }
    }
    assert.equal(upstream.received.length, 6);
  });

  test("models that are taken away or given are so for the next call", async () => {
    const { key } = await made({ models: ["m"] });
    assert.equal((await chat(key)).status, 200);
    await changed({ key, models: ["other"] });
    assertModelDenied(await chat(key), "m");
    await changed({ key, models: null });
    assert.equal((await chat(key)).status, 200);
  });

  test("a key is refused once it has expired, and good again when it is prolonged", async () => {
    const { key } = await made({ duration: "1s" });
    await until(async () => (await purser.get("/v1/models", bearer(key))).status === 401);
    for (const reply of [await chat(key), await purser.get("/key/info", bearer(key))]) {
      assert.equal(reply.status, 401);
      assert.match(reply.body.error.message, /^Authentication Error, Expired Key/);
    }
    assert.equal(upstream.received.length, 0);
    await changed({ key, duration: "1h" });
    assert.equal((await chat(key)).status, 200);
    assert.equal((await changed({ key, duration: null })).expires, null);
  });

  test("durations are LiteLLM's and nothing else", async () => {
    for (const [duration, seconds] of [
      ["30s", 30],
      ["30m", 1800],
      ["30h", 108_000],
      ["30d", 2_592_000],
    ] as const) {
      const { expires, created_at } = await made({ duration });
      assert.equal((Date.parse(expires) - Date.parse(created_at)) / 1000, seconds);
    }
    for (const duration of ["", "30", "30x", "-1d", "0d", "1e3s", "99999999999d", "30d; drop"]) {
      const { status, body } = await purser.post("/key/generate", { duration });
      assert.deepEqual([status, body.error.param], [400, "duration"]);
    }
  });

  test("a money budget holds for all customers of the key together and for no other key", async () => {
    const { key } = await made({ max_budget: TWO_CALLS });
    const other = await made({ max_budget: TWO_CALLS });
    const statuses = [];
    for (const user of ["ann", "bob", "cid"]) statuses.push((await chat(key, { user })).status);
    assert.deepEqual(statuses, [200, 200, 429]);
    const refused = await chat(key, { user: "dan" });
    assert.equal(refused.body.error.type, "budget_exceeded");
    assert.equal(refused.headers.get("x-should-retry"), "false");
    assert.equal(upstream.received.length, 2);
    assert.equal((await chat(other.key)).status, 200);
    assert.equal(await spendOf(key), 0.12);
    await changed({ key, max_budget: 0.3 });
    assert.equal((await chat(key)).status, 200);
    assert.equal(await spendOf(key), 0.18);
  });

  test("a key with a budget of 0 is refused before any call, and one with a soft budget never", async () => {
    const { key } = await made({ max_budget: 0 });
    const { status, body } = await chat(key);
    assert.deepEqual([status, body.error.type], [429, "budget_exceeded"]);
    assert.equal(upstream.received.length, 0);
    const soft = await made({ soft_budget: 0.01 });
    for (const _ of [1, 2]) assert.equal((await chat(soft.key)).status, 200);
  });

  test("a budget for one model leaves the others alone", async () => {
    const { key } = await made({ model_max_budget: { m: { max_budget: TWO_CALLS } } });
    const statuses = [];
    for (const model of ["m", "other", "m", "m", "other"]) {
      statuses.push((await chat(key, { model })).status);
    }
    assert.deepEqual(statuses, [200, 200, 200, 429, 200]);
  });

  for (const [field, cap, type] of [
    ["rpm_limit", 1, "requests"],
    ["tpm_limit", 40, "tokens"],
  ] as const) {
    test(`${field} holds within a minute, and 0 is a value`, async () => {
      await withinOneMinute(async () => {
        const { key } = await made({ [field]: cap });
        assert.equal((await chat(key)).status, 200);
        const { status, body, headers } = await chat(key);
        assert.deepEqual([status, body.error.type], [429, "throttling_error"]);
        assert.match(
          body.error.message,
          new RegExp(`Limit type: ${type}. Current limit: ${String(cap)}`),
        );
        assert.ok(Number(headers.get("retry-after")) > 0);
      });
      const { key } = await made({ [field]: 0 });
      assert.equal((await chat(key)).status, 429);
    });
  }

  test("max_parallel_requests counts the calls in flight, also those under a former secret", async () => {
    const { key } = await made({ max_parallel_requests: 1 });
    const gate = Promise.withResolvers<void>();
    upstream.answer = async (received, response) => {
      await gate.promise;
      await whole()(received, response);
    };
    const first = chat(key);
    await until(async () => upstream.received.length === 1);
    assert.equal((await chat(key)).status, 429);
    const regenerated = (await purser.post("/key/regenerate", { key })).body.key;
    const { status, body } = await chat(regenerated);
    assert.deepEqual([status, body.error.type], [429, "throttling_error"]);
    gate.resolve();
    assert.equal((await first).status, 200);
    assert.equal((await chat(regenerated)).status, 200);
    assert.equal(await spendOf(regenerated), 0.12);
  });

  test("neither a new secret nor a new key of the old value is a fresh budget", async () => {
    const own = "sk-born-again";
    const budget = { max_budget: TWO_CALLS, budget_duration: "30d" };
    await made({ key: own, ...budget });
    for (const _ of [1, 2]) assert.equal((await chat(own)).status, 200);
    const { key } = (await purser.post("/key/regenerate", { key: own })).body;
    assert.equal((await chat(key)).body.error.type, "budget_exceeded");
    assert.equal(await spendOf(key), 0.12);
    assert.equal((await purser.post("/key/generate", { key: own, ...budget })).status, 409);
    await purser.post("/key/delete", { keys: [key] });
    await made({ key: own, ...budget });
    assert.equal((await chat(own)).body.error.type, "budget_exceeded");
  });

  test("the customers of a key have the budget that its metadata names, unless they have their own", async () => {
    const { key } = await made({ metadata: { end_user_budget_id: "nothing" } });
    const free = await made({ metadata: { end_user_budget_id: "not there yet" } });
    const call = { user: "of-the-key" };
    assert.equal((await chat(key, call)).body.error.type, "budget_exceeded");
    assert.equal((await chat(free.key, call)).status, 200);
    await purser.post("/customer/new", { user_id: "on-its-own", max_budget: 1 });
    assert.equal((await chat(key, { user: "on-its-own" })).status, 200);
    await changed({ key, metadata: {} });
    assert.equal((await chat(key, call)).status, 200);
  });

  test("the tightest of the limits of key and customer decides, and both are charged", async () => {
    const { key } = await made({ max_budget: 1 });
    await purser.post("/customer/new", { user_id: "tight", max_budget: TWO_CALLS });
    const statuses = [];
    for (const user of ["tight", "tight", "tight", "loose"]) {
      statuses.push((await chat(key, { user })).status);
    }
    assert.deepEqual(statuses, [200, 200, 429, 200]);
    assert.equal(await spendOf(key), 0.18);
    assert.equal((await purser.info("tight")).spend, 0.12);
  });

  async function made(fields: object) {
    const { status, text, body } = await purser.post("/key/generate", fields);
    assert.equal(status, 200, text);
    return body;
  }

  async function changed(fields: object) {
    const { status, text, body } = await purser.post("/key/update", fields);
    assert.equal(status, 200, text);
    return body;
  }

  async function spendOf(key: string): Promise<number> {
    return (await purser.get(`/key/info?key=${key}`)).body.info.spend;
  }

  function chat(key: string, more: object = {}): Promise<Reply> {
    const messages = [{ role: "user", content: "hi" }];
    const call = { model: "m", user: "acme", max_tokens: 20, messages, ...more };
    return purser.post("/v1/chat/completions", call, bearer(key));
  }
});

function bearer(key: string): Record<string, string> {
  return { authorization: `Bearer ${key}` };
}

function idOf({ id }: { readonly id: string }): string {
  return id;
}

function assertModelDenied({ status, body }: Reply, model: string): void {
  const { message, ...rest } = body.error;
  assert.equal(status, 403);
  assert.deepEqual(rest, { type: "key_model_access_denied", param: "model", code: "403" });
  assert.ok(message.includes(`'${model}'`), message);
}

/** Again from the start if the minute turned meanwhile: then it was two windows. */
async function withinOneMinute(work: () => Promise<void>): Promise<void> {
  for (;;) {
    const start = minute();
    try {
      return await work();
    } catch (error) {
      if (minute() === start) throw error;
    }
  }
}

function minute(): number {
  return Math.floor(Date.now() / 60_000);
}
