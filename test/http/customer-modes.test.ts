/** Whom a key may name: each customer mode against every source, over real sockets. */

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { readFileSync } from "node:fs";
import { after, before, beforeEach, test } from "node:test";
import { hashOf, signingSecretOf } from "../../src/http/auth.ts";
import type { CustomerRule } from "../../src/ledger/book.ts";
import { keyOf, putAccounts } from "../support/accounts.ts";
import { onEachDatabase } from "../support/databases.ts";
import { SPELLINGS, together, type Said } from "../support/naming.ts";
import { MASTER_KEY, startTestPurser, type Reply, type TestPurser } from "../support/purser.ts";
import { startUpstream, whole, type Upstream } from "../support/upstream.ts";

const CALL = { model: "m", max_tokens: 20, messages: [{ role: "user", content: "hi" }] };
const NOBODY: Said = {};
const BLOB = '{"device_id":"d1","session_id":"s1"}';
const HOUR_S = 3600;

const RULES: Readonly<Record<string, CustomerRule>> = {
  "sk-any": { mode: "any" },
  "sk-required": { mode: "required" },
  "sk-bound": { mode: "bound", customer: "acme" },
  "sk-prefix": { mode: "prefix", prefix: "acme-" },
  "sk-poor": { mode: "bound", customer: "poor" },
  "sk-signed": { mode: "signed" },
  "sk-signed-too": { mode: "signed" },
};

onEachDatabase((database) => {
  let url: string;
  let upstream: Upstream;
  let purser: TestPurser;

  before(async () => {
    upstream = await startUpstream();
    url = await database();
    const keys = Object.entries(RULES).map(([secret, rule]) => keyOf(secret, { rule }));
    await putAccounts(url, { keys });
    const mapping = { header_name: "x-app-user", litellm_user_role: "customer" };
    const general = { user_header_mappings: mapping };
    purser = await startTestPurser({ database: url, upstream: upstream.origin, general });
  });
  beforeEach(() => {
    upstream.answer = whole();
    upstream.received.length = 0;
  });
  after(async () => {
    await purser.stop();
    await upstream.close();
  });

  function call(secret: string, said: Said, at = purser): Promise<Reply> {
    const headers = { authorization: `Bearer ${secret}`, ...said.headers };
    return at.post("/v1/chat/completions", { ...CALL, ...said.body }, headers);
  }

  async function spendOf(id: string): Promise<number | undefined> {
    const info = (await purser.info(id)) as { readonly spend?: number };
    return info.spend;
  }

  /** Refused in these words, with nothing said to the provider. */
  async function refused(reply: Promise<Reply>, status: number, type: string): Promise<string> {
    const { body, ...rest } = await reply;
    assert.equal(rest.status, status, rest.text);
    assert.equal(body.error.type, type);
    assert.equal(upstream.received.length, 0);
    return body.error.message;
  }

  /** Served, and charged to this customer. */
  async function charged(id: string, secret: string, said: Said): Promise<void> {
    const earlier = (await spendOf(id)) ?? 0;
    const { status, text } = await call(secret, said);
    assert.equal(status, 200, text);
    assert.equal(((await spendOf(id)) ?? 0).toFixed(2), (earlier + 0.06).toFixed(2));
  }

  test("any: a call may be for nobody", async () => {
    assert.equal((await call("sk-any", NOBODY)).status, 200);
  });

  test("required: a call for nobody is refused", async () => {
    const named = [NOBODY, { body: { user: " " } }, { body: { metadata: { user_id: BLOB } } }];
    for (const said of named) {
      await refused(call("sk-required", said), 400, "invalid_request_error");
    }
  });

  test("bound: a call that names nobody, or a session, is for the key's customer", async () => {
    await charged("acme", "sk-bound", NOBODY);
    await charged("acme", "sk-bound", { body: { metadata: { user_id: BLOB } } });
  });

  test("prefix: a call for nobody is refused", async () => {
    await refused(call("sk-prefix", NOBODY), 400, "invalid_request_error");
  });

  for (const { name, say } of SPELLINGS) {
    test(`any and required: ${name} names whom it will`, async () => {
      for (const secret of ["sk-any", "sk-required"]) {
        const id = `${secret} by ${name}`;
        await charged(id, secret, say(id));
      }
    });

    test(`bound: ${name} may name the key's customer, and nobody else`, async () => {
      await charged("acme", "sk-bound", say("acme"));
      upstream.received.length = 0;
      const victim = `victim by ${name}`;
      await refused(call("sk-bound", say(victim)), 403, "customer_not_allowed");
      assert.equal(await spendOf(victim), undefined);
    });

    test(`prefix: ${name} may name a customer that begins with it, and no other`, async () => {
      const id = `acme-${name}`;
      await charged(id, "sk-prefix", say(id));
      upstream.received.length = 0;
      for (const victim of [`victim acme- ${name}`, `ACME-${name}`]) {
        await refused(call("sk-prefix", say(victim)), 403, "customer_not_allowed");
        assert.equal(await spendOf(victim), undefined);
      }
    });

    test(`signed: ${name} may repeat the token's customer, and name no other`, async () => {
      const id = `signed by ${name}`;
      const headers = { "x-purser-customer-token": tokenFor("sk-signed", { sub: id }) };
      await charged(id, "sk-signed", together(say(id), { headers }));
      upstream.received.length = 0;
      const victim = `victim of a token by ${name}`;
      const said = together(say(victim), { headers });
      await refused(call("sk-signed", said), 403, "customer_not_allowed");
      assert.equal(await spendOf(victim), undefined);
    });
  }

  test("bound: the right name in one place does not cover another name in a later one", async () => {
    for (const { say } of SPELLINGS.slice(1)) {
      const said = together(say("victim"), { headers: { "x-litellm-customer-id": "acme" } });
      await refused(call("sk-bound", said), 403, "customer_not_allowed");
    }
  });

  test("signed: without a token the call is refused, whomever it names", async () => {
    for (const said of [NOBODY, { body: { user: "acme" } }]) {
      await refused(call("sk-signed", said), 401, "auth_error");
    }
  });

  test("signed: a token alone names the customer", async () => {
    const token = tokenFor("sk-signed", { sub: "tokened" });
    await charged("tokened", "sk-signed", withToken(token));
  });

  test("signed: the documentation's ten lines make a good token", async () => {
    const page = readFileSync(new URL("../../docs/identity.md", import.meta.url), "utf8");
    const code = /```js\n([^]*?)```/.exec(page)?.[1] ?? "";
    const { customerToken } = (await import(
      `data:text/javascript,${encodeURIComponent(code)}`
    )) as {
      customerToken: (customer: string, signingSecret: string) => string;
    };
    const secret = signingSecretOf(MASTER_KEY, hashOf("sk-signed"));
    await charged("documented", "sk-signed", withToken(customerToken("documented", secret)));
  });

  const good = { sub: "forged", exp: inSeconds(60) };
  for (const [fault, token] of [
    ["has expired", tokenFor("sk-signed", { ...good, exp: inSeconds(-1) })],
    [
      "is good for more than an hour",
      tokenFor("sk-signed", { ...good, exp: inSeconds(HOUR_S + 60) }),
    ],
    ["never expires", tokenFor("sk-signed", { sub: "forged", exp: undefined })],
    ["names nobody", tokenFor("sk-signed", { ...good, sub: undefined })],
    ["names nobody by an empty text", tokenFor("sk-signed", { ...good, sub: "" })],
    ["names a number", tokenFor("sk-signed", { ...good, sub: 7 })],
    ["is not valid yet", tokenFor("sk-signed", { ...good, nbf: inSeconds(60) })],
    ["is signed for another key", tokenFor("sk-signed-too", good)],
    ["is signed with the key itself", signed(good, "sk-signed")],
    ["is signed with the hash of the key", signed(good, hashOf("sk-signed"))],
    ["is signed with the master key", signed(good, MASTER_KEY)],
    ["is signed with nothing", signed(good, "")],
    ["says that it is not signed", `${encoded({ alg: "none" })}.${encoded(good)}.`],
    ["says another algorithm", tokenFor("sk-signed", good, { alg: "HS512" }, "sha512")],
    ["was changed after it was signed", tampered(tokenFor("sk-signed", { ...good, sub: "me" }))],
    ["is no token", "x.y.z"],
    ["is empty", ""],
  ] as const) {
    test(`signed: a token that ${fault} is refused`, async () => {
      await refused(call("sk-signed", withToken(token)), 401, "auth_error");
      assert.equal(await spendOf("forged"), undefined);
    });
  }

  test("signed: a token cannot name what is no id", async () => {
    const token = tokenFor("sk-signed", { sub: "a\u0000b" });
    await refused(call("sk-signed", withToken(token)), 400, "invalid_request_error");
  });

  test("a token means nothing to a key of another mode", async () => {
    const token = tokenFor("sk-bound", { sub: "someone-else" });
    await charged("acme", "sk-bound", withToken(token));
    assert.equal(await spendOf("someone-else"), undefined);
  });

  test("a bound customer's budget is what its calls spend, whatever they name", async () => {
    await purser.post("/customer/new", { user_id: "poor", max_budget: 0 });
    await refused(call("sk-poor", NOBODY), 429, "budget_exceeded");
  });

  test("an unknown id is dropped for no key but one that may name nobody", async () => {
    const strict = await database();
    const keys = Object.entries(RULES).map(([secret, rule]) => keyOf(secret, { rule }));
    await putAccounts(strict, { keys });
    const litellm = { validate_end_user_id_in_db: true };
    const other = await startTestPurser({ database: strict, upstream: upstream.origin, litellm });
    const token = tokenFor("sk-signed", { sub: "unknown" });
    try {
      for (const [secret, status, said] of [
        ["sk-any", 200, { body: { user: "unknown" } }],
        ["sk-required", 403, { body: { user: "unknown" } }],
        ["sk-prefix", 403, { body: { user: "acme-unknown" } }],
        ["sk-bound", 403, NOBODY],
        ["sk-signed", 403, withToken(token)],
      ] as const) {
        const reply = await call(secret, said, other);
        assert.equal(reply.status, status, secret);
        if (status === 403) assert.equal(reply.body.error.type, "unknown_customer");
      }
      assert.equal(upstream.received.length, 1);
    } finally {
      await other.stop();
    }
  });

  test("a key's new rule holds for its very next call, in either direction", async (t) => {
    if (url.startsWith("sqlite:")) {
      t.skip("an embedded database has one owner, so no key can be written into it from outside");
      return;
    }
    const secret = "sk-changing";
    await putAccounts(url, { keys: [keyOf(secret, { rule: { mode: "any" }, revision: "r0" })] });
    await charged("first", secret, { body: { user: "first" } });
    upstream.received.length = 0;
    const bound = { mode: "bound", customer: "second" } as const;
    await putAccounts(url, { keys: [keyOf(secret, { rule: bound })] });
    await refused(call(secret, { body: { user: "first" } }), 403, "customer_not_allowed");
    await charged("second", secret, NOBODY);
    await putAccounts(url, { keys: [keyOf(secret, { rule: { mode: "required" } })] });
    await charged("first", secret, { body: { user: "first" } });
  });
});

function withToken(token: string): Said {
  return { headers: { "x-purser-customer-token": token } };
}

/** As an application makes it that was given the key's signing secret. */
function tokenFor(
  secret: string,
  claims: object,
  header: { readonly alg: string } = { alg: "HS256" },
  digest = "sha256",
): string {
  const signing = signingSecretOf(MASTER_KEY, hashOf(secret));
  return signed({ exp: inSeconds(60), ...claims }, signing, header, digest);
}

function signed(
  claims: object,
  secret: string,
  header: { readonly alg: string } = { alg: "HS256" },
  digest = "sha256",
): string {
  const text = `${encoded(header)}.${encoded(claims)}`;
  return `${text}.${createHmac(digest, secret).update(text).digest("base64url")}`;
}

function tampered(token: string): string {
  const [header, , signature] = token.split(".");
  const claims = encoded({ sub: "forged", exp: inSeconds(60) });
  return `${String(header)}.${claims}.${String(signature)}`;
}

function encoded(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString("base64url");
}

function inSeconds(seconds: number): number {
  return Math.floor(Date.now() / 1000) + seconds;
}
