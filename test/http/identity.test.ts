/** Who the customer of a call is, over real sockets: every source, every rule about ids, and what front ends send. */

import assert from "node:assert/strict";
import { mkdtempSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, beforeEach, test } from "node:test";
import { onEachDatabase } from "../support/databases.ts";
import { SOURCES, SPELLINGS, together, type Said } from "../support/naming.ts";
import { MASTER_KEY, startTestPurser, type PurserOptions } from "../support/purser.ts";
import type { Reply, TestPurser } from "../support/purser.ts";
import { startUpstream, streamed, whole, type Upstream } from "../support/upstream.ts";

const CALL = { model: "m", max_tokens: 20, messages: [{ role: "user", content: "hi" }] };
const MAPPINGS = [
  { header_name: "X-Staff", litellm_user_role: "internal_user" },
  { header_name: "X-App-User", litellm_user_role: "Customer" },
  { header_name: "X-OpenWebUI-User-Email", litellm_user_role: "customer" },
];
const JSON_BLOB = '{"device_id":"d1","account_uuid":"a-1","session_id":"s1"}';
const SESSION = `user_${"0a".repeat(32)}_account__session_6e9a36f1-91f5-4b6c-9a5e-1c2d3e4f5a6b`;

onEachDatabase((database) => {
  let upstream: Upstream;
  let purser: TestPurser;
  const others: TestPurser[] = [];

  before(async () => {
    upstream = await startUpstream();
    purser = await start({ general: { user_header_mappings: MAPPINGS } });
  });
  beforeEach(() => {
    upstream.answer = whole();
    upstream.received.length = 0;
  });
  afterEach(async () => {
    await Promise.all(others.splice(0).map((each) => each.stop()));
  });
  after(async () => {
    await purser.stop();
    await upstream.close();
  });

  async function start(options: Partial<PurserOptions>): Promise<TestPurser> {
    return startTestPurser({
      database: await database(),
      upstream: upstream.origin,
      ...options,
    });
  }

  /** For one test only. */
  async function another(options: Partial<PurserOptions>): Promise<TestPurser> {
    const started = await start(options);
    others.push(started);
    return started;
  }

  function call(said: Said, at = purser): Promise<Reply> {
    return at.post("/v1/chat/completions", { ...CALL, ...said.body }, said.headers);
  }

  async function spendOf(id: string, at = purser): Promise<number | undefined> {
    const info = (await at.info(id)) as { readonly spend?: number };
    return info.spend;
  }

  for (const { name, say } of SPELLINGS) {
    test(`${name}: the customer is charged, streamed and not`, async () => {
      const id = `charged by ${name}`;
      assert.equal((await call(say(id))).status, 200);
      assert.equal(await spendOf(id), 0.06);
      upstream.answer = streamed(["Hel", "lo"]);
      assert.equal((await call(together(say(id), { body: { stream: true } }))).status, 200);
      assert.equal(await spendOf(id), 0.12);
    });

    test(`${name}: a budget that is spent refuses, and the provider hears nothing`, async () => {
      const id = `over by ${name}`;
      await purser.post("/customer/new", { user_id: id, max_budget: 0 });
      for (const stream of [false, true]) {
        const { status, body } = await call(together(say(id), { body: { stream } }));
        assert.equal(status, 429);
        assert.equal(body.error.type, "budget_exceeded");
      }
      assert.equal(upstream.received.length, 0);
    });

    test(`${name}: a budget that is not spent serves, and is what is spent`, async () => {
      const id = `under by ${name}`;
      await purser.post("/customer/new", { user_id: id, max_budget: 0.1 });
      const { status, headers } = await call(say(id));
      assert.equal(status, 200);
      assert.equal(headers.get("x-purser-budget-remaining"), "0.04");
      assert.equal(upstream.received.length, 1);
    });
  }

  for (const [index, { name }] of SOURCES.entries()) {
    test(`${name} goes before every source after it, and only its customer is charged`, async () => {
      const ids = SOURCES.map((source) => `${String(index)} says ${source.name}`);
      const said = SOURCES.map(({ say }, at) => say(ids[at] ?? "")).slice(index);
      assert.equal((await call(together(...said))).status, 200);
      const spends = await Promise.all(ids.slice(index).map((id) => spendOf(id)));
      assert.deepEqual(spends, [0.06, ...said.slice(1).map(() => undefined)]);
    });
  }

  test("the names of headers do not depend on letter case", async () => {
    for (const [name, id] of [
      ["X-LiteLLM-Customer-ID", "case 1"],
      ["X-LITELLM-END-USER-ID", "case 2"],
      ["x-APP-user", "case 3"],
    ] as const) {
      await rawCall(purser.base, { [name]: id });
      assert.equal(await spendOf(id), 0.06, name);
    }
  });

  test("a blank header falls through to the body", async () => {
    await call({ headers: { "x-litellm-customer-id": "  " }, body: { user: "from the body" } });
    assert.equal(await spendOf("from the body"), 0.06);
  });

  test("a number is a customer; true, a list or an object is none", async () => {
    await call({ body: { user: 42 } });
    assert.equal(await spendOf("42"), 0.06);
    for (const user of [true, { id: "x" }, ["x"]]) {
      assert.equal((await call({ body: { user } })).status, 200);
    }
    for (const id of ["true", "[object Object]", "x", '{"id":"x"}', '["x"]']) {
      assert.equal(await spendOf(id), undefined, id);
    }
  });

  test("a header that is mapped to another role names no customer", async () => {
    await call({ headers: { "x-staff": "colleague" } });
    assert.equal(await spendOf("colleague"), undefined);
  });

  test("of two mapped headers the first in the configuration wins", async () => {
    const headers = { "x-openwebui-user-email": "second@mapped", "x-app-user": "first-mapped" };
    await call({ headers });
    assert.equal(await spendOf("first-mapped"), 0.06);
    assert.equal(await spendOf("second@mapped"), undefined);
  });

  test("user_header_name counts only where no mapping names a customer", async () => {
    const headers = { "x-legacy-user": "legacy" };
    const user_header_name = "X-Legacy-User";
    const [staff] = MAPPINGS;
    const alone = await another({ general: { user_header_name, user_header_mappings: staff } });
    await call({ headers }, alone);
    assert.equal(await spendOf("legacy", alone), 0.06);
    const mapped = await another({
      general: { user_header_name, user_header_mappings: MAPPINGS[1] },
    });
    await call({ headers }, mapped);
    assert.equal(await spendOf("legacy", mapped), undefined);
  });

  test("enforce_user_param refuses a body without user, whatever the headers say", async () => {
    const strict = await another({ general: { enforce_user_param: true } });
    for (const headers of [{}, { "x-litellm-customer-id": "by-header" }]) {
      const { status, body } = await call({ headers }, strict);
      assert.equal(status, 401);
      assert.deepEqual(body.error, {
        message: "Authentication Error, 'user' param not passed in. 'enforce_user_param'=True",
        type: "auth_error",
        param: "None",
        code: "401",
      });
    }
    assert.equal(upstream.received.length, 0);
    assert.equal((await call({ body: { user: "said" } }, strict)).status, 200);
  });

  test("an unknown id names nobody under validate_end_user_id_in_db, and a known one is charged", async () => {
    const valid = await another({ litellm: { validate_end_user_id_in_db: true } });
    await valid.post("/customer/new", { user_id: "known" });
    for (const user of ["known", "unknown", JSON_BLOB]) {
      assert.equal((await call({ body: { user } }, valid)).status, 200, user);
    }
    assert.equal(await spendOf("known", valid), 0.06);
    for (const id of ["unknown", JSON_BLOB]) assert.equal(await spendOf(id, valid), undefined);
    const { body } = await valid.post("/customer/unknown/check", CALL);
    assert.deepEqual([body.admitted, body.customer], [true, null], "a check says it too");
  });

  test("with a default budget an unknown id is kept, and obeys it; a blob is not", async () => {
    const settings = { validate_end_user_id_in_db: true, max_end_user_budget_id: "default" };
    const valid = await another({ litellm: settings });
    await call({ body: { user: "newcomer" } }, valid);
    assert.equal(await spendOf("newcomer", valid), 0.06);
    await call({ body: { user: JSON_BLOB } }, valid);
    assert.equal(await spendOf(JSON_BLOB, valid), undefined);
  });

  test("customers can be kept from being made by calls", async () => {
    const closed = await another({ general: { customer_auto_create: false } });
    await closed.post("/customer/new", { user_id: "known" });
    assert.equal((await call({ body: { user: "known" } }, closed)).status, 200);
    const { status, body } = await call({ body: { user: "stranger" } }, closed);
    assert.equal(status, 403);
    assert.equal(body.error.type, "unknown_customer");
    assert.equal(upstream.received.length, 1);
    assert.equal(await spendOf("stranger", closed), undefined);
    assert.equal((await call({}, closed)).status, 200, "a call for nobody makes nobody");
  });

  test("a flood of new ids makes no more customers a minute than are allowed", async () => {
    const limited = await another({ general: { customer_auto_create: 3 } });
    const ids = Array.from({ length: 40 }, (_, index) => `flood ${String(index)}`);
    const began = minute();
    const replies = await Promise.all(ids.map((user) => call({ body: { user } }, limited)));
    const minutes = minute() - began + 1;
    const served = ids.filter((_, index) => replies[index]?.status === 200);
    assert.ok(served.length >= 3 && served.length <= 3 * minutes, String(served.length));
    for (const [index, id] of ids.entries()) {
      const { status, headers, body } = replies[index] as Reply;
      assert.equal(await spendOf(id, limited), served.includes(id) ? 0.06 : undefined);
      if (served.includes(id)) continue;
      assert.equal(status, 429);
      assert.equal(body.error.type, "throttling_error");
      assert.match(headers.get("retry-after") ?? "", /^[1-9]\d*$/);
    }
    assert.equal(upstream.received.length, served.length);
    const [known = ""] = served;
    assert.equal((await call({ body: { user: known } }, limited)).status, 200);
  });

  test("an id that breaks the operator's rules is refused, and makes nobody", async () => {
    const rules = { customer_id_chars_max: 8, customer_id_pattern: "[a-z]+" };
    const ruled = await another({ general: rules });
    for (const user of ["toolongforit", "UPPER", "ab1", "ab\n"]) {
      const { status, body } = await call({ body: { user } }, ruled);
      assert.equal(status, 400, user);
      assert.equal(body.error.param, "user");
      assert.equal(await spendOf(user, ruled), undefined);
    }
    assert.equal(upstream.received.length, 0);
    assert.equal((await call({ body: { user: "abc" } }, ruled)).status, 200);
  });

  test("the real id is read from a blob, where the operator says where it stands", async () => {
    const reading = await another({ general: { customer_id_json_field: "account_uuid" } });
    await call({ body: { metadata: { user_id: JSON_BLOB } } }, reading);
    assert.equal(await spendOf("a-1", reading), 0.06);
  });

  for (const kind of ["list", "file"] as const) {
    test(`a customer in the ${kind} of blocked ones is refused by every source`, async () => {
      const file = join(mkdtempSync(join(tmpdir(), "purser-test-")), "blocked.txt");
      writeFileSync(file, "someone\n\n  b1  \r\n");
      const blocked_user_list = kind === "list" ? ["someone", "b1"] : file;
      const general = { user_header_mappings: MAPPINGS };
      const blocking = await another({
        general,
        litellm: { blocked_user_list, callbacks: ["blocked_user_check"] },
      });
      for (const { name, say } of SPELLINGS) {
        const { status, body } = await call(say("b1"), blocking);
        assert.equal(status, 400, name);
        assert.equal(body.error.message, "User blocked from making LLM API Calls. User=b1");
      }
      assert.equal(upstream.received.length, 0);
      assert.equal((await call({ body: { user: "b2" } }, blocking)).status, 200);
    });
  }

  test("Open WebUI's headers name the customer", async () => {
    const sent = {
      headers: {
        "X-OpenWebUI-User-Name": "Ada%20Lovelace",
        "X-OpenWebUI-User-Id": "8f1c9a2e-0b7d-4c58-9a51-3a5c1f7e2b10",
        "X-OpenWebUI-User-Email": "ada@example.com",
        "X-OpenWebUI-User-Role": "user",
        "X-OpenWebUI-Chat-Id": "c7a1",
      },
      body: { stream: true },
    };
    upstream.answer = streamed(["Hel", "lo"]);
    assert.equal((await call(sent)).status, 200);
    assert.equal(await spendOf("ada@example.com"), 0.06);
    const headers = JSON.stringify(upstream.received[0]?.headers);
    assert.doesNotMatch(headers, /openwebui|ada@example/i);
  });

  test("LibreChat's body names the customer", async () => {
    const user = "65f2c0ffee1d2b3a4c5d6e7f";
    const sent = { temperature: 1, top_p: 1, presence_penalty: 0, user, stream: true };
    upstream.answer = streamed(["Hel", "lo"]);
    assert.equal((await call({ body: sent })).status, 200);
    assert.equal(await spendOf(user), 0.06);
  });

  test("Claude Code's sessions are no customers, and its custom header names one", async () => {
    for (const user_id of [JSON_BLOB, SESSION]) {
      assert.equal((await call({ body: { metadata: { user_id } } })).status, 200);
      assert.equal(await spendOf(user_id), undefined);
      const headers = { "x-litellm-customer-id": "developer" };
      await call({ headers, body: { metadata: { user_id } } });
    }
    assert.equal(await spendOf("developer"), 0.12);
  });
});

function minute(): number {
  return Math.floor(Date.now() / 60_000);
}

/** With the letter case of its headers as it is given, which `fetch` does not promise. */
function rawCall(base: string, headers: Record<string, string>): Promise<void> {
  return new Promise((resolve, reject) => {
    const sent = request(`${base}/v1/chat/completions`, {
      method: "POST",
      headers: { Authorization: `Bearer ${MASTER_KEY}`, ...headers },
    });
    sent.on("response", (response) => {
      response.resume();
      response.on("end", resolve);
    });
    sent.on("error", reject);
    sent.end(JSON.stringify(CALL));
  });
}
