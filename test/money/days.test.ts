/** Days follow each other without a gap or an overlap, whatever the clocks of their zone do. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { daysBetween, parseDate } from "../../src/money/days.ts";

const HOUR_MS = 3_600_000;

test("a date is one of the calendar, and nothing else", () => {
  assert.equal(parseDate("2028-02-29")?.toString(), "2028-02-29");
  const none = [
    "2026-02-29",
    "2026-13-01",
    "2026-1-1",
    "20260101",
    "2026-01-01T00:00",
    "today",
    "",
  ];
  for (const text of none) assert.equal(parseDate(text), undefined, text);
});

for (const [zone, date, hours] of [
  ["UTC", "2026-10-25", 24],
  ["Europe/Berlin", "2026-10-25", 25],
  ["Europe/Berlin", "2026-03-29", 23],
  ["Australia/Lord_Howe", "2026-10-04", 23.5],
  ["America/Santiago", "2026-09-06", 23],
  ["Asia/Kolkata", "2026-10-25", 24],
] as const) {
  test(`${date} has ${String(hours)} hours in ${zone}, between its neighbours`, () => {
    const day = parseDate(date) ?? assert.fail(date);
    const days = daysBetween(day.subtract({ days: 1 }), day.add({ days: 1 }), zone);
    assert.equal(days.length, 3);
    const [before, own, after] = days;
    assert.equal(own?.name, date);
    assert.equal((own.end - own.start) / HOUR_MS, hours);
    assert.equal(before?.end, own.start);
    assert.equal(after?.start, own.end);
  });
}

test("a date that a zone skipped has no day, and its neighbours touch", () => {
  const [first, last] = [parseDate("2011-12-29"), parseDate("2011-12-31")];
  assert.ok(first && last);
  const days = daysBetween(first, last, "Pacific/Apia");
  assert.deepEqual(
    days.map(({ name }) => name),
    ["2011-12-29", "2011-12-31"],
  );
  assert.equal(days[0]?.end, days[1]?.start);
});

test("from a day to an earlier one there are none", () => {
  const [first, last] = [parseDate("2026-01-02"), parseDate("2026-01-01")];
  assert.ok(first && last);
  assert.deepEqual(daysBetween(first, last, "UTC"), []);
});
