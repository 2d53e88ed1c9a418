/** Customers written as they shall be, one by one and by the thousand, and read page by page. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { onEachDatabase } from "../support/databases.ts";
import { budget, limit } from "../support/ledger.ts";
import { startTestPurser, type Reply, type TestPurser } from "../support/purser.ts";
import { putAccounts } from "../support/accounts.ts";
import { startUpstream, type Upstream } from "../support/upstream.ts";

const USD = 1_000_000_000n;
const BULK = 10_000;

onEachDatabase((database) => {
  let upstream: Upstream;
  let purser: TestPurser;

  before(async () => {
    upstream = await startUpstream();
    const url = await database();
    const budgets = [
      budget("T", [limit("usd", 4n * USD)]),
      budget("default", [limit("usd", USD / 100n)]),
    ];
    await putAccounts(url, { budgets });
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

  async function put(id: string, body: object): Promise<Reply> {
    const reply = await purser.put(`/customer/${encodeURIComponent(id)}`, body);
    assert.equal(reply.status, 200, reply.text);
    assert.deepEqual(reply.body, await purser.info(id), "the answer is what info shows");
    return reply;
  }

  async function bulk(customers: readonly object[]): Promise<Reply> {
    const reply = await purser.post("/customer/bulk", { customers });
    assert.equal(reply.status, 200, reply.text);
    return reply;
  }

  for (const [what, body] of [
    ["nothing", {}],
    ["a budget of its own", { max_budget: 2, budget_duration: "30d", rpm_limit: 5 }],
    ["an anchored budget", { max_budget: 2, budget_duration: "10d" }],
    ["a list of limits", { limits: [{ meter: "usd", max: 1, duration: "1d" }] }],
    ["a tier", { budget_id: "T", alias: "A" }],
    ["everything else", { alias: "A", blocked: true, models: ["m"], default_model: "m" }],
  ] as const) {
    test(`put of ${what} makes the customer, and again changes nothing`, async () => {
      const id = `put ${what}`;
      const first = await put(id, body);
      assert.deepEqual((await put(id, body)).body, first.body);
      const again = await bulk([{ user_id: id, ...body }]);
      assert.deepEqual(again.body.results, [{ user_id: id, result: "unchanged" }]);
    });
  }

  test("what put does not name is as in a new customer", async () => {
    const full = { alias: "A", blocked: true, models: ["m"], allowed_model_region: "eu" };
    const before = await put("whole", { ...full, max_budget: 2, rpm_limit: 3 });
    const { body } = await put("whole", { max_budget: 5 });
    assert.equal(body.budget_id, before.body.budget_id, "its budget goes on under its id");
    assert.partialDeepStrictEqual(body, {
      alias: null,
      blocked: false,
      allowed_model_region: null,
    });
    assert.partialDeepStrictEqual(body.litellm_budget_table, { max_budget: 5, rpm_limit: null });
    const { body: bare } = await put("whole", {});
    assert.equal(bare.litellm_budget_table, null);
    const gone = await purser.put("/customer/late", { budget_id: before.body.budget_id });
    assert.equal(gone.status, 404, "nobody has it any more, so it is gone");
  });

  test("a customer without a budget of its own is under the default, and comes back to it", async () => {
    assert.equal((await purser.chat("never-seen")).status, 429);
    assert.equal((await purser.get("/customer/info?end_user_id=never-seen")).status, 404);
    await put("returns", { max_budget: 1 });
    assert.equal((await purser.chat("returns")).status, 200);
    const body = { user_id: "returns", budget_id: null };
    const { body: info } = await purser.post("/customer/update", body);
    assert.equal(info.litellm_budget_table, null, "the default is not the customer's own");
    assert.equal((await purser.chat("returns")).status, 429);
  });

  test("a bulk of ten thousand takes effect whole, and again changes nothing, while calls go on", async () => {
    await put("caller", { max_budget: 1000 });
    const customers = Array.from({ length: BULK }, (_, index) => ({
      user_id: `bulk${String(index)}`,
      alias: `Customer ${String(index)}`,
      ...(index % 2 === 0 ? { budget_id: "T" } : { max_budget: index, budget_duration: "1mo" }),
    }));
    const writing = bulk(customers);
    const done = new AbortController();
    void writing.finally(() => done.abort());
    const waits: number[] = [];
    while (!done.signal.aborted) {
      const begun = performance.now();
      assert.equal((await purser.chat("caller")).status, 200);
      waits.push(performance.now() - begun);
    }
    const { body } = await writing;
    assert.partialDeepStrictEqual(body, { created: BULK, updated: 0, unchanged: 0 });
    assert.equal(body.results.length, BULK);
    assert.deepEqual(body.results[7], { user_id: "bulk7", result: "created" });
    assert.ok(waits.length >= 10, `calls beside it: ${String(waits.length)}`);

    const changed = customers.map((one, index) => (index === 3 ? { ...one, alias: "new" } : one));
    const { body: again } = await bulk(changed);
    assert.partialDeepStrictEqual(again, { created: 0, updated: 1, unchanged: BULK - 1 });
    assert.deepEqual(again.results[3], { user_id: "bulk3", result: "updated" });
    assert.partialDeepStrictEqual(await purser.info("bulk9999"), {
      alias: "Customer 9999",
      litellm_budget_table: { max_budget: 9999, budget_duration: "1mo" },
    });
  });

  for (const [fault, item, place] of [
    ["a blank id", { user_id: " " }, "user_id"],
    ["an id that is there twice", { user_id: "fine0" }, "user_id"],
    ["an unknown field", { user_id: "x", nope: 1 }, "nope"],
    ["an unknown tier", { user_id: "x", budget_id: "nope" }, "budget_id"],
    ["an unknown model", { user_id: "x", default_model: "nope" }, "default_model"],
    ["a negative amount", { user_id: "x", max_budget: -1 }, "max_budget"],
    ["a bad duration", { user_id: "x", max_budget: 1, budget_duration: "0d" }, "budget_duration"],
  ] as const) {
    test(`a bulk with ${fault} is refused with its place, and nothing of it is written`, async () => {
      const fine = Array.from({ length: 600 }, (_, index) => ({ user_id: `fine${String(index)}` }));
      const { status, body } = await purser.post("/customer/bulk", { customers: [...fine, item] });
      assert.equal(status, 422);
      assert.deepEqual(body.detail[0].loc.map(String), ["body", "customers", "600", place]);
      assert.equal((await purser.get("/customer/info?end_user_id=fine0")).status, 404);
    });
  }

  test("a bulk may move a budget from one of its customers to another", async () => {
    const { body } = await put("giver", { max_budget: 3 });
    const budget_id = body.budget_id as string;
    await bulk([{ user_id: "taker", budget_id }, { user_id: "giver" }]);
    assert.equal((await purser.info("taker")).litellm_budget_table?.max_budget, 3);
    assert.equal((await purser.info("giver")).litellm_budget_table, null);
  });

  test("pages of a list are found again from their last id, and search finds ids and aliases", async () => {
    const { body: all } = await purser.get("/customer/list");
    const seen: string[] = [];
    let after = "";
    for (;;) {
      const cursor = after === "" ? "" : `&after=${encodeURIComponent(after)}`;
      const { body } = await purser.get(`/customer/list?limit=500${cursor}`);
      assert.equal(body.object, "list");
      seen.push(...body.data.map((one: { user_id: string }) => one.user_id));
      if (!body.has_more) {
        assert.equal(body.next_after, null);
        break;
      }
      after = body.next_after;
    }
    assert.deepEqual(
      seen,
      all.map((one: { user_id: string }) => one.user_id),
    );
    assert.ok(seen.length > BULK);
    const found = async (q: string): Promise<string[]> => {
      const { body } = await purser.get(`/customer/list?q=${encodeURIComponent(q)}`);
      return body.data.map((one: { user_id: string }) => one.user_id);
    };
    assert.deepEqual(await found("ULK4242"), ["bulk4242"]);
    assert.deepEqual(await found("customer 4242"), ["bulk4242"]);
    assert.deepEqual(await found("%"), [], "no sign stands for others");
    assert.equal((await purser.get("/customer/list?q=bulk")).body.data.length, 100);
    for (const query of ["limit=0", "limit=501", "limit=x", "lmit=5"])
      assert.equal((await purser.get(`/customer/list?${query}`)).status, 422, query);
  });
});
