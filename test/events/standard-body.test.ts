/** The bodies that endpoints get, and Slack's. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { slackBody } from "../../src/events/slack-body.ts";
import { batchBody, standardBody } from "../../src/events/standard-body.ts";
import type { LedgerEvent } from "../../src/ledger/event.ts";
import { OF_LIMIT, SK_1234_HASH, tracking } from "./event.ts";

test("a body has a type, a time and the fields of its kind, money exact and times readable", () => {
  const event = tracking("acme", 1_112_000n, { usage: { input: 20, output: 5 } });
  assert.equal(
    standardBody(event),
    `{"type":"customer.spend_tracked","timestamp":"1970-01-01T00:00:00Z","data":{"customer":"acme",` +
      `"call":"c","posting":"settled","charge":0.001112,"cost":0.001112,"model":"m","provider":"fake",` +
      `"max_budget":null,"usage":{"input":20,"output":5},"source":"provider",` +
      `"key_hash":"${SK_1234_HASH}","key_alias":null}}`,
  );
});

test("what a limit counts decides how its amounts are written", () => {
  const about = { id: "evt_1", at: 1, customer: "acme", type: "call.refused" } as const;
  const money: LedgerEvent = { ...about, data: { ...OF_LIMIT, refusal: "budget_exceeded" } };
  const counts = { meter: "requests", limit: "100", used: "99", windowStart: null } as const;
  const count: LedgerEvent = {
    ...about,
    data: { ...OF_LIMIT, ...counts, windowEnd: null, refusal: "rate_limited" },
  };
  const { limit, used, window_end: end } = dataOf(money);
  assert.deepEqual([limit, used, end], [10, 10.000000001, "1970-02-01T00:00:00Z"]);
  const counted = dataOf(count);
  assert.deepEqual([counted["limit"], counted["used"], counted["window_end"]], [100, 99, null]);
});

test("a batch is the list of its events, each with the id that it has by itself", () => {
  const events = [tracking("a", 1n), { ...tracking("b", 2n), at: 1_000 }];
  const body = JSON.parse(batchBody(events)) as { data: { id: string; data: object }[] };
  const { type, timestamp } = body as unknown as Record<string, unknown>;
  assert.deepEqual([type, timestamp], ["batch", "1970-01-01T00:00:01Z"]);
  assert.deepEqual(
    body.data.map(({ id }) => id),
    ["evt_a", "evt_b"],
  );
  const [{ id, ...first } = { id: "" }] = body.data;
  assert.deepEqual(first, JSON.parse(standardBody(tracking("a", 1n))));
  assert.equal(id, "evt_a");
});

test("Slack gets a line of text in which no name is markup", () => {
  const event: LedgerEvent = {
    id: "evt_1",
    at: 0,
    customer: "<!channel> & co",
    type: "budget.threshold_reached",
    data: { ...OF_LIMIT, used: "8500000000", percent: 85 },
  };
  assert.deepEqual(JSON.parse(slackBody(event)), {
    text:
      "Customer &lt;!channel&gt; &amp; co: 85 % of the budget is used. " +
      "$8.5 of $10 spent, until 1970-02-01T00:00:00Z.",
  });
});

function dataOf(event: LedgerEvent): Record<string, unknown> {
  return (JSON.parse(standardBody(event)) as { data: Record<string, unknown> }).data;
}
