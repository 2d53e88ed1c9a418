/** The body of a delivery, byte for byte. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { litellmBody } from "../../src/events/litellm-body.ts";
import { crossing, SK_1234_HASH, tracking } from "./event.ts";

test("a call's event is LiteLLM's, to the byte", () => {
  const event = tracking("krrish12", 1_112_000n, { maxBudget: "10000000000", keyAlias: "prod" });
  assert.equal(
    litellmBody(event),
    `{"spend":0.001112,"max_budget":10,"token":"${SK_1234_HASH}","customer_id":"krrish12",` +
      `"user_id":null,"team_id":null,"user_email":null,"key_alias":"prod",` +
      `"projected_exceeded_date":null,"projected_spend":null,` +
      `"event":"spend_tracked","event_group":"customer",` +
      `"event_message":"Customer spend tracked. Customer=krrish12, spend=0.001112"}`,
  );
});

test("what is unknown is null, and the key is there all the same", () => {
  const body = JSON.parse(litellmBody(tracking("krrish12", 0n))) as Record<string, unknown>;
  assert.equal(
    Object.keys(body).join(" "),
    "spend max_budget token customer_id user_id team_id user_email key_alias " +
      "projected_exceeded_date projected_spend event event_group event_message",
  );
  assert.equal(body["spend"], 0);
  assert.equal(body["max_budget"], null);
  assert.equal(body["key_alias"], null);
});

test("a crossed budget is told with the spend of its window, in the same keys", () => {
  assert.equal(
    litellmBody(crossing("krrish12", 10_000_000_001n, 10_000_000_000n)),
    `{"spend":10.000000001,"max_budget":10,"token":"${SK_1234_HASH}","customer_id":"krrish12",` +
      `"user_id":null,"team_id":null,"user_email":null,"key_alias":null,` +
      `"projected_exceeded_date":null,"projected_spend":null,` +
      `"event":"budget_crossed","event_group":"customer",` +
      `"event_message":"Customer Budget: Budget Crossed\\n Total Budget:\`10\`"}`,
  );
});

test("money prints as it is, where a double would print something near it", () => {
  for (const [nano, printed] of [
    [300_000_000n, "0.3"],
    [1n, "0.000000001"],
    [-1_112_000n, "-0.001112"],
    [9_007_199_254_740_993n, "9007199.254740993"],
  ] as const) {
    assert.match(litellmBody(tracking("c", nano)), new RegExp(`^\\{"spend":${printed},.*`));
    assert.match(litellmBody(tracking("c", nano)), new RegExp(`spend=${printed}"\\}$`));
  }
});

test("a customer's id goes through as it is, whatever is in it", () => {
  const id = 'a "quoted" \\ \n name, spend=9, ü, 顧客';
  const body = JSON.parse(litellmBody(tracking(id, 1n))) as Record<string, unknown>;
  assert.equal(body["customer_id"], id);
  assert.equal(body["event_message"], `Customer spend tracked. Customer=${id}, spend=0.000000001`);
});
