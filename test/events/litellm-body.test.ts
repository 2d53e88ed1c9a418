/** The body of LiteLLM's webhook, byte for byte. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { litellmBody, litellmTestBody } from "../../src/events/litellm-body.ts";
import type { LedgerEvent } from "../../src/ledger/event.ts";
import { OF_LIMIT, SK_1234_HASH, tracking } from "./event.ts";

const UNKNOWN = `"user_id":null,"team_id":null,"team_alias":null,"user_email":null`;
const KEYS =
  "spend max_budget soft_budget token customer_id user_id team_id team_alias user_email key_alias " +
  "projected_exceeded_date projected_spend event event_group event_message";

test("a call's event is LiteLLM's, to the byte", () => {
  const event = tracking("krrish12", 1_112_000n, { maxBudget: "10000000000", keyAlias: "prod" });
  assert.equal(
    litellmBody(event, "customer"),
    `{"spend":0.001112,"max_budget":10,"soft_budget":null,"token":"${SK_1234_HASH}",` +
      `"customer_id":"krrish12",${UNKNOWN},"key_alias":"prod",` +
      `"projected_exceeded_date":null,"projected_spend":null,` +
      `"event":"spend_tracked","event_group":"customer",` +
      `"event_message":"Customer spend tracked. Customer=krrish12, spend=0.001112"}`,
  );
});

test("what is unknown is null, and the key is there all the same", () => {
  const body = JSON.parse(litellmBody(tracking("krrish12", 0n), "end_user")) as object;
  assert.equal(Object.keys(body).join(" "), KEYS);
  assert.equal(Reflect.get(body, "spend"), 0);
  assert.equal(Reflect.get(body, "max_budget"), null);
  assert.equal(Reflect.get(body, "event_group"), "end_user");
});

const BUDGET_EVENTS = {
  budget_crossed: {
    event: { type: "budget.crossed", data: OF_LIMIT },
    expected: { spend: 10.000000001, max_budget: 10, soft_budget: null },
    message: "Customer Budget: Budget Crossed\n Total Budget:`10`",
  },
  soft_budget_crossed: {
    event: {
      type: "budget.soft_crossed",
      data: { ...OF_LIMIT, limit: "4000000000", maxBudget: "10000000000" },
    },
    expected: { spend: 10.000000001, max_budget: 10, soft_budget: 4 },
    message: "Customer Budget: Soft Budget Crossed\n Soft Budget:`4`",
  },
  threshold_crossed: {
    event: { type: "budget.threshold_reached", data: { ...OF_LIMIT, percent: 85 } },
    expected: { spend: 10.000000001, max_budget: 10 },
    message: "Customer Budget: 15% Threshold Crossed",
  },
  projected_limit_exceeded: {
    event: {
      type: "budget.projected_exceeded",
      data: { ...OF_LIMIT, projectedSpend: "31000000000", projectedExceededDate: 864_000_000 },
    },
    expected: { projected_spend: 31, projected_exceeded_date: "1970-01-11" },
    message: "Customer Budget: Projected Budget Exceeded\n Expected Spend:`31` Total Budget:`10`",
  },
} as const;

for (const [name, { event, expected, message }] of Object.entries(BUDGET_EVENTS)) {
  test(`${name} is told with the spend of its window, in the same keys`, () => {
    const whole = { id: "evt_1", at: 0, customer: "acme", ...event } as LedgerEvent;
    const body = JSON.parse(litellmBody(whole, "customer")) as Record<string, unknown>;
    assert.equal(Object.keys(body).join(" "), KEYS);
    assert.equal(body["event"], name);
    assert.equal(body["event_message"], message);
    assert.equal(body["customer_id"], "acme");
    for (const [key, value] of Object.entries(expected)) assert.equal(body[key], value, key);
  });
}

test("a limit of a key is told of the key", () => {
  const event = { id: "evt_1", at: 0, customer: null, type: "budget.crossed" } as const;
  const data = { ...OF_LIMIT, scope: "key", keyAlias: "prod" } as const;
  const body = JSON.parse(litellmBody({ ...event, data }, "end_user")) as Record<string, unknown>;
  const { token, customer_id, key_alias, event_group, event_message } = body;
  assert.deepEqual(
    [token, customer_id, key_alias, event_group],
    [SK_1234_HASH, null, "prod", "key"],
  );
  assert.equal(event_message, "Key Budget: Budget Crossed\n Total Budget:`10`");
});

test("the test event is LiteLLM's: a budget of 0 that 1 was spent of", () => {
  const body = JSON.parse(litellmTestBody()) as Record<string, unknown>;
  assert.equal(Object.keys(body).join(" "), KEYS);
  assert.deepEqual([body["event"], body["spend"], body["max_budget"]], ["budget_crossed", 1, 0]);
});

test("money prints as it is, where a double would print something near it", () => {
  for (const [nano, printed] of [
    [300_000_000n, "0.3"],
    [1n, "0.000000001"],
    [-1_112_000n, "-0.001112"],
    [9_007_199_254_740_993n, "9007199.254740993"],
  ] as const) {
    const body = litellmBody(tracking("c", nano), "customer");
    assert.match(body, new RegExp(`^\\{"spend":${printed},.*`));
    assert.match(body, new RegExp(`spend=${printed}"\\}$`));
  }
});

test("a customer's id goes through as it is, whatever is in it", () => {
  const id = 'a "quoted" \\ \n name, spend=9, ü, 顧客';
  const body = JSON.parse(litellmBody(tracking(id, 1n), "customer")) as Record<string, unknown>;
  assert.equal(body["customer_id"], id);
  assert.equal(body["event_message"], `Customer spend tracked. Customer=${id}, spend=0.000000001`);
});
