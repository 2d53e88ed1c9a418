/** Whom a call names as its customer. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { customerOf, idsIn } from "../../src/gateway/identify.ts";
import { authenticate, hashOf } from "../../src/http/auth.ts";
import { ApiError } from "../../src/http/errors.ts";
import type { Json } from "../../src/platform/json.ts";

const HASH = hashOf("sk-1234");
const KEYS = {
  masterKeyHash: HASH,
  find: () => Promise.resolve(undefined),
  byHash: () => Promise.resolve(undefined),
};

const RULES = { headers: ["x-app-user"], idCharsMax: 256, idPattern: null, idJsonPath: null };
const BLOB = '{"device_id":"d1","account":{"id":"acme","seat":42},"session_id":"s1"}';

test("a key is known by its sha256, as LiteLLM writes it", () => {
  assert.equal(HASH, "88dc28d0f030c55ed4ab77ed8faf098196cb1c05df778539800c9f1243fe6b4b");
});

for (const headers of [
  { authorization: "Bearer sk-1234" },
  { authorization: "bearer sk-1234" },
  { authorization: "sk-1234" },
  { "x-api-key": "sk-1234" },
  { "api-key": "sk-1234" },
  { "x-goog-api-key": "sk-1234" },
  { "ocp-apim-subscription-key": "sk-1234" },
  { "x-litellm-api-key": "sk-1234" },
]) {
  test(`the master key is known from ${JSON.stringify(headers)}`, async () => {
    assert.equal((await authenticate(headers, KEYS)).keyHash, HASH);
  });
}

for (const headers of [
  {},
  { authorization: "" },
  { authorization: "Bearer " },
  { authorization: "Bearer sk-12345" },
  { authorization: "Bearer sk-123" },
  { authorization: "Bearer ' or 1=1 --" },
  { authorization: `Bearer ${"x".repeat(10_000)}` },
]) {
  test(`nobody is let in by ${JSON.stringify(headers).slice(0, 60)}`, async () => {
    await assert.rejects(
      authenticate(headers, KEYS),
      (error) => error instanceof ApiError && error.error === "authentication",
    );
  });
}

/** Every source, the first of which counts, as it carries a value. */
const SOURCES: readonly (readonly [string, (value: string) => Said])[] = [
  ["x-litellm-customer-id", (value) => ({ headers: { "x-litellm-customer-id": value } })],
  ["x-litellm-end-user-id", (value) => ({ headers: { "x-litellm-end-user-id": value } })],
  ["a mapped header", (value) => ({ headers: { "x-app-user": value } })],
  ["user", (user) => ({ body: { user } })],
  ["litellm_metadata.user", (user) => ({ body: { litellm_metadata: { user } } })],
  ["metadata.user_id", (user_id) => ({ body: { metadata: { user_id } } })],
  ["safety_identifier", (safety_identifier) => ({ body: { safety_identifier } })],
];

interface Said {
  readonly headers?: Record<string, string>;
  readonly body?: Record<string, Json>;
}

for (const [index, [name, say]] of SOURCES.entries()) {
  const from = (value: string) => customerOf(said(say(value)), RULES);

  test(`${name} names the customer`, () => {
    assert.equal(from("acme"), "acme");
    assert.equal(from("user:with/odd=signs {x}"), "user:with/odd=signs {x}");
  });

  test(`${name} goes before every source after it`, () => {
    const rest = SOURCES.slice(index).map(([each, sayEach]) => sayEach(each));
    const naming = said(...rest);
    assert.equal(customerOf(naming, RULES), name);
    assert.deepEqual(
      [...idsIn(naming, RULES)],
      SOURCES.slice(index).map(([each]) => each),
    );
  });

  test(`a blank, a blob or a session in ${name} falls through to the next source`, () => {
    const others = SOURCES.slice(index + 1).map(([each, sayEach]) => sayEach(each));
    const next = SOURCES[index + 1]?.[0] ?? null;
    for (const nothing of ["", "   ", BLOB, ` ${BLOB}\n`, '["a"]', "{}", SESSION]) {
      assert.equal(customerOf(said(say(nothing), ...others), RULES), next, nothing);
    }
  });

  test(`the real id is found in a blob in ${name}`, () => {
    const rules = { ...RULES, idJsonPath: ["account", "id"] };
    assert.equal(customerOf(said(say(BLOB)), rules), "acme");
    assert.equal(customerOf(said(say("plain")), rules), "plain");
    assert.equal(customerOf(said(say('{"account":"acme"}')), rules), null);
    assert.equal(customerOf(said(say('{"account":{"id":"{}"}}')), rules), null);
    assert.equal(customerOf(said(say(BLOB)), { ...RULES, idJsonPath: ["account", "seat"] }), "42");
  });
}

/** As Claude Code named its sessions before it used JSON. */
const SESSION = `user_${"0a".repeat(32)}_account_b81cf2b0_session_6e9a36f1-91f5-4b6c-9a5e-1c2d3e4f5a6b`;

test("metadata is read as an object and as a text in JSON", () => {
  const texts = { litellm_metadata: '{"user":"first"}', metadata: '{"user_id":"second"}' };
  assert.deepEqual([...idsIn(said({ body: texts }), RULES)], ["first", "second"]);
  for (const metadata of ["user_id", "[1]", '{"user_id":', "null", "7"]) {
    assert.equal(customerOf(said({ body: { metadata } }), RULES), null, metadata);
  }
});

test("two mapped headers count in the order of the configuration", () => {
  const naming = said({ headers: { "x-a": "a", "x-b": "b" } });
  assert.equal(customerOf(naming, { ...RULES, headers: ["x-b", "x-a"] }), "b");
  assert.equal(customerOf(naming, { ...RULES, headers: ["x-a", "x-b"] }), "a");
});

test("a number is an id, and what is neither text nor number is none", () => {
  assert.equal(customerOf(said({ body: { user: 42 } }), RULES), "42");
  assert.equal(customerOf(said({ body: { user: 1.5 } }), RULES), "1.5");
  for (const user of [true, false, {}, { id: "a" }, [], ["a"], null]) {
    assert.equal(customerOf(said({ body: { user } }), RULES), null);
    assert.equal(customerOf(said({ body: { user, safety_identifier: "s" } }), RULES), "s");
  }
});

test("numbers that read as one another are no ids", () => {
  for (const text of ["9007199254740993", "-9007199254740993", "1e300", "1e400"]) {
    const user: unknown = JSON.parse(text);
    assert.throws(() => customerOf(said({ body: { user: Number(user) } }), RULES), ApiError, text);
  }
});

test("a header's UTF-8 names the same customer as the body's", () => {
  const header = Buffer.from("é").toString("latin1");
  const naming = said({ headers: { "x-litellm-customer-id": header } });
  assert.equal(customerOf(naming, RULES), "é");
});

test("a header in Latin-1 keeps its letters, so that no two customers become one", () => {
  const names = ["José", "Josè"].map((name) =>
    customerOf(said({ headers: { "x-litellm-customer-id": name } }), RULES),
  );
  assert.deepEqual(names, ["José", "Josè"]);
});

for (const [junk, user] of [
  ["a NUL byte", "a\u0000b"],
  ["a line break", "a\nb"],
  ["257 characters", "x".repeat(257)],
  ["ten megabytes", "x".repeat(10_000_000)],
  ["half a surrogate pair", "a\ud800b"],
] as const) {
  test(`an id with ${junk} is refused, not cut`, () => {
    assert.throws(
      () => customerOf(said({ body: { user, safety_identifier: "fine" } }), RULES),
      (error) => error instanceof ApiError && error.error === "invalid_request",
    );
  });
}

test("an id of 256 characters is one, and of more than the operator allows is not", () => {
  const long = said({ body: { user: "x".repeat(256) } });
  assert.equal(customerOf(long, RULES)?.length, 256);
  assert.throws(() => customerOf(long, { ...RULES, idCharsMax: 255 }), /longer than 255/);
});

test("an id that the pattern does not fit is refused", () => {
  const rules = { ...RULES, idPattern: /^(?:[a-z]+)$/u };
  assert.equal(customerOf(said({ body: { user: "acme" } }), rules), "acme");
  assert.throws(() => customerOf(said({ body: { user: "acme7" } }), rules), /customer_id_pattern/);
});

test("__proto__ and constructor are ids like any other, and no fields of a blob", () => {
  assert.equal(customerOf(said({ body: { user: "__proto__" } }), RULES), "__proto__");
  const rules = { ...RULES, idJsonPath: ["constructor", "name"] };
  assert.equal(customerOf(said({ body: { user: "{}" } }), rules), null);
});

/** All of it in one call. */
function said(...parts: readonly Said[]) {
  return {
    headers: Object.assign({}, ...parts.map(({ headers }) => headers)) as Record<string, string>,
    body: Object.assign({}, ...parts.map(({ body }) => body)) as Record<string, Json>,
  };
}
