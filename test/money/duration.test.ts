/** Durations: what is one, what is none, and that none is read differently from how it is written. */

import assert from "node:assert/strict";
import { test } from "node:test";

import * as fc from "fast-check";

import {
  DURATION_DAYS_MAX,
  formatDuration,
  parseDuration,
  spanOf,
} from "../../src/money/duration.ts";
import { seeded } from "../support/seed.ts";

test("a duration is a whole number and a unit", () => {
  assert.deepEqual(parseDuration("30s"), { count: 30, unit: "s" });
  assert.deepEqual(parseDuration("45m"), { count: 45, unit: "m" });
  assert.deepEqual(parseDuration("12h"), { count: 12, unit: "h" });
  assert.deepEqual(parseDuration("7d"), { count: 7, unit: "d" });
  assert.deepEqual(parseDuration("2w"), { count: 2, unit: "w" });
  assert.deepEqual(parseDuration("1mo"), { count: 1, unit: "mo" });
  assert.deepEqual(parseDuration("2mo"), { count: 2, unit: "mo" });
});

test("a text that is not a duration to its last character is none", () => {
  for (const text of [
    "",
    "d",
    "1",
    "1y",
    "1D",
    "1mon",
    "10days",
    "1d1h",
    "1.5h",
    "1e3s",
    "0x10s",
  ]) {
    assert.equal(parseDuration(text), undefined, text);
  }
  for (const text of [" 1d", "1 d", "1d ", "1d\n", "１d", "NaNd", "+1d"]) {
    assert.equal(parseDuration(text), undefined, text);
  }
});

test("a duration is longer than nothing", () => {
  for (const text of ["0s", "00h", "0mo", "-1d"]) {
    assert.equal(parseDuration(text), undefined, text);
  }
});

test("a century is a duration and a second more is none", () => {
  const seconds = DURATION_DAYS_MAX * 86_400;
  for (const text of [`${seconds}s`, "52596000m", "876600h", "36525d", "5217w", "1200mo"]) {
    assert.notEqual(parseDuration(text), undefined, text);
  }
  for (const text of [`${seconds + 1}s`, "52596001m", "876601h", "36526d", "5218w", "1201mo"]) {
    assert.equal(parseDuration(text), undefined, text);
  }
  assert.equal(parseDuration("99999999999999999999d"), undefined);
});

test("a duration reads back as it was written", (t) => {
  const count = fc.integer({ min: 1, max: 1200 });
  const unit = fc.constantFrom("s", "m", "h", "d", "w", "mo");
  const readsBack = fc.property(count, unit, (number, letters) => {
    const text = `${number}${letters}`;
    const duration = parseDuration(text);
    assert.equal(duration && formatDuration(duration), text);
  });
  fc.assert(readsBack, seeded(t));
});

test("months are counted in months and everything else in seconds", () => {
  assert.deepEqual(spanOf({ count: 2, unit: "mo" }), { unit: "months", count: 2 });
  assert.deepEqual(spanOf({ count: 2, unit: "w" }), { unit: "seconds", count: 1_209_600 });
});
