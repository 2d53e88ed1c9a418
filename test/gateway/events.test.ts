/** Fields are added to an event without touching anything else of it. */

import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { dataOf, withFields } from "../../src/gateway/dialects/events.ts";
import { jsonUsd, nanoUsd } from "../../src/money/amount.ts";
import { seeded } from "../support/seed.ts";

const COST = { cost: jsonUsd(nanoUsd(60_000_000n)) };

function added(event: string, place: readonly string[] = ["usage"]): string {
  return withFields(Buffer.from(event), place, COST).toString();
}

test("numbers keep their digits, however they were written", () => {
  const numbers = "1.0,1e-05,-0.0,12345678901234567890,0.30000000000000004";
  assert.equal(
    added(`data: {"seen":[${numbers}],"usage":{"tokens":7.50}}\n\n`),
    `data: {"seen":[${numbers}],"usage":{"tokens":7.50,"cost":0.06}}\n\n`,
  );
});

test("the event's name, its comments and its line ends stay as they came", () => {
  const before = 'event: message_delta\r\nid: 7\r\n: hi\r\ndata:{"usage":{}}\r\n\r\n';
  assert.equal(added(before), before.replace('data:{"usage":{}}', 'data: {"usage":{"cost":0.06}}'));
  assert.equal(added('data: {"usage":{}}'), 'data: {"usage":{"cost":0.06}}', "it has no end");
});

test("data of several lines becomes one line with the same value", () => {
  const event = 'data: {"usage":\ndata: {"a":1}\ndata: }\n\n';
  assert.equal(added(event), 'data: {"usage":{"a":1,"cost":0.06}}\n\n');
});

test("a field that was there is replaced where it stood, and stands there once", () => {
  assert.equal(
    added('data: {"usage":{"cost":{"total_cost":9},"tokens":1}}\n\n'),
    'data: {"usage":{"cost":0.06,"tokens":1}}\n\n',
  );
});

test("an inner place is found, and nothing else that has its name", () => {
  assert.equal(
    added('data: {"usage":{},"response":{"usage":{"a":1},"b":2}}\n\n', ["response", "usage"]),
    'data: {"usage":{},"response":{"usage":{"a":1,"cost":0.06},"b":2}}\n\n',
  );
});

test("whatever else the data holds, it is the same value afterwards", (t) => {
  const unicode = fc.string({ unit: "binary" });
  const data = fc.record({
    usage: fc.dictionary(unicode, fc.jsonValue()),
    rest: fc.jsonValue({ stringUnit: "binary" }),
    text: unicode.map((text) => `\u2028data: ${text}`),
  });
  fc.assert(
    fc.property(data, (given) => {
      const written = dataOf(Buffer.from(added(`data: ${JSON.stringify(given)}\n\n`)));
      const { usage, ...others } = JSON.parse(JSON.stringify(given)) as typeof given;
      assert.deepEqual(written, { ...others, usage: { ...usage, cost: 0.06 } });
    }),
    seeded(t),
  );
});
