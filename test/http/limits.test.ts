/** Limits as callers meet them, in LiteLLM's own numbers: a call on model `m` costs 0.06. On both databases. */

import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { keyOf, putAccounts } from "../support/accounts.ts";
import { onEachDatabase } from "../support/databases.ts";
import * as ledger from "../support/ledger.ts";
import { pricedModel, startTestPurser, type Reply, type TestPurser } from "../support/purser.ts";
import { startReceiver, type Receiver } from "../support/receiver.ts";
import { until } from "../support/until.ts";
import { startUpstream, whole, type Script, type Upstream } from "../support/upstream.ts";

const HI = [{ role: "user", content: "hi" }];
const CALL = { model: "m", max_tokens: 20, messages: HI };

/** 0.05 dollars, which is more than a call's least and less than what it costs. */
const FIVE_CENTS = ledger.limit("usd", 50_000_000);
const TWO_SECONDS = {
  alignment: "calendar",
  duration: { count: 2, unit: "s" },
  zone: "UTC",
  resetTime: "00:00",
} as const;

onEachDatabase((database) => {
  let upstream: Upstream;
  let receiver: Receiver;
  let purser: TestPurser;

  before(async () => {
    upstream = await startUpstream();
    receiver = await startReceiver();
    const url = await database();
    await putAccounts(url, {
      budgets: [
        ledger.budget("tier", [FIVE_CENTS]),
        ledger.budget("short", [{ ...FIVE_CENTS, period: TWO_SECONDS }]),
        ledger.budget("paced", []),
        ledger.budget("key's customers", [FIVE_CENTS]),
        ledger.budget("of the key", [FIVE_CENTS]),
      ],
      customers: [
        ...["t1", "t2"].map((id) => ledger.customer(id, { budgetId: "tier" })),
        ...["s1", "s2"].map((id) => ledger.customer(id, { budgetId: "short" })),
        ledger.customer("p1", { budgetId: "paced" }),
      ],
      keys: [
        keyOf("sk-names-a-tier", { customerBudgetId: "key's customers" }),
        keyOf("sk-capped", { budgetId: "of the key", name: "sk-...pped" }),
      ],
    });
    purser = await startTestPurser({
      database: url,
      upstream: upstream.origin,
      models: [
        pricedModel("m", upstream.origin),
        pricedModel("other", upstream.origin),
        pricedModel("free", upstream.origin, { input_cost_per_token: 0, output_cost_per_token: 0 }),
      ],
      general: { alerting: ["webhook"] },
      env: { WEBHOOK_URL: receiver.url },
    });
  });
  beforeEach(() => {
    upstream.answer = whole();
    upstream.received.length = 0;
  });
  after(async () => {
    await purser.stop();
    await upstream.close();
    await receiver.close();
  });

  const customer = async (user_id: string, budget: object): Promise<string> => {
    const { status, body, text } = await purser.post("/customer/new", { user_id, ...budget });
    assert.equal(status, 200, text);
    return body.budget_id;
  };
  test("a spent budget refuses the next call before the provider sees it, and no other customer", async () => {
    const budget = await customer("e44", { max_budget: 0.05 });
    await served(purser.chat("e44"));
    const { body, headers } = await refused(purser.chat("e44"), "budget_exceeded");
    assert.equal(
      body.error.message,
      "ExceededBudget: End User=e44 over budget. Spend=0.06, Budget=0.05",
    );
    assert.deepEqual(detailsOf(headers), {
      scope: "customer",
      id: budget,
      spent: "0.06",
      limit: "0.05",
      remaining: "-0.01",
    });
    assert.deepEqual(
      [headers.get("x-should-retry"), headers.get("retry-after")],
      ["false", "86400"],
    );
    assert.equal(upstream.received.length, 1);
    await served(purser.chat("e44 of another"));
  });

  test("a refusal tells when the window ends, as an instant and in seconds", async () => {
    await customer("ends", { max_budget: 0.05, budget_duration: "1d" });
    await served(purser.chat("ends"));
    const { headers } = await refused(purser.chat("ends"), "budget_exceeded");
    const { reset } = detailsOf(headers);
    const seconds = (Date.parse(String(reset)) - Date.now()) / 1000;
    assert.match(String(reset), /T00:00:00Z$/);
    assert.ok(Math.abs(seconds - Number(headers.get("retry-after"))) < 60);
  });

  test("a tier limits each of its members by itself", async () => {
    await served(purser.chat("t1"));
    await refused(purser.chat("t1"), "budget_exceeded");
    await served(purser.chat("t2"));
  });

  test("the budget that a key names applies to customers that it makes, and not through another key", async () => {
    const through = { authorization: "Bearer sk-names-a-tier" };
    const call = { ...CALL, user: "through a key" };
    await served(purser.post("/v1/chat/completions", call, through));
    const { headers } = await refused(
      purser.post("/v1/chat/completions", call, through),
      "budget_exceeded",
    );
    assert.equal(detailsOf(headers)["id"], "key's%20customers");
    await served(purser.post("/v1/chat/completions", call));
    assert.equal((await purser.info("through a key")).litellm_budget_table, null);
  });

  test("a key's own budget is refused in LiteLLM's words for keys", async () => {
    const capped = { authorization: "Bearer sk-capped" };
    await served(purser.post("/v1/chat/completions", { ...CALL, user: "k1" }, capped));
    const { body, headers } = await refused(
      purser.post("/v1/chat/completions", { ...CALL, user: "k2" }, capped),
      "budget_exceeded",
    );
    assert.equal(
      body.error.message,
      "Budget has been exceeded! Key=sk-...pped Current cost: 0.06, Max budget: 0.05",
    );
    assert.equal(detailsOf(headers)["scope"], "key");
  });

  test("with the budget spent, what is free still works: lists, info, and models that cost nothing", async () => {
    await customer("e46", { max_budget: 0.05 });
    await served(purser.chat("e46"));
    await refused(purser.chat("e46"), "budget_exceeded");
    await served(purser.get("/v1/models", { "x-litellm-customer-id": "e46" }));
    await served(purser.get("/customer/info?end_user_id=e46"));
    await served(purser.chat("e46", { model: "free" }));
    assert.equal((await purser.info("e46")).spend, 0.06);
  });

  test("a customer who is exactly at the budget has nothing left, so the next call is refused", async () => {
    await customer("e47", { max_budget: 0.06 });
    await served(purser.chat("e47"));
    await refused(purser.chat("e47"), "budget_exceeded");
    await customer("e47 of nothing", { max_budget: 0 });
    await refused(purser.chat("e47 of nothing"), "budget_exceeded");
  });

  test("a raised budget is obeyed by the next call, and a lowered one too", async () => {
    const budget_id = await customer("e49", { max_budget: 0.05 });
    await served(purser.chat("e49"));
    await refused(purser.chat("e49"), "budget_exceeded");
    await served(purser.post("/budget/update", { budget_id, max_budget: 1 }));
    await served(purser.chat("e49"));
    await served(purser.post("/budget/update", { budget_id, max_budget: 0.1 }));
    await refused(purser.chat("e49"), "budget_exceeded");
  });

  test("a tier that is changed is obeyed by all its members, and not by who has a budget of its own", async () => {
    await purser.post("/budget/new", { budget_id: "plan", max_budget: 1 });
    for (const id of ["plan1", "plan2", "own"]) await customer(id, { budget_id: "plan" });
    await purser.post("/customer/update", { user_id: "own", max_budget: 2 });
    await purser.post("/budget/update", { budget_id: "plan", max_budget: 0 });
    for (const id of ["plan1", "plan2"]) assert.equal((await purser.chat(id)).status, 429);
    assert.equal((await purser.chat("own")).status, 200);
  });

  test("a window that ends while no process runs is over at the next start", async () => {
    const options = { database: await database(), upstream: upstream.origin };
    const first = await startTestPurser(options);
    const body = { user_id: "overnight", max_budget: 0.06, budget_duration: "2s" };
    const { budget_reset_at } = (await first.post("/customer/new", body)).body.litellm_budget_table;
    await until(async () => (await first.chat("overnight")).status === 429);
    await first.stop();
    await until(() => Promise.resolve(Date.now() > Date.parse(budget_reset_at) + 2000));
    const second = await startTestPurser(options);
    const { status, text } = await second.chat("overnight");
    await second.stop();
    assert.equal(status, 200, text);
  });

  test("a new window begins at nothing, for every member of a tier", async () => {
    const members = ["s1", "s2"];
    for (const member of members) await untilStatus(429, () => purser.chat(member));
    for (const member of members) await untilStatus(200, () => purser.chat(member));
  });

  test("after the window info starts again at what the new one has seen", async () => {
    await customer("e50", { max_budget: 0.05, budget_duration: "2s" });
    await untilStatus(429, () => purser.chat("e50"));
    await untilStatus(200, () => purser.chat("e50"));
    const { spend } = await purser.info("e50");
    assert.ok(spend === 0.06 || spend === 0, String(spend));
  });

  test("calls beyond the requests of a minute are refused until the next, with the master key too", async () => {
    await clearOfTheMinutesEnd();
    await served(purser.post("/budget/update", { budget_id: "paced", rpm_limit: 2 }));
    await served(purser.chat("p1"));
    await served(purser.chat("p1"));
    const { body, headers } = await refused(purser.chat("p1"), "throttling_error");
    assert.match(
      body.error.message,
      /^Rate limit exceeded for end_user: p1\. Limit type: requests\. Current limit: 2, Remaining: 0\. Limit resets at: \S+:00Z$/,
    );
    const seconds = Number(headers.get("retry-after"));
    assert.ok(seconds >= 1 && seconds <= 60);
    assert.equal(headers.get("rate_limit_type"), "requests");
    assert.equal(headers.get("reset_at"), headers.get("x-purser-budget-reset"));
    assert.deepEqual([detailsOf(headers)["id"], detailsOf(headers)["limit"]], ["paced", "2"]);
  });

  test("tokens are counted when the answer is there, so the call after the last one is refused", async () => {
    await clearOfTheMinutesEnd();
    await customer("e51", { tpm_limit: 2 });
    await served(purser.chat("e51"));
    const { body } = await refused(purser.chat("e51"), "throttling_error");
    assert.match(body.error.message, /Limit type: tokens\. Current limit: 2/);
  });

  test("calls in flight are limited, and one that ends makes room", async () => {
    await customer("flying", { max_parallel_requests: 1 });
    const { script, started, finish } = gated();
    upstream.answer = script;
    const first = purser.chat("flying");
    await started;
    const { body, headers } = await refused(purser.chat("flying"), "throttling_error");
    assert.match(body.error.message, /Limit type: max_parallel_requests\. Current limit: 1/);
    assert.equal(headers.get("retry-after"), "1");
    finish();
    await served(first);
    upstream.answer = whole();
    await served(purser.chat("flying"));
  });

  test("headroom that calls in flight hold is told apart from a budget that is spent", async () => {
    await customer("held", { max_budget: 0.09 });
    const { script, started, finish } = gated();
    upstream.answer = script;
    const first = purser.chat("held");
    await started;
    const { body, headers } = await refused(purser.chat("held"), "headroom_held");
    assert.match(body.error.message, /^The budget is not spent, but calls in flight hold .*held/);
    assert.equal(headers.get("retry-after"), "1");
    assert.equal(headers.get("x-should-retry"), null);
    assert.equal(detailsOf(headers)["spent"], "0");
    finish();
    await served(first);
  });

  test("the last call may go over the edge, one at a time", async () => {
    await customer("edge", { max_budget: 0.01, enforcement: "last_call" });
    const { script, started, finish } = gated();
    upstream.answer = script;
    const first = purser.chat("edge");
    await started;
    await refused(purser.chat("edge"), "headroom_held");
    finish();
    await served(first);
    await refused(purser.chat("edge"), "budget_exceeded");
    assert.equal((await purser.info("edge")).spend, 0.06);
  });

  test("a model's own budget refuses that model and no other", async () => {
    const budget = { model_max_budget: { m: { max_budget: 0.01, budget_duration: "1d" } } };
    await customer("e54", { ...budget, enforcement: "last_call" });
    await served(purser.chat("e54"));
    const { body } = await refused(purser.chat("e54"), "budget_exceeded");
    assert.equal(body.error.message, "LiteLLM End User: e54, exceeded budget for model=m");
    await served(purser.chat("e54", { model: "other" }));
    // By the hard rule not even the first call fits into a cent.
    await customer("e54 hard", budget);
    await refused(purser.chat("e54 hard"), "budget_exceeded");
  });

  test("a model's requests in a minute are its own", async () => {
    await clearOfTheMinutesEnd();
    await customer("paced model", { model_max_budget: { m: { rpm_limit: 1 } } });
    await served(purser.chat("paced model"));
    await refused(purser.chat("paced model"), "throttling_error");
    await served(purser.chat("paced model", { model: "other" }));
  });

  for (const [tight, ...durations] of [
    ["1h", "1h", "1d", "1mo"],
    ["1d", "1h", "1d", "1mo"],
    ["1mo", "1h", "1d", "1mo"],
  ]) {
    test(`of several windows at once that of ${String(tight)} trips on its own`, async () => {
      const limits = durations.map((duration) => {
        return { meter: "usd", max: duration === tight ? 0.05 : 5, duration };
      });
      const id = await customer(`windows ${String(tight)}`, { limits });
      await served(purser.chat(`windows ${String(tight)}`));
      const { headers } = await refused(purser.chat(`windows ${String(tight)}`), "budget_exceeded");
      assert.equal(detailsOf(headers)["limit"], "0.05");
      const only = { limits: [{ meter: "usd", max: 0.05, duration: tight }], budget_id: id };
      const alone = await served(purser.post("/budget/update", only));
      const own = { budget_id: id, budget_duration: tight };
      const shown = await served(purser.post("/budget/update", own));
      assert.deepEqual(alone.body.limits, shown.body.limits);
      assert.equal(detailsOf(headers)["reset"], shown.body.budget_reset_at);
    });
  }

  test("a soft budget refuses nothing, and its crossing is told once", async () => {
    await customer("soft", { soft_budget: 0.1, max_budget: 1 });
    for (let call = 0; call < 3; call += 1) await served(purser.chat("soft"));
    const { body } = await receiver.next(isSoftCrossing);
    assert.deepEqual([body["spend"], body["soft_budget"], body["max_budget"]], [0.12, 0.1, 1]);
    // Three calls and the crossing.
    await until(() => Promise.resolve(receiver.bodies.filter(isOfSoft).length >= 4));
    assert.equal(receiver.bodies.filter(isSoftCrossing).length, 1);
  });

  test("a default budget applies from the moment it is created, to customers of before and of later", async () => {
    const settings = { max_end_user_budget_id: "default-tier" };
    const other = await startTestPurser({
      database: await database(),
      upstream: upstream.origin,
      litellm: settings,
    });
    try {
      for (let call = 0; call < 3; call += 1) await served(other.chat("old"));
      const monthly = { budget_id: "default-tier", max_budget: 0.05, budget_duration: "1mo" };
      await served(other.post("/budget/new", monthly));
      // What was spent before the window is not spent in it.
      await served(other.chat("old"));
      await refused(other.chat("old"), "budget_exceeded");
      const info = await other.info("old");
      assert.equal(info.litellm_budget_table, null);

      const calls = await Promise.all(Array.from({ length: 50 }, () => other.chat("never seen")));
      assert.equal(calls.filter(({ status }) => status === 200).length, 1);

      await served(other.post("/budget/update", { ...monthly, max_budget: 0.2 }));
      await served(other.chat("old"));
      await served(
        other.post("/budget/update", { ...monthly, max_budget: 0.05, budget_duration: "2s" }),
      );
      await untilStatus(429, () => other.chat("windowed"));
      await untilStatus(200, () => other.chat("windowed"));
      const gone = await other.post("/budget/delete", { id: "default-tier" });
      assert.equal(gone.status, 409);
    } finally {
      await other.stop();
    }
  });

  test("max_end_user_budget caps every customer for whom no budget is found", async () => {
    const other = await startTestPurser({
      database: await database(),
      upstream: upstream.origin,
      litellm: { max_end_user_budget: 0.05 },
    });
    try {
      await served(other.chat("capped"));
      const { headers } = await refused(other.chat("capped"), "budget_exceeded");
      assert.equal(detailsOf(headers)["id"], "max_end_user_budget");
      await served(other.post("/customer/new", { user_id: "richer", max_budget: 1 }));
      await served(other.chat("richer"));
      await served(other.chat("richer"));
    } finally {
      await other.stop();
    }
  });

  test("amounts can be kept from callers who have not the master key", async () => {
    const url = await database();
    const budgets = [ledger.budget("k", [ledger.limit("usd", 100_000_000)])];
    await putAccounts(url, { budgets, keys: [keyOf("sk-a"), keyOf("sk-b", { budgetId: "k" })] });
    const other = await startTestPurser({
      database: url,
      upstream: upstream.origin,
      general: { hide_amounts: true },
    });
    try {
      await other.post("/customer/new", { user_id: "secret", max_budget: 0.05 });
      const call = { ...CALL, user: "secret" };
      const as = (key: string, body: object = call): Promise<Reply> =>
        other.post("/v1/chat/completions", body, { authorization: `Bearer ${key}` });
      const first = await served(as("sk-a"));
      assert.equal(first.headers.get("x-purser-budget-remaining"), null);
      const hidden = await refused(as("sk-a"), "budget_exceeded");
      assert.equal(hidden.body.error.message, "ExceededBudget: End User=secret over budget.");
      assert.deepEqual(Object.keys(detailsOf(hidden.headers)), ["scope", "id"]);
      const shown = await refused(other.chat("secret"), "budget_exceeded");
      assert.match(shown.body.error.message, /Spend=0\.06, Budget=0\.05$/);
      assert.equal(detailsOf(shown.headers)["spent"], "0.06");
      await served(as("sk-b", { ...CALL, user: "x" }));
      const ofKey = await refused(as("sk-b", { ...CALL, user: "x" }), "budget_exceeded");
      assert.match(ofKey.body.error.message, /^Budget has been exceeded! Key=sk-\S+$/);
    } finally {
      await other.stop();
    }
  });
});

async function served(reply: Promise<Reply>): Promise<Reply> {
  const { status, text } = await reply;
  assert.equal(status, 200, text);
  return reply;
}

async function refused(reply: Promise<Reply>, type: string): Promise<Reply> {
  const { status, body, text } = await reply;
  assert.equal(status, 429, text);
  assert.equal(body.error.type, type, text);
  assert.deepEqual(Object.keys(body), ["error"]);
  assert.deepEqual(Object.keys(body.error), ["message", "type", "param", "code"]);
  assert.deepEqual([body.error.param, body.error.code], [null, "429"]);
  return reply;
}

function isOfSoft(event: Record<string, unknown>): boolean {
  return event["customer_id"] === "soft";
}

function isSoftCrossing(event: Record<string, unknown>): boolean {
  return isOfSoft(event) && event["event"] === "soft_budget_crossed";
}

/** What the headers of a refusal say of the budget, by the ends of their names. */
function detailsOf(headers: Headers): Record<string, string> {
  const names = ["scope", "id", "spent", "limit", "remaining", "reset"];
  const found = names.map((name) => [name, headers.get(`x-purser-budget-${name}`)] as const);
  return Object.fromEntries(
    found.flatMap(([name, value]) => (value === null ? [] : [[name, value]])),
  );
}

async function untilStatus(status: number, call: () => Promise<Reply>): Promise<void> {
  await until(async () => (await call()).status === status);
}

/** Minutes are those of the clock, and what is counted in one must not fall into two. */
async function clearOfTheMinutesEnd(): Promise<void> {
  await until(() => Promise.resolve(Date.now() % 60_000 < 55_000));
}

/** A provider that answers only when it is let. */
function gated(): { script: Script; started: Promise<void>; finish: () => void } {
  const arrival = Promise.withResolvers<void>();
  const release = Promise.withResolvers<void>();
  const script: Script = async (received, response) => {
    arrival.resolve();
    await release.promise;
    await whole()(received, response);
  };
  return { script, started: arrival.promise, finish: release.resolve };
}
