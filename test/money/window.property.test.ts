/** Windows of every period: they tile time, in every zone, through every change of its clock. */

import assert from "node:assert/strict";
import { test } from "node:test";

import * as fc from "fast-check";

import { parseDuration, type Duration } from "../../src/money/duration.ts";
import { windowAt, type Period, type Window } from "../../src/money/window.ts";
import { seeded } from "../support/seed.ts";

const HOUR_MS = 3_600_000;

/** Further away than the longest window reaches. */
const ELSEWHERE_MS = 101 * 366 * 24 * HOUR_MS;

const durations = fc
  .oneof(
    fc.constantFrom("1s", "30s", "1m", "45m", "90m", "1h", "7h", "12h", "1d", "7d", "30d", "1mo"),
    fc
      .tuple(fc.integer({ min: 1, max: 100 }), fc.constantFrom("s", "m", "h", "d", "w", "mo"))
      .map(([count, unit]) => `${count}${unit}`),
  )
  .map((text) => parseDuration(text) as Duration);

const instants = fc.integer({ min: Date.UTC(1880, 0), max: Date.UTC(2120, 0) });

const zones = fc.oneof(
  fc.constantFrom("UTC", "Europe/Berlin", "Australia/Lord_Howe", "Pacific/Apia", "Africa/Cairo"),
  fc.constantFrom(...Intl.supportedValuesOf("timeZone")),
);

const resetTimes = fc.constantFrom("00:00", "00:30", "02:30", "12:00", "23:59:59");

const periods: fc.Arbitrary<Period> = fc
  .record({ duration: durations, zone: zones, resetTime: resetTimes, anchor: instants })
  .chain(({ duration, zone, resetTime, anchor }) =>
    fc.constantFrom<Period>(
      { alignment: "calendar", duration, zone, resetTime },
      { alignment: "anchor", duration, anchor, zone, resetTime },
      { alignment: "rolling", duration, anchor },
    ),
  );

/** A period and an instant, half of the time within two days of a change of the zone's clock. */
const cases = fc
  .tuple(periods, instants, fc.integer({ min: -48 * HOUR_MS, max: 48 * HOUR_MS }), fc.boolean())
  .map(([period, at, distance, near]) => ({
    period,
    at: near ? changeAfter(period, at) + distance : at,
  }));

test("every instant is in its window and the next window begins where this one ends", (t) => {
  const tiles = fc.property(cases, ({ period, at }) => {
    const window = windowAfresh(period, at);
    assert.ok(window.start <= at && at < window.end);
    assert.equal(windowAfresh(period, window.end).start, window.end);
    assert.equal(windowAfresh(period, window.start - 1).end, window.start);
  });
  fc.assert(tiles, { ...seeded(t), numRuns: 2000 });
});

test("every instant of a window has the same window", (t) => {
  const shares = fc.property(cases, fc.double({ min: 0, max: 1, noNaN: true }), (given, share) => {
    const { period, at } = given;
    const window = windowAfresh(period, at);
    const inside = window.start + Math.floor((window.end - 1 - window.start) * share);
    for (const other of [window.start, inside, window.end - 1]) {
      assert.deepEqual(windowAfresh(period, other), window);
    }
  });
  fc.assert(shares, { ...seeded(t), numRuns: 2000 });
});

test("what is remembered is what would be computed", (t) => {
  const few = fc.array(fc.integer({ min: 0, max: 72 * HOUR_MS }), { minLength: 2, maxLength: 8 });
  const remembers = fc.property(cases, few, ({ period, at }, steps) => {
    const remembered = steps.map((step) => windowAt(period, at + step));
    assert.deepEqual(
      remembered,
      steps.map((step) => windowAfresh(period, at + step)),
    );
  });
  fc.assert(remembers, { ...seeded(t), numRuns: 500 });
});

test("no window is longer than its duration by more than a change of the clock", (t) => {
  const bounded = fc.property(cases, ({ period, at }) => {
    const { start, end } = windowAt(period, at);
    const { count, unit } = period.duration;
    const hours = { s: 1 / 3600, m: 1 / 60, h: 1, d: 24, w: 168, mo: 31 * 24 }[unit];
    const calendarMonth = unit === "d" && count === 30 ? 24 : 0;
    const longestMs = (count * hours + calendarMonth + 25) * HOUR_MS;
    assert.ok(end - start <= longestMs, `${(end - start) / HOUR_MS} h`);
  });
  fc.assert(bounded, { ...seeded(t), numRuns: 2000 });
});

/** Not from memory: the one window that is remembered is made to be another. */
function windowAfresh(period: Period, at: number): Window {
  windowAt(period, at + ELSEWHERE_MS);
  return windowAt(period, at);
}

function changeAfter(period: Period, at: number): number {
  const zone = period.alignment === "rolling" ? "UTC" : period.zone;
  const local = Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO(zone);
  return local.getTimeZoneTransition("next")?.epochMilliseconds ?? at;
}
