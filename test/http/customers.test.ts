/** LiteLLM's customer routes as its clients know them, and where LiteLLM is broken, as it promises. */

import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { MINUTE } from "../../src/money/window.ts";
import { onEachDatabase } from "../support/databases.ts";
import { budget, limit } from "../support/ledger.ts";
import { pricedModel, startTestPurser, type Reply, type TestPurser } from "../support/purser.ts";
import { keyOf, putAccounts } from "../support/accounts.ts";
import { startUpstream, type Upstream } from "../support/upstream.ts";

const APP_KEY = "sk-app";
const USD = 1_000_000_000n;
const BARE = {
  blocked: false,
  alias: null,
  spend: 0,
  allowed_model_region: null,
  default_model: null,
  litellm_budget_table: null,
};

onEachDatabase((database) => {
  let upstream: Upstream;
  let purser: TestPurser;

  before(async () => {
    upstream = await startUpstream();
    const url = await database();
    await putAccounts(url, {
      budgets: [
        budget("T", [limit("usd", 4n * USD), limit("requests", 100, { period: MINUTE })]),
        budget("U", [limit("usd", 7n * USD)]),
      ],
      keys: [keyOf(APP_KEY, { alias: "app" })],
    });
    purser = await startTestPurser({
      database: url,
      upstream: upstream.origin,
      models: [pricedModel("m", upstream.origin), pricedModel("n", upstream.origin)],
    });
    await make("a6", { spend: 3.5, alias: "Acme", max_budget: 9 });
  });
  beforeEach(() => {
    upstream.received.length = 0;
  });
  after(async () => {
    await purser.stop();
    await upstream.close();
  });

  async function make(id: string, rest: object = {}): Promise<Reply> {
    const reply = await purser.post("/customer/new", { user_id: id, ...rest });
    assert.equal(reply.status, 200, reply.text);
    return reply;
  }

  async function update(id: string, rest: object): Promise<Reply> {
    const reply = await purser.post("/customer/update", { user_id: id, ...rest });
    assert.equal(reply.status, 200, reply.text);
    assert.deepEqual(reply.body, await purser.info(id), "the answer is what info shows");
    return reply;
  }

  function infoOf(id: string, prefix = "/customer"): Promise<Reply> {
    return purser.get(`${prefix}/info?end_user_id=${encodeURIComponent(id)}`);
  }

  test("1, 2: new makes a customer of seven keys, once", async () => {
    const { text, body } = await make("a1");
    assert.deepEqual(body, { user_id: "a1", ...BARE });
    assert.deepEqual(Object.keys(JSON.parse(text)), [
      "user_id",
      "blocked",
      "alias",
      "spend",
      "allowed_model_region",
      "default_model",
      "litellm_budget_table",
    ]);
    assertError(await purser.post("/customer/new", { user_id: "a1" }), 400, {
      message: "Customer already exists, passed user_id=a1. Please pass a new user_id.",
      type: "bad_request",
      param: "user_id",
    });
  });

  test("3, 6: amounts are taken as numbers and as text, under either prefix", async () => {
    const { body } = await purser.post("/end_user/new", { user_id: "a2", max_budget: 0.05 });
    assert.equal(body.litellm_budget_table.max_budget, 0.05);
    assert.equal(body.budget_id, body.litellm_budget_table.budget_id);
    assert.ok(body.budget_id);
    const text = await make("a4", { max_budget: "0.5" });
    assert.equal(text.body.litellm_budget_table.max_budget, 0.5);
  });

  for (const [fault, body, status, says] of [
    [
      "4: max_budget and budget_id",
      { max_budget: 1, budget_id: "T" },
      422,
      /Set either 'max_budget' or 'budget_id', not both\./,
    ],
    [
      "another limit and budget_id",
      { rpm_limit: 1, budget_id: "T" },
      422,
      /Set either 'rpm_limit' or 'budget_id', not both\./,
    ],
    [
      "7: a default_model that is not there",
      { default_model: "nope" },
      422,
      /"message":"Default Model not on proxy\..*Default_model=nope, proxy_model_names=\{'m', 'n'\}"/,
    ],
    ["an unknown tier", { budget_id: "nope" }, 404, /Budget Id=nope does not exist in db/],
    [
      "a bad duration",
      { max_budget: 1, budget_duration: "10days" },
      400,
      /Invalid budget_duration '10days'\. Use a format/,
    ],
    [
      "a negative amount",
      { max_budget: -1 },
      400,
      /max_budget must be a non-negative finite number\. Received: -1/,
    ],
    [
      "a model's budget that is none",
      { model_max_budget: { m: { max_budget: -1, budget_duration: "1d" } } },
      400,
      /Received: -1\.0","type":"bad_request","param":"model_max_budget","code":"400"/,
    ],
    ["a negative spend", { spend: -1 }, 400, /spend must be a non-negative finite number/],
    ["an amount of NaN", { max_budget: "NaN" }, 400, /non-negative finite/],
    [
      "a region that is none",
      { allowed_model_region: "mars" },
      422,
      /"loc":\["body","allowed_model_region"\],"msg":"must be 'eu' or 'us' or null"/,
    ],
    ["a limit that is no number", { rpm_limit: "many" }, 422, /"msg":"must be integer or null"/],
    [
      "permissions that nothing enforces",
      { object_permission: { mcp_servers: ["s"] } },
      422,
      /only null is accepted/,
    ],
    ["an unknown field", { metadata: {} }, 422, /There is no such field/],
  ] as const) {
    test(`${fault} is refused by new, update and put, and nothing is written`, async () => {
      await make(`victim of ${fault}`, { alias: "before" });
      const before = await purser.info(`victim of ${fault}`);
      const id = `never ${fault}`;
      const named = { user_id: `victim of ${fault}`, alias: "after", ...body };
      const replies = [
        await purser.post("/customer/new", { ...named, user_id: id }),
        ...("spend" in body ? [] : [await purser.post("/customer/update", named)]),
        ...("spend" in body
          ? []
          : [await purser.put(`/customer/${encodeURIComponent(id)}`, { alias: "x", ...body })]),
      ];
      for (const reply of replies) {
        assert.equal(reply.status, status, reply.text);
        assert.match(reply.text, says);
      }
      assert.equal((await infoOf(id)).status, 404);
      assert.deepEqual(await purser.info(`victim of ${fault}`), before);
    });
  }

  test("5, 10: what is missing is named in FastAPI's form", async () => {
    const made = await purser.post("/customer/new", {});
    assert.equal(made.status, 422);
    assert.equal(made.body.detail[0].loc.at(-1), "user_id");
    const asked = await purser.get("/customer/info");
    assert.equal(asked.status, 422);
    assert.equal(asked.body.detail[0].loc.at(-1), "end_user_id");
  });

  test("8: a customer can begin with a spend, which counts against its budget at once", async () => {
    const { body } = await infoOf("a6");
    assert.equal(body.spend, 3.5);
    assert.equal(body.alias, "Acme");
    const { body: spent } = await make("spent", { spend: 5, max_budget: 5, budget_duration: "1d" });
    assert.equal(spent.spend, 5);
    assert.equal((await purser.chat("spent")).status, 429);
  });

  test("9, 11, 15, 18: unknown customers are told of in LiteLLM's words", async () => {
    for (const prefix of ["/customer", "/end_user"]) {
      assertError(await infoOf("missing", prefix), 404, {
        message: "End User Id=missing does not exist in db",
        type: "not_found",
        param: "end_user_id",
      });
      assertError(await purser.post(`${prefix}/update`, { user_id: "missing", alias: "x" }), 404, {
        message: "End User Id=missing does not exist in db",
        type: "not_found",
        param: "user_id",
      });
    }
    await make("stays");
    assertError(await purser.post("/customer/delete", { user_ids: ["stays", "x", "y"] }), 404, {
      message: "End User Id(s)=x, y do not exist in db",
      type: "not_found",
      param: "user_ids",
    });
    assert.equal((await infoOf("stays")).status, 200);
    assertError(await purser.post("/customer/delete", { user_ids: [] }), 400, {
      message: "user_id is required, passed user_id = []",
      type: "invalid_request_error",
      param: "user_ids",
    });
  });

  test("12, 13: update changes what is named, and a first budget field makes a budget", async () => {
    await make("u1", { blocked: true });
    assert.deepEqual((await update("u1", { alias: "B" })).body, {
      user_id: "u1",
      ...BARE,
      alias: "B",
      blocked: true,
    });
    const { body } = await update("u1", { max_budget: 2 });
    assert.equal(body.litellm_budget_table.max_budget, 2);
    assert.equal(body.budget_id, body.litellm_budget_table.budget_id);
  });

  test("14: a tier is linked as it is", async () => {
    await make("u2", { max_budget: 1 });
    const { body } = await update("u2", { budget_id: "T" });
    assert.equal(body.budget_id, "T");
    assert.equal(body.litellm_budget_table.max_budget, 4);
    assert.equal(body.litellm_budget_table.rpm_limit, 100);
  });

  test("16: delete answers in LiteLLM's words, keeps the money, and the id can come back", async () => {
    await make("d1", { max_budget: 1 });
    await make("d'2");
    await purser.chat("d1");
    const { body } = await purser.post("/customer/delete", { user_ids: ["d1", "d'2"] });
    assert.deepEqual(body, {
      deleted_customers: 2,
      message: `Successfully deleted customers with ids: ['d1', "d'2"]`,
    });
    assert.equal((await infoOf("d1")).status, 404);
    await make("d1");
    assert.equal((await purser.info("d1")).spend, 0.06);
  });

  test("17: list shows every customer to administrators and nothing to other keys", async () => {
    const { body } = await purser.get("/customer/list");
    const found = body.find((one: { user_id: string }) => one.user_id === "a6");
    assert.deepEqual(found, await purser.info("a6"));
    const refused = await purser.get("/customer/list", { authorization: `Bearer ${APP_KEY}` });
    assert.equal(refused.status, 401);
    assert.equal(refused.body.error.type, "auth_error");
    assert.equal(refused.body.error.code, "401");
  });

  test("every route of customers is closed to inference keys", async () => {
    const headers = { authorization: `Bearer ${APP_KEY}` };
    for (const path of [
      "new",
      "update",
      "delete",
      "block",
      "unblock",
      "bulk",
      "x/adjust",
      "x/reset",
    ])
      assert.equal((await purser.post(`/customer/${path}`, {}, headers)).status, 401, path);
    for (const path of ["info", "list", "x/usage"])
      assert.equal((await purser.get(`/customer/${path}`, headers)).status, 401, path);
    assert.equal((await purser.put("/customer/x", {}, headers)).status, 401);
  });

  for (const [what, body, shown] of [
    ["0 as a budget", { max_budget: 0 }, { max_budget: 0 }],
    ["0 calls a minute", { rpm_limit: 0 }, { rpm_limit: 0, max_budget: 3 }],
    ["no budget any more", { max_budget: null }, { max_budget: null }],
  ] as const) {
    test(`update takes ${what}`, async () => {
      await make(`zero ${what}`, { max_budget: 3 });
      const { body: after } = await update(`zero ${what}`, body);
      assert.partialDeepStrictEqual(after.litellm_budget_table, shown);
    });
  }

  test("update clears what is null and unblocks with false", async () => {
    const given = { alias: "A", blocked: true, models: ["m"], default_model: "m" };
    await make("clear", { ...given, allowed_model_region: "eu", max_budget: 1 });
    const { body } = await update("clear", {
      alias: null,
      blocked: false,
      models: [],
      default_model: null,
      allowed_model_region: null,
      budget_id: null,
      object_permission: null,
    });
    assert.deepEqual(body, { user_id: "clear", ...BARE });
  });

  test("53: models narrow what a customer may ask for, by body and by header, until they are cleared", async () => {
    await make("narrow", { models: ["n"] });
    assert.deepEqual(((await purser.info("narrow")) as { models?: unknown }).models, ["n"]);
    const call = { model: "m", messages: [{ role: "user", content: "hi" }] };
    for (const reply of [
      await purser.chat("narrow"),
      await purser.post("/chat/completions", call, { "x-litellm-customer-id": "narrow" }),
    ]) {
      assert.equal(reply.status, 403);
      assert.equal(reply.body.error.type, "customer_model_access_denied");
      assert.equal(reply.body.error.param, "model");
    }
    assert.equal((await purser.chat("narrow", { model: "n" })).status, 200);
    await update("narrow", { models: [] });
    assert.equal((await purser.chat("narrow")).status, 200);
  });

  test("an amount of its own for one customer of a tier changes neither the tier nor the others", async () => {
    await make("one", { budget_id: "T" });
    await make("other", { budget_id: "T" });
    const { body } = await update("one", { max_budget: 50 });
    assert.notEqual(body.budget_id, "T");
    assert.equal(body.litellm_budget_table.max_budget, 50);
    assert.equal(body.litellm_budget_table.rpm_limit, 100, "what was not named is as in the tier");
    assert.equal((await infoOf("other")).body.litellm_budget_table.max_budget, 4);
    const same = await update("other", { max_budget: 4, rpm_limit: 100 });
    assert.equal(same.body.budget_id, "T", "what changes nothing makes no copy");
  });

  test("a private budget goes when its customer takes another, or goes", async () => {
    const { body } = await make("private", { max_budget: 1 });
    await update("private", { budget_id: "U" });
    const reply = await purser.post("/customer/new", {
      user_id: "late",
      budget_id: body.budget_id,
    });
    assert.equal(reply.status, 404, "it is not there any more");
    const { body: again } = await update("private", { budget_id: null, max_budget: 2 });
    await purser.post("/customer/delete", { user_ids: ["private"] });
    const gone = await purser.post("/customer/new", {
      user_id: "late",
      budget_id: again.budget_id,
    });
    assert.equal(gone.status, 404);
    assert.equal((await infoOf("late")).status, 404);
  });

  test("the budget of one customer that another is given becomes a tier of both", async () => {
    const { body } = await make("first", { max_budget: 6 });
    await make("second", { budget_id: body.budget_id });
    const { body: changed } = await update("first", { max_budget: 1 });
    assert.notEqual(changed.budget_id, body.budget_id, "now it is a copy that changes");
    assert.equal((await infoOf("second")).body.litellm_budget_table.max_budget, 6);
    await purser.post("/customer/delete", { user_ids: ["first"] });
    assert.equal((await infoOf("second")).body.litellm_budget_table.max_budget, 6);
  });

  test("a customer made by traffic can be updated, and cannot be made", async () => {
    await purser.chat("by-traffic");
    assert.equal((await purser.post("/customer/new", { user_id: "by-traffic" })).status, 400);
    const { body } = await update("by-traffic", { max_budget: 0.06 });
    assert.equal(body.spend, 0.06);
    assert.equal((await purser.chat("by-traffic")).status, 429);
  });

  test("a period given to a customer with a history begins at 0", async () => {
    await make("history", { spend: 50 });
    const { body } = await update("history", { max_budget: 10, budget_duration: "30d" });
    assert.equal(body.spend, 0);
    assert.equal((await purser.chat("history")).status, 200);
    assert.equal((await purser.info("history")).spend, 0.06);
  });

  test("52: a blocked customer is refused by body and by both headers, and the provider sees nothing", async () => {
    const { body } = await purser.post("/customer/block", { user_ids: ["b1", "a6"] });
    assert.deepEqual(body.blocked_users[0], { user_id: "b1", ...BARE, blocked: true });
    assert.deepEqual(body.blocked_users[1], await purser.info("a6"));
    const call = { model: "m", messages: [{ role: "user", content: "hi" }] };
    for (const reply of [
      await purser.chat("b1"),
      await purser.post("/chat/completions", call, { "X-LiteLLM-Customer-Id": "b1" }),
      await purser.post("/chat/completions", call, { "x-litellm-end-user-id": "b1" }),
    ]) {
      assert.equal(reply.status, 400);
      assert.equal(reply.body.error.message, "User blocked from making LLM API Calls. User=b1");
      assert.equal(reply.body.error.type, "invalid_request_error");
    }
    assert.equal(upstream.received.length, 0);
    await update("b1", { blocked: false });
    assert.equal((await purser.chat("b1")).status, 200);
    await update("a6", { blocked: false });
  });

  test("block and unblock can be repeated", async () => {
    for (let time = 0; time < 2; time += 1) {
      const { status, body } = await purser.post("/end_user/block", { user_ids: ["b2", "b2"] });
      assert.equal(status, 200);
      assert.deepEqual(body, { blocked_users: [{ user_id: "b2", ...BARE, blocked: true }] });
    }
    for (let time = 0; time < 2; time += 1) {
      const asked = { user_ids: ["b2", "never-seen"] };
      const { status, body } = await purser.post("/end_user/unblock", asked);
      assert.equal(status, 200);
      assert.deepEqual(body, { blocked_users: [] });
    }
    assert.equal((await infoOf("never-seen")).status, 404);
    assert.equal((await purser.chat("b2")).status, 200);
    const junk = await purser.post("/customer/block", { user_ids: ["b3", " "] });
    assert.equal(junk.status, 400);
    assert.deepEqual(junk.body, { detail: { error: "user_ids is blank." } });
    assert.equal((await infoOf("b3")).status, 404);
  });

  test("of two administrators who change one customer at once, neither loses", async () => {
    await make("contested");
    const changes = [
      { alias: "A" },
      { models: ["m"] },
      { default_model: "n" },
      { allowed_model_region: "eu" },
      { max_budget: 5 },
      { tpm_limit: 1000 },
      { rpm_limit: 100 },
    ];
    const replies = await Promise.all(
      changes.map((change) => purser.post("/customer/update", { user_id: "contested", ...change })),
    );
    for (const reply of replies) assert.equal(reply.status, 200, reply.text);
    const { body } = await infoOf("contested");
    assert.partialDeepStrictEqual(body, {
      alias: "A",
      models: ["m"],
      default_model: "n",
      allowed_model_region: "eu",
      litellm_budget_table: {
        max_budget: 5,
        tpm_limit: 1e3,
        rpm_limit: 100,
      },
    });
  });

  test("of ten that make one customer at once, one does", async () => {
    const body = { user_id: "race", max_budget: 1, spend: 1 };
    const replies = await Promise.all(
      Array.from({ length: 10 }, () => purser.post("/customer/new", body)),
    );
    const made = replies.filter(({ status }) => status === 200);
    assert.equal(made.length, 1);
    assert.ok(replies.every(({ status }) => status === 200 || status === 400));
    assert.equal((await purser.info("race")).spend, 1, "and its spend is posted once");
  });

  test("ids may hold what a path must have encoded", async () => {
    for (const id of ["a/b", "a b", "100%", "ü?&#", "info", "x".repeat(256), "字".repeat(256)]) {
      const path = `/customer/${encodeURIComponent(id)}`;
      assert.equal((await purser.put(path, { alias: "path" })).body?.user_id, id);
      assert.equal((await purser.get(`${path}/usage`)).body.user_id, id);
    }
    assert.equal((await purser.put(`/customer/${"x".repeat(257)}`, {})).status, 400);
    assert.equal((await purser.put("/customer/a%00b", {})).status, 422);
  });

  test("the document names each route once", async () => {
    const { body } = await purser.get("/openapi.json");
    const paths = Object.keys(body.paths);
    assert.ok(paths.includes("/customer/{id}/usage"));
    assert.ok(paths.every((path) => !path.startsWith("/end_user")));
  });
});

function assertError(reply: Reply, status: number, error: object): void {
  assert.equal(reply.status, status, reply.text);
  assert.deepEqual(Object.keys(reply.body.error), ["message", "type", "param", "code"]);
  assert.deepEqual(reply.body.error, { ...error, code: String(status) });
}
