/** Amounts: exact from the text of a person to the text of a JSON body, whatever the person wrote. */

import assert from "node:assert/strict";
import { test } from "node:test";

import * as fc from "fast-check";

import {
  formatPrice,
  formatUsd,
  jsonUsd,
  nanoFromPico,
  nanoUsd,
  parsePrice,
  parseUsd,
  ZERO_USD,
} from "../../src/money/amount.ts";
import { seeded } from "../support/seed.ts";

const UNITS_MAX = 4n * 10n ** 18n;

test("dollars are read to the nano-dollar", () => {
  assert.equal(parseUsd("0"), 0n);
  assert.equal(parseUsd("12.5"), 12_500_000_000n);
  assert.equal(parseUsd("-3"), -3_000_000_000n);
  assert.equal(parseUsd("+0.000000001"), 1n);
  assert.equal(parseUsd("5."), 5_000_000_000n);
  assert.equal(parseUsd("1e-9"), 1n);
  assert.equal(parseUsd("1.5E+3"), 1_500_000_000_000n);
  assert.equal(parseUsd(" 1 "), 1_000_000_000n);
});

test("a double is read as it prints, not as the binary fraction that it is", () => {
  assert.equal(parseUsd(0.1), 100_000_000n);
  assert.equal(parseUsd(0.1 + 0.2), 300_000_000n);
  assert.equal(parseUsd(0.0011120000000000001), 1_112_000n);
  assert.equal(parseUsd(1e-7), 100n);
  assert.equal(parseUsd(-0), 0n);
  assert.equal(parsePrice(0.0375 / 1e6), 37_500n);
  assert.equal(parsePrice(0.15 / 1e6), 150_000n);
});

test("what lies between two units becomes the nearest, and a half the one further from zero", () => {
  assert.equal(parseUsd("0.0000000004"), 0n);
  assert.equal(parseUsd("0.0000000005"), 1n);
  assert.equal(parseUsd("-0.0000000005"), -1n);
  assert.equal(parseUsd("0.00000000149999"), 1n);
  assert.equal(parsePrice("2.5e-12"), 3n);
});

test("a text that is not a decimal is not an amount", () => {
  for (const text of [
    "",
    " ",
    ".",
    "-",
    ".5",
    "--1",
    "1-",
    "1,5",
    "1_000",
    "0x10",
    "$1",
    "1 000",
  ]) {
    assert.equal(parseUsd(text), undefined, text);
  }
  for (const text of [
    "NaN",
    "Infinity",
    "-Infinity",
    "null",
    "１",
    "1e",
    "1e1.5",
    "1\u00002",
    "1n",
  ]) {
    assert.equal(parseUsd(text), undefined, text);
  }
  for (const number of [Number.NaN, Infinity, -Infinity]) assert.equal(parseUsd(number), undefined);
});

test("more than four billion dollars is not an amount", () => {
  assert.equal(parseUsd("4e9"), UNITS_MAX);
  assert.equal(parseUsd("-4000000000"), -UNITS_MAX);
  for (const text of ["4000000000.000000001", "-4000000000.000000001", "1e10", "9".repeat(64)]) {
    assert.equal(parseUsd(text), undefined, text);
  }
  for (const text of ["1e400", "-1e400", "1e999"]) assert.equal(parseUsd(text), undefined, text);
  assert.equal(parseUsd(Number.MAX_VALUE), undefined);
  assert.equal(parsePrice("4e6"), UNITS_MAX);
  assert.equal(parsePrice("4000000.000000000001"), undefined);
});

test("a text of more characters than any decimal needs is not read at all", () => {
  assert.equal(parseUsd(`0.${"0".repeat(62)}`), 0n);
  assert.equal(parseUsd(`0.${"0".repeat(63)}`), undefined);
  assert.equal(parseUsd("1".repeat(10_000_000)), undefined);
  assert.equal(parseUsd(`1e${"9".repeat(1000)}`), undefined);
});

test("amounts print shortest and exact", () => {
  assert.equal(formatUsd(ZERO_USD), "0");
  assert.equal(formatUsd(nanoUsd(1_112_000n)), "0.001112");
  assert.equal(formatUsd(nanoUsd(-1n)), "-0.000000001");
  assert.equal(formatUsd(nanoUsd(-3_000_000_000n)), "-3");
  assert.equal(formatUsd(nanoUsd(120_000_000_000n)), "120");
  assert.equal(formatUsd(nanoUsd(2n ** 63n - 1n)), "9223372036.854775807");
});

test("a million charges of a ten-millionth of a dollar are ten cents", () => {
  const charge = parseUsd("0.0000001") ?? ZERO_USD;
  let total = 0n;
  for (let call = 0; call < 1_000_000; call += 1) total += charge;
  assert.equal(formatUsd(nanoUsd(total)), "0.1");
});

test("JSON shows a number, shortest and exact", () => {
  const sum = nanoUsd(100_000_000n + 200_000_000n);
  assert.equal(JSON.stringify({ spend: jsonUsd(sum) }), '{"spend":0.3}');
  assert.equal(JSON.stringify([jsonUsd(ZERO_USD), jsonUsd(nanoUsd(-1n))]), "[0,-0.000000001]");
  assert.equal(JSON.stringify(jsonUsd(nanoUsd(2n ** 63n - 1n))), "9223372036.854775807");
});

test("part of a nano-dollar is charged as a whole one", () => {
  assert.equal(nanoFromPico(0n), 0n);
  assert.equal(nanoFromPico(1n), 1n);
  assert.equal(nanoFromPico(1000n), 1n);
  assert.equal(nanoFromPico(1001n), 2n);
  assert.equal(nanoFromPico(-1n), 0n);
  assert.equal(nanoFromPico(-1001n), -1n);
});

test("every amount and every price reads back as it prints", (t) => {
  const integers = fc.bigInt({ min: -UNITS_MAX, max: UNITS_MAX });
  const readsBack = fc.property(integers, (integer) => {
    const amount = nanoUsd(integer);
    assert.equal(parseUsd(formatUsd(amount)), integer);
    assert.equal(parseUsd(JSON.stringify(jsonUsd(amount))), integer);
    assert.match(formatUsd(amount), /^-?(0|[1-9]\d*)(\.\d*[1-9])?$/);
    const price = parsePrice(`${integer}e-12`);
    assert.equal(price, integer);
    assert.equal(price === undefined ? "" : parsePrice(formatPrice(price)), integer);
  });
  fc.assert(readsBack, { ...seeded(t), numRuns: 1000 });
});

test("every double is read to the nearest nano-dollar or not at all", (t) => {
  const doubles = fc.double({ min: -1e6, max: 1e6, noNaN: true });
  const isNear = fc.property(doubles, (dollars) => {
    const amount = parseUsd(dollars);
    assert.ok(amount !== undefined);
    // Half a nano-dollar, and what the comparison itself loses: the doubles here lie up to 1.2e-10 apart.
    const apart = Math.abs(dollars) * Number.EPSILON;
    assert.ok(Math.abs(Number(formatUsd(amount)) - dollars) <= 5.0001e-10 + apart);
  });
  fc.assert(isNear, { ...seeded(t), numRuns: 1000 });
});

test("no text makes the parser throw", (t) => {
  const digits = fc.string({
    unit: fc.constantFrom(..."0123456789.eE+- ".split("")),
    maxLength: 70,
  });
  const isAnswered = fc.property(fc.oneof(digits, fc.string()), (text) => {
    const amount = parseUsd(text);
    assert.ok(amount === undefined || (amount <= UNITS_MAX && amount >= -UNITS_MAX));
  });
  fc.assert(isAnswered, { ...seeded(t), numRuns: 2000 });
});
