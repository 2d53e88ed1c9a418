/** Corrections by hand and where a customer stands: every figure is the ledger's. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { hashOf } from "../../src/http/auth.ts";
import { onEachDatabase } from "../support/databases.ts";
import { budget, HOURLY, limit } from "../support/ledger.ts";
import { MASTER_KEY, startTestPurser, type Reply, type TestPurser } from "../support/purser.ts";
import { keyOf, putAccounts } from "../support/accounts.ts";
import { until } from "../support/until.ts";
import { startUpstream, whole, type Upstream } from "../support/upstream.ts";

const APP_KEY = "sk-app";
const USD = 1_000_000_000n;

interface LogRow {
  readonly api_key: string;
  readonly spend: number;
  readonly metadata: { readonly kind: string; readonly note: string | null };
}

onEachDatabase((database) => {
  let upstream: Upstream;
  let purser: TestPurser;

  before(async () => {
    upstream = await startUpstream();
    const url = await database();
    await putAccounts(url, {
      budgets: [
        budget("of-key", [limit("usd", 8n * USD, { period: HOURLY })]),
        budget("default", [limit("usd", 100n * USD)]),
      ],
      keys: [keyOf(APP_KEY, { alias: "app", customerBudgetId: "of-key" })],
    });
    purser = await startTestPurser({
      database: url,
      upstream: upstream.origin,
      litellm: { max_end_user_budget_id: "default" },
    });
  });
  after(async () => {
    await purser.stop();
    await upstream.close();
  });

  async function make(id: string, rest: object = {}): Promise<void> {
    const reply = await purser.post("/customer/new", { user_id: id, ...rest });
    assert.equal(reply.status, 200, reply.text);
  }

  function adjust(id: string, amount: unknown, rest: object = {}, headers = {}): Promise<Reply> {
    return purser.post(`/customer/${id}/adjust`, { amount, reason: "by hand", ...rest }, headers);
  }

  async function usage(id: string, query = "") {
    const { status, text, body } = await purser.get(`/customer/${id}/usage${query}`);
    assert.equal(status, 200, text);
    return body;
  }

  test("an adjustment charges or gives back, to the nano-dollar, and counts at once", async () => {
    await make("adjusted", { max_budget: 1, budget_duration: "30d" });
    const { status, body, text } = await adjust("adjusted", "1.000000001", { reason: "invoice 7" });
    assert.equal(status, 200);
    assert.match(text, /"amount":1\.000000001,/);
    assert.partialDeepStrictEqual(body, {
      user_id: "adjusted",
      kind: "adjust",
      reason: "invoice 7",
    });
    assert.match(body.created_at, /Z$/);
    assert.equal((await purser.info("adjusted")).spend, 1.000000001);
    assert.equal((await purser.chat("adjusted")).status, 429);
    assert.equal((await adjust("adjusted", -0.5)).status, 200);
    assert.equal((await purser.info("adjusted")).spend, 0.500000001);
    assert.equal((await purser.chat("adjusted")).status, 200);
  });

  test("an adjustment counts in the window of a key's budget too", async () => {
    const headers = { authorization: `Bearer ${APP_KEY}` };
    await make("by-key");
    const call = { model: "m", user: "by-key", messages: [{ role: "user", content: "hi" }] };
    assert.equal((await purser.post("/chat/completions", call, headers)).status, 200);
    await adjust("by-key", 7.94);
    assert.equal((await purser.post("/chat/completions", call, headers)).status, 429);
    assert.equal(
      (await purser.post("/chat/completions", call)).status,
      200,
      "the default has room",
    );
  });

  test("with the same idempotency key the same is posted once and answered the same", async () => {
    await make("once");
    const headers = { "idempotency-key": "k1" };
    const replies = await Promise.all([1, 2, 3, 4].map(() => adjust("once", 0.25, {}, headers)));
    assert.equal(new Set(replies.map(({ text }) => text)).size, 1);
    assert.deepEqual(
      (await adjust("once", 0.25, { idempotency_key: "k1" })).body,
      replies[0]?.body,
    );
    assert.equal((await purser.info("once")).spend, 0.25);
    for (const reply of [
      await adjust("once", 0.5, {}, headers),
      await adjust("once", 0.25, { reason: "another" }, headers),
      await purser.post("/customer/once/reset", { reason: "by hand" }, headers),
    ]) {
      assert.equal(reply.status, 409);
      assert.equal(reply.body.error.type, "conflict");
    }
    assert.equal((await purser.info("once")).spend, 0.25);
    await make("another");
    assert.equal((await adjust("another", 0.5, {}, headers)).status, 200, "keys are a customer's");
  });

  for (const [fault, body, status] of [
    ["no reason", { amount: 1 }, 422],
    ["an empty reason", { amount: 1, reason: "" }, 422],
    ["a NUL in the reason", { amount: 1, reason: "a\u0000" }, 422],
    ["no amount", { reason: "x" }, 422],
    ["an amount of NaN", { amount: "NaN", reason: "x" }, 400],
    ["an amount that vanishes", { amount: 1e-12, reason: "x" }, 400],
    ["an unknown field", { amount: 1, reason: "x", currency: "EUR" }, 422],
  ] as const) {
    test(`an adjustment with ${fault} is answered ${String(status)}`, async () => {
      assert.equal((await purser.post("/customer/adjusted/adjust", body)).status, status);
    });
  }

  test("nobody who does not exist is adjusted, reset or shown", async () => {
    const reason = { reason: "x" };
    for (const reply of [
      await purser.post("/customer/missing/adjust", { amount: 1, ...reason }),
      await purser.post("/customer/missing/reset", reason),
      await purser.get("/customer/missing/usage"),
    ]) {
      assert.equal(reply.status, 404);
      assert.equal(reply.body.error.message, "End User Id=missing does not exist in db");
    }
  });

  test("a reset lets the customer go on now, and its window ends when it would have", async () => {
    await make("reset", { max_budget: 0.1, budget_duration: "30d", rpm_limit: 2 });
    assert.equal((await purser.chat("reset")).status, 200);
    assert.equal((await purser.chat("reset")).status, 429);
    const before = await purser.info("reset");
    const headers = { "idempotency-key": "r1" };
    const reset = () => purser.post("/customer/reset/reset", { reason: "goodwill" }, headers);
    const first = await reset();
    assert.partialDeepStrictEqual(first.body, { user_id: "reset", kind: "reset" });
    const after = await purser.info("reset");
    assert.deepEqual(after, { ...before, spend: 0 });
    assert.equal((await purser.chat("reset")).status, 200);
    assert.deepEqual((await reset()).body, first.body);
    assert.equal((await purser.info("reset")).spend, 0.06, "and not once more");
  });

  test("a correction and a reset stay in the log, with their reason and the key that asked", async () => {
    await make("audited");
    await adjust("audited", 2.5, { reason: "invoice 9" });
    await purser.post("/customer/audited/reset", { reason: "goodwill 9" });
    const { body } = await purser.get("/spend/logs?summarize=false&end_user=audited");
    const lines = body.map(({ api_key, spend, metadata: { kind, note } }: LogRow) => {
      return { api_key, spend, kind, note };
    });
    const api_key = hashOf(MASTER_KEY);
    assert.deepEqual(lines, [
      { api_key, spend: 0, kind: "reset", note: "goodwill 9" },
      { api_key, spend: 2.5, kind: "adjusted", note: "invoice 9" },
    ]);
  });

  test("a call in flight during a reset is charged to the window it was admitted in", async () => {
    await make("flying", { max_budget: 1, budget_duration: "30d" });
    const { promise, resolve } = Promise.withResolvers<void>();
    upstream.answer = async (received, response) => {
      await promise;
      await whole()(received, response);
    };
    const call = purser.chat("flying");
    await until(async () => (await usage("flying")).limits[0].held > 0);
    await purser.post("/customer/flying/reset", { reason: "now" });
    resolve();
    assert.equal((await call).status, 200);
    upstream.answer = whole();
    assert.partialDeepStrictEqual((await usage("flying")).limits[0], { used: 0.06, held: 0 });
  });

  test("usage shows every limit with used, held, remaining and its window", async () => {
    const limits = { max_budget: 2, budget_duration: "1d", rpm_limit: 100, soft_budget: 1 };
    await make("shown", { ...limits, max_parallel_requests: 3 });
    await purser.chat("shown");
    const info = (await purser.get("/customer/info?end_user_id=shown")).body;
    const body = await usage("shown");
    assert.deepEqual(body.budget, { source: "own", budget_id: info.budget_id });
    assert.equal(body.total_spend, 0.06);
    const hard = body.limits.find(
      (one: { meter: string; soft: boolean }) => one.meter === "usd" && !one.soft,
    );
    const { window_start, window_end, resets_in_seconds, ...figures } = hard;
    assert.deepEqual(figures, {
      meter: "usd",
      model: null,
      soft: false,
      limit: 2,
      used: 0.06,
      held: 0,
      remaining: 1.94,
    });
    assert.equal(window_end, info.litellm_budget_table.budget_reset_at);
    assert.equal(Date.parse(window_end) - Date.parse(window_start), 86_400_000);
    assert.ok(resets_in_seconds > 0 && resets_in_seconds <= 86_400);
    const meters = body.limits.map(({ meter }: { meter: string }) => meter).toSorted();
    assert.deepEqual(meters, ["concurrency", "requests", "usd", "usd"]);
  });

  for (const [query, expected] of [
    ["", { source: "default", budget_id: "default" }],
    ["?key=app", { source: "key", budget_id: "of-key" }],
    [`?key=${hashOf(APP_KEY)}`, { source: "key", budget_id: "of-key" }],
  ] as const) {
    test(`usage${query.slice(0, 8)} says that the budget is the ${expected.source}'s`, async () => {
      await make(`source${query}`);
      const id = encodeURIComponent(`source${query}`);
      assert.deepEqual((await usage(id, query)).budget, expected);
      assert.equal((await purser.get(`/customer/${id}/usage?key=nope`)).status, 404);
    });
  }

  test("past windows are kept, the latest first, and add up to what was charged", async () => {
    await make("periodic", { max_budget: 100, budget_duration: "1s" });
    for (let period = 0; period < 3; period += 1) {
      await purser.chat("periodic");
      await until(async () => (await usage("periodic")).past_windows.length === period + 1);
    }
    const { past_windows: windows, total_spend: total } = await usage("periodic");
    assert.deepEqual(
      windows.map((one: { used: number }) => one.used),
      [0.06, 0.06, 0.06],
    );
    assert.equal(total, 0.18);
    const ends = windows.map((one: { window_end: string }) => one.window_end);
    assert.deepEqual(ends, ends.toSorted().toReversed());
    assert.equal((await usage("periodic", "?windows=1")).past_windows.length, 1);
    assert.equal((await usage("periodic", "?windows=0")).past_windows.length, 0);
    assert.equal((await purser.get("/customer/periodic/usage?windows=101")).status, 422);
  });
});
