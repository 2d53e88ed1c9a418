/** Secrets at rest. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { createSealer } from "../../src/events/seal.ts";

const SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

test("a sealed secret is opened by the same master key, for what it belongs to", () => {
  const sealed = createSealer("sk-1").seal(SECRET, "ep_1");
  assert.equal(createSealer("sk-1").open(sealed, "ep_1"), SECRET);
  assert.equal(createSealer("sk-2").open(sealed, "ep_1"), null);
  assert.equal(createSealer("sk-1").open(sealed, "ep_2"), null);
});

test("a sealed secret shows nothing of it, and no two look alike", () => {
  const sealer = createSealer("sk-1");
  const [one, other] = [sealer.seal(SECRET, "ep_1"), sealer.seal(SECRET, "ep_1")];
  assert.notEqual(one, other);
  assert.ok(!Buffer.from(one, "base64").toString("latin1").includes("MfKQ"));
});

test("a changed bit, a cut and gibberish open nothing", () => {
  const sealer = createSealer("sk-1");
  const sealed = Buffer.from(sealer.seal(SECRET, "ep_1"), "base64");
  for (let index = 0; index < sealed.length; index += 1) {
    const changed = Buffer.from(sealed);
    changed[index] = (changed[index] ?? 0) ^ 1;
    assert.equal(sealer.open(changed.toString("base64"), "ep_1"), null);
  }
  for (const text of ["", "AAAA", "gibberish!", sealed.subarray(0, 20).toString("base64")]) {
    assert.equal(sealer.open(text, "ep_1"), null, text);
  }
});
