/** Who calls and for whom. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { customerOf } from "../../src/gateway/identify.ts";
import { authenticate, hashOf } from "../../src/http/auth.ts";
import { ApiError } from "../../src/http/errors.ts";

const HASH = hashOf("sk-1234");
const KEYS = { masterKeyHash: HASH, find: () => Promise.resolve(undefined) };

test("a key is known by its sha256, as LiteLLM writes it", () => {
  assert.equal(HASH, "88dc28d0f030c55ed4ab77ed8faf098196cb1c05df778539800c9f1243fe6b4b");
});

for (const headers of [
  { authorization: "Bearer sk-1234" },
  { authorization: "bearer sk-1234" },
  { authorization: "sk-1234" },
  { "x-api-key": "sk-1234" },
  { "api-key": "sk-1234" },
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

test("the headers name the customer before the body, and the customer id before the end-user id", () => {
  const both = { "x-litellm-customer-id": "first", "x-litellm-end-user-id": "second" };
  assert.equal(customerOf(both, { user: "third" }), "first");
  assert.equal(customerOf({ "x-litellm-end-user-id": "second" }, { user: "third" }), "second");
  assert.equal(customerOf({}, { user: "third" }), "third");
});

test("a blank header falls through to the body", () => {
  assert.equal(customerOf({ "x-litellm-customer-id": "  " }, { user: "third" }), "third");
});

test("a number is an id, and what is neither text nor number is none", () => {
  assert.equal(customerOf({}, { user: 42 }), "42");
  for (const user of [true, {}, [], null, "", "   "]) {
    assert.equal(customerOf({}, { user }), null);
  }
});

test("numbers that read as one another are no ids", () => {
  assert.throws(() => customerOf({}, JSON.parse('{"user":9007199254740993}')), ApiError);
});

test("a header's UTF-8 names the same customer as the body's", () => {
  const header = Buffer.from("é").toString("latin1");
  assert.equal(customerOf({ "x-litellm-customer-id": header }, {}), "é");
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
      () => customerOf({}, { user }),
      (error) => error instanceof ApiError && error.error === "invalid_request",
    );
  });
}

test("__proto__ and constructor are ids like any other", () => {
  assert.equal(customerOf({}, { user: "__proto__" }), "__proto__");
  assert.equal(customerOf({}, { user: "constructor" }), "constructor");
});
