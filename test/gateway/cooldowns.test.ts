/** Cool-downs: a deployment that fails too often is left alone, and comes back by itself. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Cooldowns } from "../../src/gateway/cooldowns.ts";

const MINUTE_MS = 60_000;
const SETTINGS = { failuresAllowed: 2, cooldownMs: 5000 };

test("one failure more than allowed within a minute cools a deployment down", () => {
  const cooldowns = new Cooldowns(SETTINGS);
  cooldowns.failed("d", 1000);
  cooldowns.failed("d", 1001);
  assert.equal(cooldowns.coolUntil("d"), 0);
  cooldowns.failed("d", 1002);
  assert.equal(cooldowns.coolUntil("d"), 6002);
  assert.equal(cooldowns.coolUntil("other"), 0);
});

test("failures of another minute are forgotten", () => {
  const cooldowns = new Cooldowns(SETTINGS);
  for (const minute of [0, 1, 2, 3]) cooldowns.failed("d", minute * (MINUTE_MS + 1));
  assert.equal(cooldowns.coolUntil("d"), 0);
});
