/** What was spent, by every route that tells it, over real sockets and on both databases. */

import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { parseDatabase } from "../../src/config/database.ts";
import { hashOf } from "../../src/http/auth.ts";
import type { Command } from "../../src/ledger/command.ts";
import { nanoUsd, parseUsd } from "../../src/money/amount.ts";
import { openStore } from "../../src/store/open.ts";
import { onEachDatabase } from "../support/databases.ts";
import * as ledger from "../support/ledger.ts";
import {
  MASTER_KEY,
  pricedModel,
  startTestPurser,
  type Reply,
  type TestPurser,
} from "../support/purser.ts";
import { Dice, seeded } from "../support/seed.ts";
import { startUpstream, streamed, whole, type Upstream } from "../support/upstream.ts";

const MASTER_HASH = hashOf(MASTER_KEY);
const VIEWER = "sk-viewer";
const CALLER = "sk-caller";
/** Long before the calls of the tests, so that they do not meet. */
const OLD = Date.UTC(2025, 2, 10);
const OLD_ROWS = 2_500;
const DAY_MS = 86_400_000;

onEachDatabase((database) => {
  let upstream: Upstream;
  let purser: TestPurser;

  before(async () => {
    upstream = await startUpstream();
    const address = await database();
    await prepare(address);
    const free = { input_cost_per_token: 0, output_cost_per_token: 0 };
    purser = await startTestPurser({
      database: address,
      upstream: upstream.origin,
      models: [
        pricedModel("m", upstream.origin),
        pricedModel("other", upstream.origin),
        pricedModel("free", upstream.origin, free),
      ],
    });
  });
  beforeEach(() => {
    upstream.answer = whole();
  });
  after(async () => {
    await purser.stop();
    await upstream.close();
  });

  const logs = async (query: string) => (await purser.get(`/spend/logs?${query}`)).body;
  const activity = (query: string, headers = {}) =>
    purser.get(`/customer/daily/activity?${query}`, headers);

  test("two calls are two rows of the log, with who, what and how much", async () => {
    const first = await purser.chat("d34");
    assert.equal(first.headers.get("x-litellm-response-cost"), "0.06");
    await purser.chat("d34");
    assert.equal((await purser.info("d34")).spend, 0.12);
    const rows = await logs("end_user=d34");
    assert.equal(rows.length, 2);
    const row = rows[1];
    assert.equal(row.request_id, first.headers.get("x-request-id"));
    assert.deepEqual(
      [row.end_user, row.prompt_tokens, row.completion_tokens, row.total_tokens, row.status],
      ["d34", 20, 20, 40, "success"],
    );
    assert.deepEqual(
      [row.spend, row.api_key, row.model, row.call_type, row.cache_hit],
      [0.06, MASTER_HASH, "m", "acompletion", "False"],
    );
    assert.ok(row.startTime <= row.endTime);
    assert.equal(row.request_duration_ms, Date.parse(row.endTime) - Date.parse(row.startTime));
    assert.deepEqual([row.messages, row.response], [{}, {}], "prompts are never stored");
  });

  test("a streamed call is charged and logged like any other", async () => {
    upstream.answer = streamed(["Hel", "lo"]);
    const { text } = await purser.chat("d35", { stream: true });
    assert.match(text, /data: \[DONE\]\n\n$/);
    assert.deepEqual(upstream.received.at(-1)?.body["stream_options"], { include_usage: true });
    assert.equal((await purser.info("d35")).spend, 0.06);
    assert.equal((await logs("end_user=d35"))[0].spend, 0.06);
  });

  test("a call that failed is a row with status failure and spend 0", async () => {
    upstream.answer = whole(undefined, 500);
    assert.equal((await purser.chat("d36")).status, 502);
    assert.equal((await purser.info("d36")).spend, 0);
    const [row, ...others] = await logs("end_user=d36");
    assert.deepEqual([row.status, row.spend, row.end_user, others], ["failure", 0, "d36", []]);
    assert.equal(row.metadata.note, "the provider answered 500");
  });

  test("a model that is free is served to who has nothing left, and costs nothing", async () => {
    await purser.post("/customer/new", { user_id: "d38", max_budget: 0.06 });
    assert.equal((await purser.chat("d38")).status, 200);
    assert.equal((await purser.chat("d38")).status, 429);
    assert.equal((await purser.chat("d38", { model: "free" })).status, 200);
    assert.equal((await purser.info("d38")).spend, 0.06);
    assert.deepEqual(
      (await logs("end_user=d38")).map((row: { model: string; spend: number }) => [
        row.model,
        row.spend,
      ]),
      [
        ["free", 0],
        ["m", 0.06],
      ],
    );
  });

  test("a customer that a call named is there, without a budget, and cannot be made anew", async () => {
    await purser.chat("d39");
    const info = await purser.info("d39");
    assert.deepEqual([info.blocked, info.litellm_budget_table], [false, null]);
    assert.equal((await purser.post("/customer/new", { user_id: "d39" })).status, 400);
  });

  test("daily activity shows the day of a customer, with its alias", async () => {
    await purser.post("/customer/new", { user_id: "d40", alias: "Acme" });
    await purser.chat("d40");
    await purser.chat("d40");
    for (const prefix of ["/customer", "/end_user"]) {
      const range = `start_date=${today()}&end_date=${today()}&end_user_ids=d40`;
      const { status, body } = await purser.get(`${prefix}/daily/activity?${range}`);
      assert.equal(status, 200);
      const [day, ...others] = body.results;
      assert.deepEqual([day.date, others], [today(), []]);
      const { metrics, breakdown } = day;
      assert.deepEqual([metrics.spend, metrics.api_requests, metrics.total_tokens], [0.12, 2, 80]);
      assert.deepEqual([metrics.successful_requests, metrics.failed_requests], [2, 0]);
      assert.equal(metrics.autorouter_savings_spend, 0);
      assert.deepEqual(breakdown.entities.d40.metadata, { alias: "Acme" });
      assert.deepEqual(breakdown.entities.d40.metrics, metrics);
      assert.deepEqual(breakdown.models.m.metrics, metrics);
      assert.deepEqual(breakdown.models.m.api_key_breakdown[MASTER_HASH].metrics, metrics);
      assert.deepEqual(breakdown.providers.openai.metrics, metrics);
      assert.deepEqual(breakdown.endpoints["/v1/chat/completions"].metrics, metrics);
      assert.deepEqual(breakdown.api_keys[MASTER_HASH].metadata, {
        key_alias: null,
        team_id: null,
        user_id: null,
        user_email: null,
        key_exists: true,
      });
      assert.deepEqual(breakdown.mcp_servers, {});
      const { total_spend, total_api_requests, page, total_pages, has_more } = body.metadata;
      assert.deepEqual([total_spend, total_api_requests], [0.12, 2]);
      assert.deepEqual([page, total_pages, has_more], [1, 1, false]);
    }
  });

  test("daily activity is for administrators and viewers, and says so in LiteLLM's words", async () => {
    const range = `start_date=${today()}&end_date=${today()}`;
    const refused = await activity(range, { authorization: `Bearer ${CALLER}` });
    assert.equal(refused.status, 401);
    assert.deepEqual(refused.body, {
      detail: { error: "Admin-only endpoint. Your user role=inference" },
    });
    assert.equal((await activity(range, { authorization: `Bearer ${VIEWER}` })).status, 200);
  });

  test("no other report is for the keys of applications", async () => {
    const headers = { authorization: `Bearer ${CALLER}` };
    const reports = [
      "/spend/logs",
      "/spend/logs/v2",
      "/spend/logs/ui",
      "/spend/export",
      "/spend/keys",
      "/global/spend",
      "/global/all_end_users",
      "/global/spend/report?group_by=customer",
    ];
    for (const path of reports) {
      assert.equal((await purser.get(path, headers)).status, 401, path);
    }
    assert.equal((await purser.post("/global/spend/end_users", {}, headers)).status, 401);
    const priced = { model: "m", messages: [] };
    assert.equal((await purser.post("/spend/calculate", priced, headers)).status, 200);
  });

  test("daily activity without dates is a 400 of the envelope that it has", async () => {
    for (const query of ["", `start_date=${today()}`, `end_date=${today()}`]) {
      const { status, body } = await activity(query);
      assert.equal(status, 400);
      assert.deepEqual(body, { detail: { error: "Please provide start_date and end_date" } });
    }
  });

  test("dates, zones and ranges that are none are told what they should be", async () => {
    const faults: readonly (readonly [query: string, words: string])[] = [
      ["start_date=2026-02-30&end_date=2026-03-01", "start_date must be a date"],
      ["start_date=2026-03-01&end_date=tomorrow", "end_date must be a date"],
      ["start_date=2026-03-01&end_date=2026-03-02&timezone=Mars", "timezone must be an IANA zone"],
      ["start_date=2016-03-01&end_date=2026-03-02", "A report is of 1096 days at most"],
    ];
    for (const [query, words] of faults) {
      const { status, body } = await activity(query);
      assert.equal(status, 400, query);
      assert.ok(body.detail.error.startsWith(words), String(body.detail.error));
    }
    const unknown = await activity(`start_date=${today()}&end_date=${today()}&zone=UTC`);
    assert.equal(unknown.status, 422);
  });

  test("pages of daily activity are of lines, and add up", async () => {
    for (const customer of ["p1", "p2", "p3"]) await purser.chat(customer);
    await purser.chat("p1", { model: "other" });
    const query = `start_date=${today()}&end_date=${today()}&end_user_ids=p1,p2,p3&page_size=3`;
    const first = (await activity(query)).body;
    const second = (await activity(`${query}&page=2`)).body;
    assert.deepEqual([first.metadata.total_pages, first.metadata.has_more], [2, true]);
    assert.deepEqual([second.metadata.total_pages, second.metadata.has_more], [2, false]);
    assert.equal(first.metadata.total_spend + second.metadata.total_spend, 0.24);
    const behind = (await activity(`${query}&page=9`)).body;
    assert.deepEqual([behind.results, behind.metadata.total_pages], [[], 2]);
    const without = (await activity(`${query}&exclude_end_user_ids=p1`)).body;
    assert.deepEqual(Object.keys(without.results[0].breakdown.entities), ["p2", "p3"]);
    const other = (await activity(`${query}&model=other&api_key=${MASTER_KEY}`)).body;
    assert.equal(other.metadata.total_spend, 0.06);
  });

  test("the dearest customers, all customers and the report name a customer that was charged", async () => {
    await purser.chat("d41");
    await purser.chat("d41");
    const { body: dearest } = await purser.post("/global/spend/end_users", {});
    const own = dearest.find((line: { end_user: string }) => line.end_user === "d41");
    assert.deepEqual(own, { end_user: "d41", total_count: 2, total_spend: 0.12 });
    const bodiless = await purser.post("/global/spend/end_users", "");
    assert.deepEqual(bodiless.body, dearest, "LiteLLM's body is optional");
    const ofKey = await purser.post("/global/spend/end_users", { api_key: CALLER, endTime: null });
    assert.deepEqual(ofKey.body, []);
    const all = (await purser.get("/global/all_end_users")).body.end_users;
    assert.ok(all.includes("d41") && all.includes("old-7"));
    assert.equal(new Set(all).size, all.length);
    const range = `start_date=${today()}&end_date=${today()}`;
    const report = `/global/spend/report?${range}&group_by=customer&customer_id=d41`;
    assert.deepEqual((await purser.get(report)).body, [
      {
        group_by_day: `${today()}T00:00:00+00:00`,
        customers: [
          {
            customer: "d41",
            total_spend: 0.12,
            metadata: [{ model: "m", spend: 0.12, total_tokens: 80, api_key: MASTER_HASH }],
          },
        ],
      },
    ]);
  });

  test("a report can be by key, and keys can be listed by what they spent", async () => {
    const call = { model: "m", user: "by-key", messages: [{ role: "user", content: "hi" }] };
    await purser.post("/v1/chat/completions", call, { authorization: `Bearer ${CALLER}` });
    const range = `start_date=${today()}&end_date=${today()}&group_by=api_key&api_key=${CALLER}`;
    const costs = { total_cost: 0.06, total_input_tokens: 20, total_output_tokens: 20 };
    assert.deepEqual((await purser.get(`/global/spend/report?${range}`)).body, [
      { api_key: hashOf(CALLER), ...costs, model_details: [{ model: "m", ...costs }] },
    ]);
    const { body: keys } = await purser.get("/spend/keys");
    const own = keys.find((key: { token: string }) => key.token === hashOf(CALLER));
    assert.deepEqual(own, {
      token: hashOf(CALLER),
      key_name: `sk-...${CALLER}`,
      key_alias: "the app",
      spend: 0.06,
      total_count: 1,
      user_id: "u1",
      team_id: "t1",
    });
    assert.equal(keys[0].token, MASTER_HASH);
    const rows = await logs("user_id=u1");
    assert.deepEqual(
      rows.map((row: Row) => [row.end_user, row.user, row.team_id]),
      [["by-key", "u1", "t1"]],
    );
    assert.deepEqual(await logs("user_id=nobody"), []);
  });

  test("the log of a single day holds that day, to its end", async () => {
    const call = await purser.chat("d42");
    const id = String(call.headers.get("x-request-id"));
    const rows = await logs(`start_date=${today()}&end_date=${today()}&summarize=false`);
    assert.ok(rows.some((row: Row) => row.request_id === id));
    const [only, ...others] = await logs(`request_id=${id}`);
    assert.deepEqual([only.end_user, others], ["d42", []]);
    const old = await logs("start_date=2025-03-10&end_date=2025-03-10&summarize=false");
    assert.deepEqual(
      old.map((row: Row) => row.endTime),
      old
        .map((row: Row) => row.endTime)
        .toSorted()
        .toReversed(),
      "newest first",
    );
    assert.deepEqual(
      [old[0].endTime, old.at(-1).endTime],
      ["2025-03-10T23:59:08.170Z", "2025-03-10T00:00:00.000Z"],
    );
  });

  test("without dates or a filter the log is bounded, and with one it is whole", async () => {
    const rows = await logs("");
    assert.equal(rows.length, 1000);
    assert.equal((await logs("api_key=old-key")).length, OLD_ROWS);
  });

  test("the summary of the log has every day, its users, models and keys", async () => {
    const days = await logs("start_date=2025-03-09&end_date=2025-03-12&api_key=old-key");
    const names = days.map((day: { startTime: string }) => day.startTime);
    assert.deepEqual(names, ["2025-03-09", "2025-03-10", "2025-03-11", "2025-03-12"]);
    assert.deepEqual(days[0], { startTime: "2025-03-09", spend: 0, users: {}, models: {} });
    const spend = 0.000001667;
    assert.deepEqual(days[1], {
      startTime: "2025-03-10",
      spend,
      users: { "": spend },
      models: { m1: spend },
      "old-key": spend,
    });
    const shifted = "start_date=2025-03-10&end_date=2025-03-10&timezone=Asia/Kolkata";
    const [kolkata] = await logs(`${shifted}&end_user=old-7`);
    const [utc] = await logs(`${shifted.replace("Asia/Kolkata", "UTC")}&end_user=old-7`);
    assert.ok(kolkata.spend > 0 && kolkata.spend < utc.spend);
  });

  test("pages of the log show each row once, and are filtered by every field", async () => {
    const page = async (query: string, path = "/spend/logs/v2") =>
      (await purser.get(`${path}?${query}`)).body;
    const range = "start_date=2025-03-10 00:00:00&end_date=2025-03-10 23:59:59&page_size=100";
    const ids: string[] = [];
    let pages = 1;
    for (let number = 1; number <= pages; number++) {
      const { data, total, total_pages } = await page(`${range}&page=${String(number)}`);
      ids.push(...data.map((row: Row) => row.request_id));
      pages = total_pages;
      assert.equal(total, 1667);
    }
    assert.equal(pages, 17);
    assert.equal(new Set(ids).size, 1667);
    const own = await page(`${range}&end_user=old-7&status_filter=success`, "/spend/logs/ui");
    assert.equal(own.total, 166);
    assert.ok(own.data.every((row: Row) => row.end_user === "old-7" && row.status === "success"));
    assert.equal((await page(`${range}&status_filter=failure`)).total, 0);
    assert.equal((await page(`${range}&model=m1&min_spend=0.000000001`)).total, 1667);
    assert.equal((await page(`${range}&max_spend=0`)).total, 0);
    const { status, body } = await purser.get("/spend/logs/v2?page=1");
    assert.equal(status, 400);
    assert.equal(body.error.message, "Start date and end date are required");
  });

  test("a prompt, and an answer, are priced as a call would be", async () => {
    const usage = { prompt_tokens: 20, completion_tokens: 20, total_tokens: 40 };
    const answer = await purser.post("/spend/calculate", {
      completion_response: { model: "m", usage },
    });
    assert.equal(answer.text, '{"cost":0.06}');
    const messages = [{ role: "user", content: "hi" }];
    const prompt = await purser.post("/spend/calculate", { model: "m", messages });
    assert.equal(prompt.text, '{"cost":0.017}');
    const nothing = await purser.post("/spend/calculate", {});
    assert.equal(nothing.status, 400);
    assert.equal(
      nothing.body.error.message,
      "Bad Request - Either 'model' or 'completion_response' must be provided",
    );
    const nameless = await purser.post("/spend/calculate", { completion_response: { usage } });
    assert.equal(nameless.status, 400);
    assert.match(nameless.text, /completion_response must name its model/);
    const unknown = await purser.post("/spend/calculate", { model: "nope", messages });
    assert.equal(unknown.status, 404);
  });

  test("the export holds every posting of the range, oldest first, as CSV", async () => {
    const query = "start_date=2025-03-10&end_date=2025-03-11";
    const { status, headers, text } = await purser.get(`/spend/export?${query}`);
    assert.equal(status, 200);
    assert.equal(headers.get("content-type"), "text/csv; charset=utf-8");
    const rows = csvRows(text);
    assert.equal(rows.length, OLD_ROWS);
    const times = rows.map((row) => row["posted_at"] ?? "");
    assert.deepEqual(times, times.toSorted());
    assert.equal(new Set(rows.map((row) => row["request_id"])).size, OLD_ROWS);
    assert.equal(rows[0]?.["note"], 'said "no",\nthen yes');
    const own = csvRows((await purser.get(`/spend/export?${query}&end_user=old-7`)).text);
    assert.equal(own.length, OLD_ROWS / 10);
    assert.equal((await purser.get("/spend/export")).status, 400);
    const none = await purser.get("/spend/export?start_date=2024-01-01&end_date=2024-01-02");
    assert.equal(none.text.split("\r\n").length, 2, "a head and no rows");
  });

  test("customers and keys that are gone stay in reports under their ids", async () => {
    const range = "start_date=2025-03-07&end_date=2025-03-07&end_user_ids=gone";
    const [day] = (await activity(range)).body.results;
    assert.deepEqual(day.breakdown.entities.gone.metadata, { alias: null });
    assert.equal(day.breakdown.api_keys["gone-key"].metadata.key_exists, false);
    const report = "/global/spend/report?start_date=2025-03-07&end_date=2025-03-07";
    const { body } = await purser.get(`${report}&group_by=customer&customer_id=gone`);
    assert.equal(body[0].customers[0].total_spend, 0.000000005);
  });

  test("every route tells the same of a customer, to the nano-dollar", async (t) => {
    const dice = new Dice(seeded(t).seed);
    const customers = ["e1", "e2", "e3"];
    const charged = new Map(customers.map((customer) => [customer, 0n]));
    for (let call = 0; call < 40; call++) {
      const customer = dice.pick(customers);
      const [prompt, completion] = [dice.roll(3000), dice.roll(20)];
      const usage = { prompt_tokens: prompt, completion_tokens: completion };
      const stream = dice.chance(0.3);
      upstream.answer = stream ? streamed(["a"], usage) : whole(usage);
      if (dice.chance(0.2)) upstream.answer = whole(undefined, 503);
      const reply = await purser.chat(customer, {
        model: dice.pick(["m", "other", "free"]),
        stream,
      });
      charged.set(customer, (charged.get(customer) ?? 0n) + costOf(reply));
    }
    for (const customer of customers) {
      const told = await everythingTold(purser, customer);
      assert.deepEqual(
        Object.values(told),
        Object.keys(told).map(() => charged.get(customer)),
        `${customer}: ${Object.keys(told).join(", ")}`,
      );
    }
  });

  test("the total of the last days is the sum of the log", async () => {
    const range = `start_date=${today()}&end_date=${today()}`;
    const rows: Row[] = await logs(`${range}&summarize=false`);
    const { body } = await purser.get(`/global/spend?${range}`);
    assert.equal(parseUsd(body.spend), sum(rows.map((row) => row.spend)));
    assert.equal(body.max_budget, null);
    assert.deepEqual((await purser.get("/global/spend")).body, body);
  });
});

interface Row {
  readonly request_id: string;
  readonly end_user: string;
  readonly user: string;
  readonly team_id: string | null;
  readonly status: string;
  readonly spend: number;
  readonly endTime: string;
}

/** Keys of either role, and a past: a posting a minute of ten customers, and one whose customer and key are gone. */
async function prepare(address: string): Promise<void> {
  const parsed = parseDatabase(address);
  assert.ok(parsed.ok);
  const store = await openStore(parsed.value, ledger.POLICY);
  const keys = [
    ledger.key(hashOf(VIEWER), { secretHash: hashOf(VIEWER), role: "viewer" }),
    ledger.key(hashOf(CALLER), {
      secretHash: hashOf(CALLER),
      name: `sk-...${CALLER}`,
      alias: "the app",
      userId: "u1",
      teamId: "t1",
    }),
  ];
  const rewrites = keys.map((row) => ({ id: row.hash, revision: null, row }));
  await store.apply([ledger.write("keys", { keys: rewrites })]);
  const calls = Array.from({ length: OLD_ROWS }, (_, index) => oldCall(index));
  await store.apply(calls.flat());
  await store.apply(
    callAt("gone", OLD - 3 * DAY_MS, { customer: "gone", hash: "gone-key", charge: 5 }),
  );
  const row = { id: "gone", revision: "gone", row: null };
  await store.apply([ledger.write("away", { customers: [row] })]);
  await store.close();
}

/** Of a day, 1667 times 51.83 seconds apart, and then of the next. */
function oldCall(index: number): Command[] {
  const at = OLD + Math.round((index * DAY_MS) / 1667);
  const call = { customer: `old-${String(index % 10)}`, hash: "old-key", charge: 1 };
  return callAt(`old${String(index)}`, at, call, index === 0 ? 'said "no",\nthen yes' : null);
}

function callAt(
  id: string,
  at: number,
  { customer, hash, charge }: { customer: string; hash: string; charge: number },
  note: string | null = null,
): Command[] {
  const key = { hash, revision: null };
  return [
    ledger.reserve(id, { at, customer, key }),
    ledger.settle(id, charge, { at, usage: { input: 1 }, note }),
  ];
}

function today(): string {
  return new Date().toISOString().slice(0, 10);
}

/** What the answer itself says that it cost: a header, or of a stream its usage or the comment before its end. */
function costOf({ headers, text }: Reply): bigint {
  const said = headers.get("x-litellm-response-cost") ?? TOLD.exec(text)?.[1] ?? "0";
  return parseUsd(said) ?? assert.fail(said);
}

const TOLD = /(?:: cost=|"cost":)([\d.]+)/;

/** What each route says that a customer was charged. */
async function everythingTold(purser: TestPurser, customer: string) {
  const range = `start_date=${today()}&end_date=${today()}`;
  const read = async (path: string) => (await purser.get(path)).body;
  const day = await read(
    `/customer/daily/activity?${range}&end_user_ids=${customer}&page_size=1000`,
  );
  const report = `/global/spend/report?${range}&group_by=customer&customer_id=${customer}`;
  const dearest = (await purser.post("/global/spend/end_users", {})).body;
  const rows: Row[] = await read(`/spend/logs?${range}&summarize=false&end_user=${customer}`);
  const exported = await purser.get(`/spend/export?${range}&end_user=${customer}`);
  const ofCustomer = (line: { end_user: string }): boolean => line.end_user === customer;
  return {
    info: usd((await purser.info(customer)).spend),
    activity: usd(day.metadata.total_spend),
    entity: usd(day.results[0].breakdown.entities[customer].metrics.spend),
    report: usd((await read(report))[0].customers[0].total_spend),
    dearest: usd(dearest.find(ofCustomer).total_spend),
    rows: sum(rows.map((row) => row.spend)),
    summary: usd((await read(`/spend/logs?${range}&end_user=${customer}`))[0].spend),
    export: sum(csvRows(exported.text).map((row) => row["spend_usd"] ?? "")),
  };
}

function usd(value: string | number): bigint {
  return parseUsd(value) ?? assert.fail(String(value));
}

function sum(values: readonly (string | number)[]): bigint {
  return values.reduce((total, value) => nanoUsd(total + usd(value)), nanoUsd(0n));
}

/** Reads RFC 4180 as a spreadsheet does. */
function csvRows(text: string): Record<string, string>[] {
  const cells = [...text.matchAll(/("(?:[^"]|"")*"|[^,\r\n]*)(,|\r\n)/g)];
  const lines: string[][] = [[]];
  for (const [, cell = "", end] of cells) {
    const value = cell.startsWith('"') ? cell.slice(1, -1).replaceAll('""', '"') : cell;
    lines.at(-1)?.push(value);
    if (end === "\r\n") lines.push([]);
  }
  const [head = [], ...rows] = lines.slice(0, -1);
  return rows.map((row) => Object.fromEntries(head.map((name, index) => [name, row[index] ?? ""])));
}
