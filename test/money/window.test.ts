/** Windows by example: what the calendar, the clock changes and the anchors make of a duration, worked by hand. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { parseDuration, type Duration } from "../../src/money/duration.ts";
import {
  isResetTime,
  isSamePeriod,
  isZone,
  LIFETIME,
  periodOf,
  periodThrough,
  windowAt,
  type Period,
} from "../../src/money/window.ts";

/** A Monday. Periods written as `created` belong to budgets of this instant. */
const NOW = "2026-11-23T20:45Z";

test("durations of LiteLLM reset when LiteLLM says", () => {
  check(`
    calendar 30s UTC                   | 2026-11-23T20:45Z | 2026-11-23T20:45:00Z | 2026-11-23T20:45:30Z
    calendar 30m UTC                   | 2026-11-23T20:45Z | 2026-11-23T20:30Z    | 2026-11-23T21:00Z
    calendar 1h UTC                    | 2026-11-23T20:45Z | 2026-11-23T20:00Z    | 2026-11-23T21:00Z
    calendar 12h UTC                   | 2026-11-23T20:45Z | 2026-11-23T12:00Z    | 2026-11-24T00:00Z
    calendar 24h UTC                   | 2026-11-23T20:45Z | 2026-11-23T00:00Z    | 2026-11-24T00:00Z
    calendar 1d UTC                    | 2026-11-23T20:45Z | 2026-11-23T00:00Z    | 2026-11-24T00:00Z
    calendar 7d UTC                    | 2026-11-23T20:45Z | 2026-11-23T00:00Z    | 2026-11-30T00:00Z
    calendar 1w UTC                    | 2026-11-23T20:45Z | 2026-11-23T00:00Z    | 2026-11-30T00:00Z
    calendar 30d UTC                   | 2026-11-23T20:45Z | 2026-11-01T00:00Z    | 2026-12-01T00:00Z
    calendar 1mo UTC                   | 2026-11-23T20:45Z | 2026-11-01T00:00Z    | 2026-12-01T00:00Z
    created 10d UTC                    | 2026-11-23T20:45Z | 2026-11-23T00:00Z    | 2026-12-03T00:00Z
    created 30h UTC                    | 2026-11-23T20:45Z | 2026-11-23T00:00Z    | 2026-11-24T06:00Z
    rolling 30d from 2026-11-23T20:45Z | 2026-11-23T20:45Z | 2026-11-23T20:45Z    | 2026-12-23T20:45Z
    rolling 1mo from 2026-11-23T20:45Z | 2026-11-23T20:45Z | 2026-11-23T20:45Z    | 2026-12-23T20:45Z
  `);
});

test("a budget of 72 hours lasts three days", () => {
  check(`
    created 72h UTC                    | 2026-11-23T20:45Z    | 2026-11-23T00:00Z | 2026-11-26T00:00Z
    created 72h UTC                    | 2026-11-25T23:59:59Z | 2026-11-23T00:00Z | 2026-11-26T00:00Z
    calendar 72h UTC                   | 2026-11-23T20:45Z    | 2026-11-22T00:00Z | 2026-11-25T00:00Z
    rolling 72h from 2026-11-23T20:45Z | 2026-11-23T20:45Z    | 2026-11-23T20:45Z | 2026-11-26T20:45Z
  `);
});

test("a bare duration means the calendar where the calendar has such windows, else the day of creation", () => {
  for (const text of ["30s", "45m", "1h", "12h", "24h", "1d", "7d", "1w", "30d", "1mo", "3mo"]) {
    assert.equal(periodOfRow(`created ${text} UTC`).alignment, "calendar", text);
  }
  for (const text of ["7m", "30h", "48h", "2d", "10d", "14d", "2w", "90d", "720h", "5mo", "24mo"]) {
    assert.equal(periodOfRow(`created ${text} UTC`).alignment, "anchor", text);
  }
});

test("lengths that no calendar has follow one another from a fixed day", () => {
  check(`
    calendar 7m UTC     | 2026-11-23T20:45Z | 2026-11-23T20:39Z | 2026-11-23T20:46Z
    calendar 45m UTC    | 2026-11-23T20:45Z | 2026-11-23T20:15Z | 2026-11-23T21:00Z
    calendar 90m UTC    | 2026-11-23T20:45Z | 2026-11-23T19:30Z | 2026-11-23T21:00Z
    calendar 7h UTC     | 2026-11-23T20:45Z | 2026-11-23T14:00Z | 2026-11-23T21:00Z
    calendar 48h UTC    | 2026-11-23T20:45Z | 2026-11-22T00:00Z | 2026-11-24T00:00Z
    calendar 10d UTC    | 2026-11-23T20:45Z | 2026-11-16T00:00Z | 2026-11-26T00:00Z
    calendar 720h UTC   | 2026-11-23T20:45Z | 2026-11-16T00:00Z | 2026-12-16T00:00Z
    calendar 2w UTC     | 2026-11-23T20:45Z | 2026-11-16T00:00Z | 2026-11-30T00:00Z
    calendar 2mo UTC    | 2026-11-23T20:45Z | 2026-11-01T00:00Z | 2027-01-01T00:00Z
    calendar 3mo UTC    | 2026-11-23T20:45Z | 2026-10-01T00:00Z | 2027-01-01T00:00Z
    calendar 12mo UTC   | 2026-11-23T20:45Z | 2026-01-01T00:00Z | 2027-01-01T00:00Z
    calendar 1200mo UTC | 2026-11-23T20:45Z | 2001-01-01T00:00Z | 2101-01-01T00:00Z
    calendar 10d UTC    | 1999-12-31T12:00Z | 1999-12-28T00:00Z | 2000-01-07T00:00Z
  `);
});

test("the time of reset moves windows of days, weeks and months, and no others", () => {
  check(`
    calendar 1d UTC @06:30     | 2026-11-23T20:45Z | 2026-11-23T06:30Z    | 2026-11-24T06:30Z
    calendar 24h UTC @06:30    | 2026-11-23T20:45Z | 2026-11-23T06:30Z    | 2026-11-24T06:30Z
    calendar 1w UTC @22:00     | 2026-11-23T20:45Z | 2026-11-16T22:00Z    | 2026-11-23T22:00Z
    calendar 1mo UTC @09:00:30 | 2026-11-23T20:45Z | 2026-11-01T09:00:30Z | 2026-12-01T09:00:30Z
    calendar 12h UTC @06:30    | 2026-11-23T20:45Z | 2026-11-23T12:00Z    | 2026-11-24T00:00Z
    calendar 30m UTC @06:10    | 2026-11-23T20:45Z | 2026-11-23T20:30Z    | 2026-11-23T21:00Z
  `);
});

test("the full hour, midnight and the first of the month are those of the zone", () => {
  check(`
    calendar 1mo Europe/Berlin   | 2026-11-23T20:45Z | 2026-11-01T00:00+01:00 | 2026-12-01T00:00+01:00
    calendar 1d America/New_York | 2026-11-23T20:45Z | 2026-11-23T00:00-05:00 | 2026-11-24T00:00-05:00
    calendar 1d America/New_York | 2026-11-24T03:00Z | 2026-11-23T00:00-05:00 | 2026-11-24T00:00-05:00
    calendar 1h Asia/Kathmandu   | 2026-11-23T20:45Z | 2026-11-24T02:00+05:45 | 2026-11-24T03:00+05:45
    calendar 30m Asia/Kathmandu  | 2026-11-23T20:45Z | 2026-11-24T02:30+05:45 | 2026-11-24T03:00+05:45
    calendar 1d Asia/Kathmandu   | 2026-11-23T20:45Z | 2026-11-24T00:00+05:45 | 2026-11-25T00:00+05:45
  `);
});

test("a day in which summer time begins or ends is one window, of 23, 25 or 24½ hours", () => {
  check(`
    calendar 1d Europe/Berlin       | 2026-03-29T12:00Z      | 2026-03-29T00:00+01:00 | 2026-03-30T00:00+02:00
    calendar 1d Europe/Berlin       | 2026-10-25T12:00Z      | 2026-10-25T00:00+02:00 | 2026-10-26T00:00+01:00
    calendar 1d America/New_York    | 2026-03-08T12:00Z      | 2026-03-08T00:00-05:00 | 2026-03-09T00:00-04:00
    calendar 1w America/New_York    | 2026-03-08T12:00Z      | 2026-03-02T00:00-05:00 | 2026-03-09T00:00-04:00
    calendar 1mo America/New_York   | 2026-11-20T12:00Z      | 2026-11-01T00:00-04:00 | 2026-12-01T00:00-05:00
    calendar 1d Australia/Lord_Howe | 2026-04-05T12:00+10:30 | 2026-04-05T00:00+11:00 | 2026-04-06T00:00+10:30
  `);
});

test("windows of some hours begin at the same local times on every day", () => {
  check(`
    calendar 12h Europe/Berlin      | 2026-03-29T05:00Z      | 2026-03-29T00:00+01:00 | 2026-03-29T12:00+02:00
    calendar 12h Europe/Berlin      | 2026-10-25T05:00Z      | 2026-10-25T00:00+02:00 | 2026-10-25T12:00+01:00
    calendar 2h Europe/Berlin       | 2026-03-29T03:30+02:00 | 2026-03-29T03:00+02:00 | 2026-03-29T04:00+02:00
    calendar 2h Europe/Berlin       | 2026-10-25T02:30+01:00 | 2026-10-25T02:00+02:00 | 2026-10-25T04:00+01:00
    calendar 2h Australia/Lord_Howe | 2026-10-04T02:45+11:00 | 2026-10-04T02:30+11:00 | 2026-10-04T04:00+11:00
    created 30h Europe/Berlin       | 2026-11-24T00:00Z      | 2026-11-23T00:00+01:00 | 2026-11-24T06:00+01:00
  `);
});

test("windows within an hour follow the clock, twice through an hour that comes twice", () => {
  check(`
    calendar 1m Europe/Berlin | 2026-10-25T02:59:30+02:00 | 2026-10-25T02:59+02:00 | 2026-10-25T02:00+01:00
    calendar 1h Europe/Berlin | 2026-10-25T02:30+02:00    | 2026-10-25T02:00+02:00 | 2026-10-25T02:00+01:00
    calendar 1h Europe/Berlin | 2026-10-25T02:30+01:00    | 2026-10-25T02:00+01:00 | 2026-10-25T03:00+01:00
    calendar 1h Europe/Berlin | 2026-03-29T01:30+01:00    | 2026-03-29T01:00+01:00 | 2026-03-29T03:00+02:00
  `);
  // A change of the clock in the middle of a window cuts it in two.
  check(`
    calendar 45m Europe/Berlin      | 2026-03-29T01:45+01:00 | 2026-03-29T01:30+01:00 | 2026-03-29T03:00+02:00
    calendar 45m Europe/Berlin      | 2026-03-29T03:05+02:00 | 2026-03-29T03:00+02:00 | 2026-03-29T03:45+02:00
    calendar 1h Australia/Lord_Howe | 2026-04-05T01:45+11:00 | 2026-04-05T01:00+11:00 | 2026-04-05T02:00+11:00
    calendar 1h Australia/Lord_Howe | 2026-04-05T01:45+10:30 | 2026-04-05T01:30+10:30 | 2026-04-05T02:00+10:30
    calendar 1h Australia/Lord_Howe | 2026-10-04T02:45+11:00 | 2026-10-04T02:30+11:00 | 2026-10-04T03:00+11:00
  `);
});

test("a reset at a time that does not exist comes at the change, and at one that exists twice comes once", () => {
  check(`
    calendar 1d Europe/Berlin @02:30 | 2026-03-29T01:59+01:00 | 2026-03-28T02:30+01:00 | 2026-03-29T03:00+02:00
    calendar 1d Europe/Berlin @02:30 | 2026-03-29T03:15+02:00 | 2026-03-29T03:00+02:00 | 2026-03-30T02:30+02:00
    calendar 1d Europe/Berlin @02:30 | 2026-10-25T02:15+02:00 | 2026-10-24T02:30+02:00 | 2026-10-25T02:30+02:00
    calendar 1d Europe/Berlin @02:30 | 2026-10-25T02:15+01:00 | 2026-10-25T02:30+02:00 | 2026-10-26T02:30+01:00
  `);
  // Midnight did not exist in São Paulo when summer time began.
  check(`
    calendar 1d America/Sao_Paulo | 2018-11-03T23:59-03:00 | 2018-11-03T00:00-03:00 | 2018-11-04T01:00-02:00
    calendar 1d America/Sao_Paulo | 2018-11-04T12:00-02:00 | 2018-11-04T01:00-02:00 | 2018-11-05T00:00-02:00
  `);
});

test("a day that a zone skipped has no window", () => {
  check(`
    calendar 1d Pacific/Apia | 2011-12-29T23:59-10:00 | 2011-12-29T00:00-10:00 | 2011-12-31T00:00+14:00
    calendar 1d Pacific/Apia | 2011-12-31T00:00+14:00 | 2011-12-31T00:00+14:00 | 2012-01-01T00:00+14:00
    calendar 1w Pacific/Apia | 2011-12-31T00:00+14:00 | 2011-12-26T00:00-10:00 | 2012-01-02T00:00+14:00
  `);
  check(`
    anchor 1mo Pacific/Apia from 2011-08-30T12:00Z | 2012-01-10 | 2011-12-31T00:00+14:00 | 2012-01-30T00:00+14:00
  `);
});

test("a month from the 29th, 30th or 31st ends with shorter months and does not drift", () => {
  check(`
    anchor 1mo UTC from 2026-01-31T12:00Z  | 2026-02-27T23:59Z | 2026-01-31T00:00Z | 2026-02-28T00:00Z
    anchor 1mo UTC from 2026-01-31T12:00Z  | 2026-02-28T00:00Z | 2026-02-28T00:00Z | 2026-03-31T00:00Z
    anchor 1mo UTC from 2026-01-31T12:00Z  | 2026-04-15T00:00Z | 2026-03-31T00:00Z | 2026-04-30T00:00Z
    anchor 1mo UTC from 2026-01-31T12:00Z  | 2028-02-29T00:00Z | 2028-02-29T00:00Z | 2028-03-31T00:00Z
    anchor 1mo UTC from 2026-01-31T12:00Z  | 2100-03-01T00:00Z | 2100-02-28T00:00Z | 2100-03-31T00:00Z
    anchor 1mo UTC from 2026-01-30T12:00Z  | 2026-03-29T00:00Z | 2026-02-28T00:00Z | 2026-03-30T00:00Z
    anchor 1mo UTC from 2026-01-29T12:00Z  | 2028-03-01T00:00Z | 2028-02-29T00:00Z | 2028-03-29T00:00Z
    anchor 1mo UTC from 2026-01-29T12:00Z  | 2025-12-31T00:00Z | 2025-12-29T00:00Z | 2026-01-29T00:00Z
    anchor 3mo UTC from 2026-08-31T00:00Z  | 2027-03-01T00:00Z | 2027-02-28T00:00Z | 2027-05-31T00:00Z
    anchor 12mo UTC from 2028-02-29T00:00Z | 2030-01-01T00:00Z | 2029-02-28T00:00Z | 2030-02-28T00:00Z
    anchor 12mo UTC from 2028-02-29T00:00Z | 2032-03-01T00:00Z | 2032-02-29T00:00Z | 2033-02-28T00:00Z
  `);
});

test("an anchor counts from its date in the zone", () => {
  check(`
    anchor 1mo Europe/Berlin from 2026-01-31T23:30Z | 2026-03-29 | 2026-03-01T00:00+01:00 | 2026-04-01T00:00+02:00
    anchor 1w Europe/Berlin from 2026-11-18T12:00Z  | 2026-10-26 | 2026-10-21T00:00+02:00 | 2026-10-28T00:00+01:00
    anchor 1d Europe/Berlin @08:00 from 2026-11-18  | 2026-10-26 | 2026-10-25T08:00+01:00 | 2026-10-26T08:00+01:00
  `);
  check(`
    anchor 30d UTC from 2026-11-23T20:45Z | 2026-11-23T20:45Z | 2026-11-23T00:00Z | 2026-12-23T00:00Z
    anchor 1h UTC from 2026-11-23T20:17Z  | 2026-11-23T20:45Z | 2026-11-23T20:00Z | 2026-11-23T21:00Z
  `);
});

test("a rolling period counts what passes from the instant of its anchor", () => {
  check(`
    rolling 1mo from 2026-01-31T20:45:10.5Z | 2026-02-28T20:45:10Z   | 2026-01-31T20:45:10.5Z | 2026-02-28T20:45:10.5Z
    rolling 1mo from 2026-01-31T20:45:10.5Z | 2026-02-28T20:45:10.5Z | 2026-02-28T20:45:10.5Z | 2026-03-31T20:45:10.5Z
    rolling 2s from 2026-11-23T20:44:59.9Z  | 2026-11-23T20:45Z      | 2026-11-23T20:44:59.9Z | 2026-11-23T20:45:01.9Z
    rolling 1w from 2026-11-26T10:00Z       | 2026-11-23T20:45Z      | 2026-11-19T10:00Z      | 2026-11-26T10:00Z
  `);
});

test("a window can be made to begin at an instant, and the others follow by the clock of the zone", () => {
  for (const [length, zone, instant, next] of [
    ["1d", "Europe/Berlin", "2026-10-24T15:43:10.5Z", "2026-10-25T16:43:10.5Z"],
    ["1w", "Asia/Kathmandu", "2026-11-23T20:45Z", "2026-11-30T20:45Z"],
    ["1mo", "UTC", "2026-01-31T06:00Z", "2026-02-28T06:00Z"],
    ["5h", "Europe/Berlin", "2026-10-24T23:30Z", "2026-10-25T04:30Z"],
    ["90m", "UTC", "2026-11-23T20:45:01Z", "2026-11-23T22:15:01Z"],
  ] as const) {
    const at = Date.parse(instant);
    const period = periodThrough(at, durationOf(length), zone);
    assert.deepEqual(windowAt(period, at), { start: at, end: Date.parse(next) }, length);
    assert.equal(windowAt(period, at - 1).end, at);
  }
});

test("periods are the same if they differ in nothing that decides about windows", () => {
  const day = periodOfRow("calendar 1d UTC");
  assert.ok(isSamePeriod(day, structuredClone(day)) && isSamePeriod(null, null));
  assert.ok(isSamePeriod(periodOfRow("created 10d UTC"), periodOfRow("created 10d UTC")));
  for (const other of [
    null,
    ...["calendar 1d UTC @06:00", "calendar 2d UTC", "anchor 1d UTC from 2026-01-01"].map(
      periodOfRow,
    ),
  ]) {
    assert.ok(!isSamePeriod(day, other));
  }
});

test("a budget without a period counts forever", () => {
  assert.equal(windowAt(null, Date.parse(NOW)), LIFETIME);
  assert.equal(new Date(LIFETIME.end).getTime(), LIFETIME.end);
  assert.ok(Number.isNaN(new Date(LIFETIME.end + 1).getTime()));
});

test("a period means the same after a JSON column and a structured clone", () => {
  const now = Date.parse(NOW);
  for (const text of ["calendar 2w UTC", `anchor 1mo UTC from ${NOW}`, `rolling 5m from ${NOW}`]) {
    const period = periodOfRow(text);
    const stored = JSON.parse(JSON.stringify(period)) as Period;
    assert.deepEqual(stored, period);
    assert.deepEqual(windowAt(stored, now), windowAt(structuredClone(period), now));
  }
});

test("periods that differ in one thing alone have windows of their own", () => {
  check(`
    calendar 1d UTC            | 2026-11-23T20:45Z | 2026-11-23T00:00Z | 2026-11-24T00:00Z
    calendar 1w UTC            | 2026-11-23T20:45Z | 2026-11-23T00:00Z | 2026-11-30T00:00Z
    calendar 1d UTC @06:00     | 2026-11-23T20:45Z | 2026-11-23T06:00Z | 2026-11-24T06:00Z
    calendar 1d Asia/Kathmandu | 2026-11-23T20:45Z | 2026-11-23T18:15Z | 2026-11-24T18:15Z
  `);
  check(`
    anchor 2d UTC from 2026-11-23            | 2026-11-23T20:45Z | 2026-11-23T00:00Z | 2026-11-25T00:00Z
    anchor 3d UTC from 2026-11-23            | 2026-11-23T20:45Z | 2026-11-23T00:00Z | 2026-11-26T00:00Z
    anchor 2d UTC from 2026-11-24            | 2026-11-23T20:45Z | 2026-11-22T00:00Z | 2026-11-24T00:00Z
    anchor 2d UTC @06:00 from 2026-11-23     | 2026-11-23T20:45Z | 2026-11-23T06:00Z | 2026-11-25T06:00Z
    anchor 2d Asia/Kathmandu from 2026-11-23 | 2026-11-23T20:45Z | 2026-11-22T18:15Z | 2026-11-24T18:15Z
  `);
  check(`
    rolling 2d from 2026-11-23 | 2026-11-23T20:45Z | 2026-11-23T00:00Z | 2026-11-25T00:00Z
    rolling 3d from 2026-11-23 | 2026-11-23T20:45Z | 2026-11-23T00:00Z | 2026-11-26T00:00Z
    rolling 2d from 2026-11-24 | 2026-11-23T20:45Z | 2026-11-22T00:00Z | 2026-11-24T00:00Z
  `);
});

test("more periods than are remembered still have windows of their own", () => {
  const now = Date.parse(NOW);
  const periods = Array.from({ length: 5000 }, (_, index): Period => {
    return { alignment: "rolling", duration: durationOf("1h"), anchor: now - index };
  });
  for (let pass = 0; pass < 2; pass += 1) {
    assert.ok(periods.every((period, index) => windowAt(period, now).start === now - index));
  }
});

test("a zone is a name of the IANA database and nothing that merely looks like one", () => {
  for (const name of [
    "UTC",
    "Europe/Berlin",
    "America/Port-au-Prince",
    "US/Eastern",
    "Etc/GMT+5",
  ]) {
    assert.ok(isZone(name), name);
  }
  for (const name of ["", "Z", "Mars/Base", "+02:00", "-08", "Europe/Berlin ", "2026-01-01[UTC]"]) {
    assert.ok(!isZone(name), name);
  }
});

test("a time of reset is a time of day with or without seconds", () => {
  for (const text of ["00:00", "06:30", "23:59:59"]) assert.ok(isResetTime(text), text);
  for (const text of ["", "24:00", "7:00", "07", "07:60", "07:00:60", "07:00Z", "07:00\n"]) {
    assert.ok(!isResetTime(text), text);
  }
});

/** One row a line: period | instant | start of its window | end of its window. */
function check(table: string): void {
  for (const row of table.trim().split("\n")) {
    const [period = "", now = "", ...window] = row.split("|").map((cell) => cell.trim());
    const { start, end } = windowAt(periodOfRow(period), Date.parse(now));
    const actual = [start, end].map((at) => new Date(at).toISOString());
    const expected = window.map((text) => new Date(text).toISOString());
    assert.deepEqual(actual, expected, `${period} at ${now}`);
  }
}

/** `<alignment> <duration> <zone> [@<time of reset>] [from <anchor>]`; a rolling period has no zone. */
function periodOfRow(text: string): Period {
  const [alignment = "", length = "", zone = ""] = text.split(" ");
  const duration = durationOf(length);
  const resetTime = / @(\S+)/.exec(text)?.[1] ?? "00:00";
  const anchor = Date.parse(/ from (\S+)/.exec(text)?.[1] ?? "");
  switch (alignment) {
    case "calendar":
      return { alignment, duration, zone, resetTime };
    case "anchor":
      return { alignment, duration, anchor, zone, resetTime };
    case "rolling":
      return { alignment, duration, anchor };
    default:
      return periodOf(duration, Date.parse(NOW), { zone, resetTime });
  }
}

function durationOf(text: string): Duration {
  const duration = parseDuration(text);
  assert.ok(duration, text);
  return duration;
}
