/** What is derived from keys: the same for everybody who derives it, and told from what anybody else can. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { hashOf, signingSecretOf } from "../../src/http/auth.ts";

const SECRET_HASH = hashOf("sk-app");

test("the signing secret of a key is an HMAC of its secret's hash under the master key", () => {
  // printf %s "purser customer token $(printf %s sk-app | sha256sum | cut -c1-64)" |
  //   openssl dgst -sha256 -hmac sk-1234 -binary | basenc --base64url
  assert.equal(
    signingSecretOf("sk-1234", SECRET_HASH),
    "7kaojKLVpqUqq6WggsrVQxalcHXG-Y74PfMW0EHcCIw",
  );
});

test("another key or another master key has another signing secret", () => {
  const secret = signingSecretOf("sk-1234", SECRET_HASH);
  assert.notEqual(signingSecretOf("sk-1234", hashOf("sk-other")), secret);
  assert.notEqual(signingSecretOf("sk-other", SECRET_HASH), secret);
});
