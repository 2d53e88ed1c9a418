/** LiteLLM's key routes over HTTP: what is written is what is shown, and a secret is shown once. */

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { after, before, test } from "node:test";
import { hashOf, signingSecretOf } from "../../src/http/auth.ts";
import { parseDatabase } from "../../src/config/database.ts";
import type { LedgerReader } from "../../src/ledger/store.ts";
import { openReader } from "../../src/store/open.ts";
import { putAccounts } from "../support/accounts.ts";
import { onEachDatabase } from "../support/databases.ts";
import * as ledger from "../support/ledger.ts";
import { MASTER_KEY, startTestPurser, type Reply, type TestPurser } from "../support/purser.ts";
import { startUpstream, type Upstream } from "../support/upstream.ts";

/** Of nobody in particular. */
const TIER = ledger.budget("tier", [ledger.limit("usd", 5_000_000_000)]);

/** Everything that a body of /key/generate may say of a key, but for limits and the customers that it may name. */
const FULL = {
  key_alias: "full",
  models: ["m", "gpt-*"],
  duration: "30d",
  metadata: {
    team: "core",
    end_user_budget_id: "tier",
    nested: { "quote'": '"; drop table keys' },
  },
  team_id: "t1",
  user_id: "u1",
  blocked: false,
  key_type: "read_only",
};

const DAY_MS = 86_400_000;

onEachDatabase((database) => {
  let upstream: Upstream;
  let purser: TestPurser;
  let url: string;

  before(async () => {
    url = await database();
    await putAccounts(url, { budgets: [TIER] });
    upstream = await startUpstream();
    purser = await startTestPurser({ database: url, upstream: upstream.origin });
  });
  after(async () => {
    await purser.stop();
    await upstream.close();
  });

  test("a key is made with every field, and is shown alike by generate, info, list and update", async () => {
    const made = await ok(purser.post("/key/generate", FULL));
    const { key: secret, ...object } = made.body;
    assert.match(secret, /^sk-[\w-]{43}$/);
    const { token, expires, created_at, updated_at, ...rest } = object;
    assert.equal(token, hashOf(secret));
    assert.equal(Date.parse(expires) - Date.parse(created_at), 30 * DAY_MS);
    assert.equal(updated_at, created_at);
    assert.deepEqual(rest, {
      token_id: token,
      key_name: `sk-...${secret.slice(-4)}`,
      key_alias: "full",
      role: "viewer",
      customer_mode: "any",
      blocked: false,
      models: ["m", "gpt-*"],
      spend: 0,
      ...NO_LIMITS,
      budget_id: null,
      litellm_budget_table: null,
      metadata: FULL.metadata,
      team_id: "t1",
      user_id: "u1",
      created_by: "default_user_id",
      updated_by: "default_user_id",
    });
    const list = await ok(purser.get("/key/list?key_alias=full&return_full_object=true"));
    assert.deepEqual(list.body, {
      keys: [object],
      total_count: 1,
      current_page: 1,
      total_pages: 1,
    });
    for (const name of [secret, token]) {
      assert.deepEqual((await info(name)).body, { key: name, info: object });
    }
    for (const name of [secret, token]) {
      const same = await ok(purser.post("/key/update", { key: name }));
      assert.deepEqual({ ...same.body, updated_at }, { key: name, ...object });
    }
  });

  test("the secret is stored by its sha256 alone and shown by nothing but the answer that made it", async () => {
    const { key: secret, token } = (await ok(purser.post("/key/generate", {}))).body;
    const row = await reading((reader) => reader.key(token));
    assert.equal(row?.secretHash, hashOf(secret));
    assert.ok(!JSON.stringify(row).includes(secret.slice(0, -4)));
    const later = [
      await info(token),
      await ok(purser.get("/key/list?return_full_object=true&size=100")),
      await ok(purser.post("/key/block", { key: token })),
      await ok(purser.post("/key/update", { key: token, blocked: false })),
    ];
    for (const { text } of later) assert.ok(!text.includes(secret));
  });

  test("two keys differ, and each works as it was made", async () => {
    const [a, b] = [
      await ok(purser.post("/key/generate", {})),
      await ok(purser.post("/key/generate", {})),
    ];
    assert.notEqual(a.body.key, b.body.key);
    for (const { body } of [a, b]) assert.equal((await chat(body.key)).status, 200);
  });

  test("a value of one's own begins with sk-, is nobody else's, and is not echoed where it is refused", async () => {
    const own = "sk-my-own-value";
    const made = await ok(purser.post("/key/generate", { key: own }));
    assert.deepEqual([made.body.key, made.body.token], [own, hashOf(own)]);
    assert.equal((await chat(own)).status, 200);
    assert.equal((await purser.post("/key/generate", { key: own })).status, 409);
    assert.equal((await purser.post("/key/generate", { key: MASTER_KEY })).status, 409);
    for (const key of [
      "my-own-secret-value",
      "sk-",
      "sk-two words are too many",
      `sk-${"x".repeat(300)}`,
    ]) {
      const { status, body, text } = await purser.post("/key/generate", { key });
      assert.deepEqual([status, body.error.param], [400, "key"]);
      assert.ok(!text.includes(key) || key === "sk-");
    }
  });

  test("what an update names is applied, null clears, 0 is a value, and what it leaves out stays", async () => {
    const fields = { ...FULL, key_alias: "patch", max_budget: 5, rpm_limit: 10 };
    const { key } = (await ok(purser.post("/key/generate", fields))).body;
    const before = (await info(key)).body.info;
    await ok(purser.post("/key/update", { key, max_budget: 0, user_id: null, role: "inference" }));
    const patched = (await info(key)).body.info;
    const table = { ...before.litellm_budget_table, max_budget: 0 };
    assert.deepEqual(
      { ...patched, updated_at: before.updated_at },
      { ...before, max_budget: 0, user_id: null, role: "inference", litellm_budget_table: table },
    );
    const cleared = {
      key_alias: null,
      models: null,
      duration: null,
      metadata: null,
      team_id: null,
      max_budget: null,
      rpm_limit: null,
    };
    const { body } = await ok(purser.post("/key/update", { key, ...cleared }));
    assert.deepEqual(
      [body.key_alias, body.models, body.expires, body.metadata, body.team_id],
      [null, [], null, {}, null],
    );
    assert.deepEqual([body.max_budget, body.rpm_limit], [null, null]);
  });

  test("an alias belongs to one key and is free again when that is deleted", async () => {
    const { key } = (await ok(purser.post("/key/generate", { key_alias: "prod" }))).body;
    const other = (await ok(purser.post("/key/generate", {}))).body.key;
    for (const again of [
      await purser.post("/key/generate", { key_alias: "prod" }),
      await purser.post("/key/update", { key: other, key_alias: "prod" }),
    ]) {
      assert.deepEqual([again.status, again.body.error.param], [400, "key_alias"]);
      assert.match(again.body.error.message, /Key with alias 'prod' already exists/);
    }
    await ok(purser.post("/key/update", { key, key_alias: "prod", team_id: "t" }));
    await ok(purser.post("/key/delete", { key_aliases: ["prod"] }));
    await ok(purser.post("/key/update", { key: other, key_alias: "prod" }));
  });

  test("blocking twice is blocking once, and unblocking too", async () => {
    const { key } = (await ok(purser.post("/key/generate", {}))).body;
    for (const [path, blocked, status] of [
      ["/key/unblock", false, 200],
      ["/key/block", true, 401],
      ["/key/block", true, 401],
      ["/key/unblock", false, 200],
      ["/key/unblock", false, 200],
    ] as const) {
      const reply = await ok(purser.post(path, { key }));
      assert.equal(reply.body.blocked, blocked);
      const call = await chat(key);
      assert.equal(call.status, status);
      if (blocked) assert.match(call.body.error.message, /Key is blocked/);
    }
  });

  test("a key is deleted with its own budget, all that were named or none, and what it spent stays", async () => {
    const { key, litellm_budget_table: own } = (
      await ok(purser.post("/key/generate", { max_budget: 5, key_alias: "gone" }))
    ).body;
    const other = (await ok(purser.post("/key/generate", {}))).body.key;
    await chat(key, "deleter-co");
    const partly = await purser.post("/key/delete", {
      keys: [key, "sk-a-secret-that-was-mistyped"],
    });
    assert.equal(partly.status, 404);
    assert.ok(!partly.text.includes("sk-a-secret-that-was-mistyped"));
    assert.equal((await chat(key, "deleter-co")).status, 200);

    const gone = await ok(purser.post("/key/delete", { keys: [key, hashOf(key), other] }));
    assert.deepEqual(gone.body, { deleted_keys: [key, hashOf(key), other] });
    const { status, body } = await chat(key, "deleter-co");
    assert.deepEqual([status, body.error.message], [401, "Authentication Error, Invalid API key."]);
    assert.equal((await purser.get(`/key/info?key=${key}`)).status, 404);
    assert.equal((await purser.info("deleter-co")).spend, 0.12);
    await reading(async (reader) => {
      assert.equal(await reader.budget(own.budget_id), undefined);
      const charges = await reader.keyCharges([hashOf(key)]);
      assert.equal(charges.get(hashOf(key)), 120_000_000n);
      assert.deepEqual((await reader.audit()).drifts, []);
    });
  });

  test("a new secret replaces the old one at once and leaves everything else as it was", async () => {
    const { key: old, token } = (
      await ok(purser.post("/key/generate", { max_budget: 5, rpm_limit: 9 }))
    ).body;
    await chat(old);
    const before = (await info(old)).body.info;
    for (const [path, body] of [
      ["/key/regenerate", { key: token }],
      [`/key/${token}/regenerate`, {}],
    ] as const) {
      const previous = (await info(token)).body.info;
      const { key: secret, ...object } = (await ok(purser.post(path, body))).body;
      assert.equal((await chat(old)).status, 401);
      assert.equal((await purser.get(`/key/info?key=${old}`)).status, 404);
      assert.notEqual(object.key_name, previous.key_name);
      const { key_name, updated_at } = object;
      assert.deepEqual(object, { ...before, key_name, updated_at });
      assert.deepEqual((await info(secret)).body.info, object);
      assert.deepEqual((await info(hashOf(secret))).body.info, object);
    }
  });

  test("a new secret may come with changes", async () => {
    const { key } = (await ok(purser.post("/key/generate", { max_budget: 5 }))).body;
    const path = `/key/${key}/regenerate`;
    const { body } = await ok(purser.post(path, { max_budget: 7, duration: "30d" }));
    assert.deepEqual([body.max_budget, (await info(body.key)).body.info.max_budget], [7, 7]);
    assert.notEqual(body.expires, null);
    const unknown = await purser.post(`/key/${body.key}/regenerate`, { new_key: "sk-chosen" });
    assert.equal(unknown.status, 422);
    assert.equal((await chat(body.key)).status, 200);
  });

  for (const [mode, value, shown] of [
    ["any", {}, {}],
    ["required", {}, {}],
    ["bound", { customer_id: "acme" }, { customer_id: "acme" }],
    ["prefix", { customer_prefix: "acme:" }, { customer_prefix: "acme:" }],
    ["signed", {}, {}],
  ] as const) {
    test(`the customer mode ${mode} is kept, also by an update that does not name it`, async () => {
      const made = await ok(purser.post("/key/generate", { customer_mode: mode, ...value }));
      const { key } = made.body;
      const secret = mode === "signed" ? signingSecretOf(MASTER_KEY, hashOf(key)) : undefined;
      assert.equal(made.body.signing_secret, secret);
      await ok(purser.post("/key/update", { key, team_id: "t" }));
      const { customer_mode, customer_id, customer_prefix, signing_secret } = (await info(key)).body
        .info;
      assert.deepEqual(
        { customer_mode, customer_id, customer_prefix },
        { customer_id: undefined, customer_prefix: undefined, customer_mode: mode, ...shown },
      );
      assert.equal(signing_secret, undefined);
      const { body } = await ok(purser.post("/key/update", { key, customer_mode: "any" }));
      assert.deepEqual(
        [body.customer_mode, body.customer_id, body.customer_prefix],
        ["any", undefined, undefined],
      );
    });
  }

  test("a regenerated key signs with another secret", async () => {
    const { key, signing_secret } = (
      await ok(purser.post("/key/generate", { customer_mode: "signed" }))
    ).body;
    const again = (await ok(purser.post("/key/regenerate", { key }))).body;
    assert.equal(again.signing_secret, signingSecretOf(MASTER_KEY, hashOf(again.key)));
    assert.notEqual(again.signing_secret, signing_secret);
  });

  test("customer tokens are good that are signed with the present signing secret, and no others", async () => {
    const { key, signing_secret: old } = (
      await ok(purser.post("/key/generate", { customer_mode: "signed" }))
    ).body;
    const again = (await ok(purser.post("/key/regenerate", { key }))).body;
    for (const [secret, status] of [
      [again.signing_secret, 200],
      [old, 401],
    ] as const) {
      const token = { "x-purser-customer-token": tokenFor("signed-co", secret) };
      assert.equal((await chat(again.key, "signed-co", token)).status, status);
    }
    assert.equal((await purser.info("signed-co")).spend, 0.06);
  });

  test("a key that shares a tier gets limits of its own without changing anybody else's", async () => {
    const [a, b] = [
      (await ok(purser.post("/key/generate", { budget_id: "tier" }))).body,
      (await ok(purser.post("/key/generate", { budget_id: "tier" }))).body,
    ];
    assert.deepEqual(
      [a.budget_id, a.max_budget, a.litellm_budget_table.budget_id],
      ["tier", 5, "tier"],
    );
    const same = (await ok(purser.post("/key/update", { key: a.key, max_budget: 5 }))).body;
    assert.equal(same.budget_id, "tier");
    const own = (await ok(purser.post("/key/update", { key: a.key, rpm_limit: 3 }))).body;
    assert.deepEqual([own.budget_id, own.max_budget, own.rpm_limit], [null, 5, 3]);
    const untouched = (await info(b.key)).body.info;
    assert.deepEqual(
      [untouched.budget_id, untouched.max_budget, untouched.rpm_limit],
      ["tier", 5, null],
    );
    const back = (await ok(purser.post("/key/update", { key: a.key, budget_id: "tier" }))).body;
    assert.deepEqual([back.budget_id, back.rpm_limit], ["tier", null]);
    const none = (await ok(purser.post("/key/update", { key: a.key, budget_id: null }))).body;
    assert.deepEqual(
      [none.budget_id, none.max_budget, none.litellm_budget_table],
      [null, null, null],
    );
  });

  test("lists are paged and filtered, and show what each key spent", async () => {
    for (let index = 0; index < 5; index++) {
      const { key } = (await ok(purser.post("/key/generate", { team_id: "pages" }))).body;
      for (let calls = 0; calls < index; calls++) await chat(key);
    }
    const path = "/key/list?team_id=pages&return_full_object=true&size=2&page=";
    const pages = [];
    for (const page of [1, 2, 3, 4]) pages.push((await ok(purser.get(path + String(page)))).body);
    assert.deepEqual(
      pages.map(({ keys, ...rest }) => ({ shown: keys.length, ...rest })),
      [2, 2, 1, 0].map((shown, index) => ({
        shown,
        total_count: 5,
        current_page: index + 1,
        total_pages: 3,
      })),
    );
    const spends = pages.flatMap(({ keys }) => keys.map(spendOf));
    assert.deepEqual(
      spends.toSorted((a, b) => a - b),
      [0, 0.06, 0.12, 0.18, 0.24],
    );
    const { keys, total_count } = (await ok(purser.get("/key/list?team_id=pages&user_id=nobody")))
      .body;
    assert.deepEqual([keys, total_count], [[], 0]);
  });

  function place() {
    const parsed = parseDatabase(url);
    return parsed.ok ? parsed.value : assert.fail(parsed.problem);
  }

  /** Past Purser. */
  async function reading<T>(work: (reader: LedgerReader) => Promise<T>): Promise<T> {
    const { reader, close } = await openReader(place());
    try {
      return await work(reader);
    } finally {
      await close();
    }
  }

  function info(name: string): Promise<Reply> {
    return ok(purser.get(`/key/info?key=${encodeURIComponent(name)}`));
  }

  function chat(secret: string, user = "acme", headers: object = {}): Promise<Reply> {
    const call = { model: "m", user, max_tokens: 20, messages: [{ role: "user", content: "hi" }] };
    return purser.post("/v1/chat/completions", call, {
      authorization: `Bearer ${secret}`,
      ...headers,
    });
  }
});

function tokenFor(sub: string, secret: string): string {
  const exp = Math.floor(Date.now() / 1000) + 60;
  const parts = [{ alg: "HS256" }, { sub, exp }].map((part) => JSON.stringify(part));
  const text = parts.map((part) => Buffer.from(part).toString("base64url")).join(".");
  return `${text}.${createHmac("sha256", secret).update(text).digest("base64url")}`;
}

const NO_LIMITS = {
  max_budget: null,
  soft_budget: null,
  budget_duration: null,
  budget_reset_at: null,
  tpm_limit: null,
  rpm_limit: null,
  max_parallel_requests: null,
  model_max_budget: null,
};

async function ok(asked: Promise<Reply>): Promise<Reply> {
  const reply = await asked;
  assert.equal(reply.status, 200, reply.text);
  return reply;
}

function spendOf({ spend }: { readonly spend: number }): number {
  return spend;
}
