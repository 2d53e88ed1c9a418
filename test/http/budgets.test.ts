/** LiteLLM's budget routes over a real socket, on both databases: what they answer, refuse and keep. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { onEachDatabase } from "../support/databases.ts";
import { startTestPurser, type Reply, type TestPurser } from "../support/purser.ts";
import { startUpstream, type Upstream } from "../support/upstream.ts";

const MINUTE_MS = 60_000;
const DAY_MS = 1440 * MINUTE_MS;

const BAD_FIELDS: readonly (readonly [Record<string, unknown>, number, string])[] = [
  [{ max_budget: -1 }, 400, "max_budget must be a non-negative finite number. Received: -1.0"],
  [{ soft_budget: -0.5 }, 400, "soft_budget must be a non-negative finite number. Received: -0.5"],
  [{ max_budget: "1e999" }, 400, "max_budget must be a non-negative finite number"],
  [{ max_budget: 1e12 }, 400, "max_budget must be 0 or from 1e-9 to 4e9"],
  [
    { budget_duration: "abc" },
    400,
    "Invalid budget_duration 'abc'. Use a format like '1h', '24h', '7d', or '30d'.",
  ],
  [{ budget_duration: "0d" }, 400, "Invalid budget_duration '0d'."],
  [{ budget_duration: "10days" }, 400, "Invalid budget_duration '10days'."],
  [{ budget_duration: "1d", timezone: "Mars/Base" }, 400, "Invalid timezone 'Mars/Base'."],
  [{ budget_duration: "1d", anchor: "2026-02-30" }, 400, "Invalid anchor '2026-02-30'."],
  [{ budget_reset_at: "2026-12-31T00:00:00Z" }, 422, "means nothing without budget_duration"],
  [{ budget_duration: "1d", budget_reset_at: "soon" }, 400, "Invalid budget_reset_at 'soon'."],
  [{ budget_duration: "1d", alignment: "calendar", anchor: "2026-01-01" }, 422, "no anchor"],
  [{ budget_duration: "1d", alignment: "rolling", timezone: "UTC" }, 422, "knows no zone"],
  [{ tpm_limit: -1 }, 422, "tpm_limit"],
  [{ rpm_limit: 1.5 }, 422, "rpm_limit"],
  [{ allowed_models: ["m"] }, 422, "There is no such field"],
  [{ model_max_budget: { "gpt-*": { max_budget: 1 } } }, 422, "wildcards"],
  [{ model_max_budget: { m: { max_budget: -1 } } }, 400, "non-negative finite number"],
  [{ model_max_budget: { m: { budget_duration: "1d" } } }, 422, "needs max_budget"],
  [{ model_max_budget: { m: { cap: 1 } } }, 422, "model_max_budget"],
  [{ model_max_budget: { "m\n": null } }, 422, "model_max_budget"],
  [{ model_max_budget: { "m\nn": { cap: 1 } } }, 422, "model_max_budget"],
  [{ limits: [{ meter: "usd", max: 1 }], max_budget: 1 }, 422, "limits is the whole list"],
  [{ limits: [{ meter: "hours", max: 1 }] }, 422, "limits"],
  [{ limits: [{ meter: "usd", max: 1, timezone: "Asia/Tokyo" }] }, 422, "means nothing without"],
  [{ limits: [{ meter: "usd", max: 1, alignment: "rolling" }] }, 422, "means nothing without"],
  [{ limits: [{ meter: "tokens", max: 1.5 }] }, 400, "limits.0.max must be a whole number"],
  [{ limits: [{ meter: "tokens", max: 1, soft: true }] }, 422, "only a limit on usd can be soft"],
  [{ limits: [{ meter: "concurrency", max: 1, duration: "1d" }] }, 422, "not counted in windows"],
  [
    {
      limits: [
        { meter: "usd", max: 1, duration: "1d" },
        { meter: "usd", max: 2, duration: "1d" },
      ],
    },
    422,
    "counts what another limit counts too",
  ],
];

onEachDatabase((database) => {
  let upstream: Upstream;
  let purser: TestPurser;

  before(async () => {
    upstream = await startUpstream();
    purser = await startTestPurser({ database: await database(), upstream: upstream.origin });
  });
  after(async () => {
    await purser.stop();
    await upstream.close();
  });

  const create = async (fields: Record<string, unknown>): Promise<Reply["body"]> =>
    answered(await purser.post("/budget/new", fields));
  const update = async (fields: Record<string, unknown>): Promise<Reply["body"]> =>
    answered(await purser.post("/budget/update", fields));
  const read = async (...budgets: string[]): Promise<Reply["body"]> =>
    answered(await purser.post("/budget/info", { budgets }));

  const ends = async (budget_duration: string): Promise<[Date, Date]> => {
    const budget = await create({ max_budget: 1, budget_duration });
    return [new Date(budget.created_at), new Date(budget.budget_reset_at)];
  };

  test("a new budget gets an id, its maker's name, and the next midnight as its reset", async () => {
    const budget = await create({ max_budget: 10, budget_duration: "1d" });
    assert.match(budget.budget_id, /^[0-9a-f-]{36}$/);
    assert.equal(budget.created_by, "default_user_id");
    assert.equal(budget.updated_by, "default_user_id");
    assert.equal(budget.max_budget, 10);
    assert.equal(Date.parse(budget.budget_reset_at), nextMidnight(budget.created_at));
  });

  test("a budget answers LiteLLM's fields and then its own", async () => {
    const budget = await create({
      budget_id: "all",
      max_budget: "0.5",
      soft_budget: 0.25,
      budget_duration: "1mo",
      tpm_limit: 100,
      rpm_limit: 0,
      max_parallel_requests: 3,
      model_max_budget: {
        m: { max_budget: 0.01, budget_duration: "1d", rpm_limit: 5 },
        n: { budget_limit: 2, time_period: "7d", tpm_limit: 7 },
      },
    });
    const { created_at, updated_at, budget_reset_at, limits, ...rest } = budget;
    assert.equal(created_at, updated_at);
    assert.match(budget_reset_at, /-01T00:00:00Z$/);
    assert.deepEqual(rest, {
      alert_thresholds: null,
      budget_id: "all",
      soft_budget: 0.25,
      max_budget: 0.5,
      max_parallel_requests: 3,
      tpm_limit: 100,
      rpm_limit: 0,
      model_max_budget: {
        m: { max_budget: 0.01, budget_duration: "1d", rpm_limit: 5 },
        n: { max_budget: 2, budget_duration: "7d", tpm_limit: 7 },
      },
      budget_duration: "1mo",
      allowed_models: [],
      created_by: "default_user_id",
      updated_by: "default_user_id",
      alignment: "calendar",
      anchor: null,
      timezone: "UTC",
      cost_margin: null,
      enforcement: "hard",
    });
    assert.equal(limits.length, 9);
    assert.deepEqual(await read("all"), [budget]);
  });

  test("an id that exists is refused in LiteLLM's words, and stays as it was", async () => {
    const budget = await create({ budget_id: "T", max_budget: 4 });
    const { status, body } = await purser.post("/budget/new", { budget_id: "T", max_budget: 5 });
    assert.equal(status, 400);
    assert.deepEqual(body, { detail: { error: "Budget with id 'T' already exists." } });
    assert.deepEqual(await read("T"), [budget]);
  });

  for (const [fields, status, error] of BAD_FIELDS) {
    test(`${JSON.stringify(fields)} is refused and nothing is written`, async () => {
      for (const path of ["/budget/new", "/budget/update"]) {
        await purser.post("/budget/new", { budget_id: "bad", max_budget: 1 });
        const budget_id = path === "/budget/new" ? "never" : "bad";
        const earlier = await read("bad", "never");
        const reply = await purser.post(path, { budget_id, ...fields });
        assert.equal(reply.status, status, reply.text);
        const { detail } = reply.body;
        const said = status === 422 ? JSON.stringify(detail) : detail.error;
        assert.ok(said.includes(error), said);
        assert.deepEqual(await read("bad", "never"), earlier);
      }
    });
  }

  test("an update without an id, or of one that is not there, says so", async () => {
    const unnamed = await purser.post("/budget/update", { max_budget: 1 });
    assert.equal(unnamed.status, 400);
    assert.deepEqual(unnamed.body, { detail: { error: "budget_id is required" } });
    const unknown = await purser.post("/budget/update", { budget_id: "nowhere", max_budget: 1 });
    assert.equal(unknown.status, 404);
    assert.deepEqual(unknown.body, { detail: { error: "Budget Id=nowhere does not exist in db" } });
  });

  test("an update applies what is present, clears what is null, and takes 0 as a value", async () => {
    await create({ budget_id: "U", max_budget: 1, rpm_limit: 2, budget_duration: "10d" });
    const zero = await update({ budget_id: "U", max_budget: 0 });
    assert.deepEqual([zero.max_budget, zero.rpm_limit, zero.budget_duration], [0, 2, "10d"]);
    const cleared = await update({ budget_id: "U", max_budget: null });
    assert.deepEqual([cleared.max_budget, cleared.rpm_limit], [null, 2]);
    const again = await update({ budget_id: "U", max_budget: 3 });
    assert.equal(again.max_budget, 3);
    assert.equal(again.budget_duration, "10d");
    assert.deepEqual(await read("U"), [again]);
  });

  test("a shorter duration brings the reset nearer, for the money limits that stood on the longer one", async () => {
    const long = await create({
      budget_id: "moves",
      max_budget: 1,
      soft_budget: 0.5,
      tpm_limit: 9,
      budget_duration: "10d",
    });
    const away = Date.parse(long.budget_reset_at) - Date.parse(long.created_at);
    assert.ok(away > 9 * DAY_MS && away <= 10 * DAY_MS);
    const short = await update({ budget_id: "moves", budget_duration: "1d" });
    assert.equal(Date.parse(short.budget_reset_at), nextMidnight(short.updated_at));
    assert.deepEqual([short.max_budget, short.soft_budget, short.tpm_limit], [1, 0.5, 9]);
    const durations = short.limits.map((limit: { duration: string }) => limit.duration);
    assert.deepEqual(durations, ["1d", "1d", "1m"]);
  });

  test("a duration may stand alone, and is remembered until there is an amount", async () => {
    const alone = await create({ budget_id: "alone", budget_duration: "7d" });
    assert.deepEqual([alone.max_budget, alone.budget_duration, alone.limits], [null, "7d", []]);
    const later = await update({ budget_id: "alone", max_budget: 1 });
    assert.equal(later.limits[0].duration, "7d");
    assert.equal(new Date(later.budget_reset_at).getUTCDay(), 1);
  });

  test("durations of LiteLLM end where LiteLLM says", async () => {
    for (const [duration, minutes] of Object.entries({ "30m": 30, "1h": 60, "1d": 1440 })) {
      const [now, end] = await ends(duration);
      const length = minutes * MINUTE_MS;
      assert.equal(end.getTime(), (Math.floor(now.getTime() / length) + 1) * length, duration);
    }
    for (const duration of ["30d", "1mo"]) {
      const [now, end] = await ends(duration);
      assert.equal(end.getTime(), Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1), duration);
    }
    const [monday, week] = await ends("7d");
    assert.equal(week.getUTCDay(), 1);
    assert.ok(week.getTime() - monday.getTime() <= 7 * DAY_MS);
    const [today, ten] = await ends("10d");
    assert.equal(ten.getTime(), Math.floor(today.getTime() / DAY_MS) * DAY_MS + 10 * DAY_MS);
  });

  test("a reset at an instant is kept to the second, and needs a duration", async () => {
    const at = new Date(Math.floor(Date.now() / 1000) * 1000 + 5 * DAY_MS).toISOString();
    const budget = await create({ max_budget: 1, budget_duration: "30d", budget_reset_at: at });
    assert.equal(Date.parse(budget.budget_reset_at), Date.parse(at));
    const hours = await create({ max_budget: 1, budget_duration: "5h", budget_reset_at: at });
    const distance = Date.parse(at) - Date.parse(hours.budget_reset_at);
    assert.equal(distance % (300 * MINUTE_MS), 0);
  });

  test("alignment, anchor and zone decide where windows begin", async () => {
    const zone = "Asia/Kathmandu";
    const day = await create({ max_budget: 1, budget_duration: "1d", timezone: zone });
    assert.match(day.budget_reset_at, /T18:15:00Z$/);
    assert.equal(day.timezone, zone);
    const anchored = await create({ max_budget: 1, budget_duration: "1mo", anchor: "2026-01-31" });
    assert.deepEqual([anchored.alignment, anchored.anchor], ["anchor", "2026-01-31"]);
    const end = new Date(anchored.budget_reset_at);
    assert.equal(new Date(end.getTime() + DAY_MS).getUTCDate(), 1);
    const rolling = await create({ max_budget: 1, budget_duration: "1d", alignment: "rolling" });
    assert.equal(Date.parse(rolling.budget_reset_at) - Date.parse(rolling.created_at), DAY_MS);
    const noon = await create({
      max_budget: 1,
      budget_duration: "1w",
      anchor: "2026-01-01T12:30Z",
    });
    assert.match(noon.budget_reset_at, /T12:30:00Z$/);
    assert.equal(new Date(noon.budget_reset_at).getUTCDay(), 4);
  });

  test("limits of every kind are one list, shown as they can be sent back", async () => {
    const limits = [
      { meter: "usd", max: 2, duration: "1h" },
      { meter: "usd", max: "20", duration: "1d", timezone: "Europe/Berlin" },
      { meter: "usd", max: 100, duration: "1mo", anchor: "2026-01-31", soft: true },
      { meter: "usd", max: 0.5, duration: "90m", alignment: "rolling" },
      { meter: "usd", max: 1000 },
      { meter: "tokens", max: 1000, duration: "10d", model: "m" },
      { meter: "requests", max: 5, duration: "1m" },
      { meter: "concurrency", max: 2, model: "m" },
    ];
    const budget = await create({ budget_id: "list", limits });
    assert.equal(budget.limits.length, limits.length);
    assert.deepEqual([budget.max_budget, budget.rpm_limit], [1000, 5]);
    const same = answered(await purser.put("/budget/list", { limits: budget.limits }));
    assert.deepEqual(same, budget);
    const one = await update({ budget_id: "list", limits: [{ meter: "usd", max: 1 }] });
    assert.equal(one.limits.length, 1);
  });

  test("PUT makes a budget be what the body says, and twice the same changes nothing", async () => {
    const bodies = [
      { max_budget: 5, budget_duration: "10d", rpm_limit: 3, enforcement: "last_call" },
      { soft_budget: 1, budget_duration: "1mo", anchor: "2026-03-31T08:00:00Z" },
      { limits: [{ meter: "usd", max: 1, duration: "45h" }], timezone: null },
      { model_max_budget: { m: { max_budget: 1, budget_duration: "2w" } } },
      { max_budget: 1, budget_duration: "3d", alignment: "rolling" },
    ];
    for (const body of bodies) {
      const first = answered(await purser.put("/budget/put", body));
      const second = answered(await purser.put("/budget/put", body));
      assert.deepEqual(second, first);
    }
    const [last] = await read("put");
    assert.deepEqual(
      [last.rpm_limit, last.model_max_budget, last.enforcement],
      [null, null, "hard"],
    );
    assert.equal(last.limits.length, 1);
  });

  test("info names the ids that exist, and wants to be told at least one", async () => {
    await create({ budget_id: "I" });
    const none = await purser.post("/budget/info", { budgets: [] });
    assert.equal(none.status, 400);
    assert.equal(none.body.detail.error, "Specify list of budget id's to query. Passed in=[]");
    const rows = await read("I", "nope", "x".repeat(300));
    assert.deepEqual(
      rows.map((row: { budget_id: string }) => row.budget_id),
      ["I"],
    );
  });

  test("list shows every budget, those of single customers too", async () => {
    await create({ budget_id: "listed" });
    const { body } = await purser.post("/customer/new", { user_id: "own", max_budget: 2 });
    const rows = answered(await purser.get("/budget/list"));
    const ids = rows.map((row: { budget_id: string }) => row.budget_id);
    assert.ok(ids.includes("listed") && ids.includes(body.budget_id));
    assert.deepEqual(ids, ids.toSorted());
    const [own] = await read(body.budget_id);
    assert.equal(own.max_budget, 2);
  });

  test("settings describe each field to a form", async () => {
    await create({ budget_id: "form", max_budget: 2, rpm_limit: 7 });
    const fields = answered(await purser.get("/budget/settings?budget_id=form"));
    assert.deepEqual(
      fields.map((field: Record<string, unknown>) => [
        field["field_name"],
        field["field_type"],
        field["field_value"],
      ]),
      [
        ["max_parallel_requests", "Integer", null],
        ["tpm_limit", "Integer", null],
        ["rpm_limit", "Integer", 7],
        ["budget_duration", "String", null],
        ["max_budget", "Float", 2],
        ["soft_budget", "Float", null],
        ["model_max_budget", "Object", null],
      ],
    );
    assert.equal((await purser.get("/budget/settings?budget_id=none")).status, 404);
  });

  test("a deleted budget is answered once more and is gone; one in use is kept", async () => {
    const budget = await create({ budget_id: "T2", max_budget: 1 });
    assert.deepEqual(answered(await purser.post("/budget/delete", { id: "T2" })), budget);
    assert.deepEqual(await read("T2"), []);
    assert.equal((await purser.post("/budget/delete", { id: "T2" })).status, 404);

    const { body: owner } = await purser.post("/customer/new", { user_id: "uses", max_budget: 2 });
    const refused = await purser.post("/budget/delete", { id: owner.budget_id });
    assert.equal(refused.status, 409);
    assert.match(refused.body.detail.error, /is in use/);
    assert.equal((await read(owner.budget_id)).length, 1);
  });

  test("two writers at once both succeed, and neither loses what the other wrote", async () => {
    await create({ budget_id: "raced" });
    const fields = [{ max_budget: 1 }, { rpm_limit: 2 }, { tpm_limit: 3 }, { soft_budget: 0.5 }];
    await Promise.all(fields.map((field) => update({ budget_id: "raced", ...field })));
    const [raced] = await read("raced");
    const { max_budget, rpm_limit, tpm_limit, soft_budget } = raced;
    assert.deepEqual([max_budget, rpm_limit, tpm_limit, soft_budget], [1, 2, 3, 0.5]);
  });
});

function answered(reply: Reply): Reply["body"] {
  assert.equal(reply.status, 200, reply.text);
  return reply.body;
}

function nextMidnight(now: string): number {
  return (Math.floor(Date.parse(now) / DAY_MS) + 1) * DAY_MS;
}
