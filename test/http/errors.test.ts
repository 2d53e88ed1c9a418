/** The one table of errors. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { ApiError, ERRORS, errorResponse, type ErrorName } from "../../src/http/errors.ts";
import { LedgerUnavailable } from "../../src/ledger/store.ts";
import { errorDocsAreCurrent } from "../../scripts/error-docs.ts";

test("docs/errors.md is what scripts/error-docs.ts writes", () => {
  assert.ok(errorDocsAreCurrent(), "run: npm run docs");
});

for (const name of Object.keys(ERRORS) as ErrorName[]) {
  test(`${name} is an OpenAI error with a string code`, () => {
    const { status, body } = errorResponse(new ApiError(name, "why"), "id");
    assert.equal(status, ERRORS[name].status);
    const { error } = JSON.parse(body) as { error: Record<string, unknown> };
    assert.deepEqual(error, {
      message: "why",
      type: ERRORS[name].type,
      param: null,
      code: String(status),
    });
  });
}

test("a failure without a name keeps its text inside", () => {
  const { status, body } = errorResponse(new Error("password=hunter2"), "id-1");
  assert.equal(status, 500);
  assert.doesNotMatch(body, /hunter2/);
  assert.match(body, /id-1/);
});

test("a ledger that is away is a 503, and says that nothing was done", () => {
  const { status, body, headers } = errorResponse(new LedgerUnavailable("ECONNREFUSED"), "id");
  assert.equal(status, 503);
  assert.equal(headers["retry-after"], "1");
  assert.doesNotMatch(body, /ECONNREFUSED/);
});
