/** The spool: what it was given is on disk, comes out once, and survives a crash at any byte. */

import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import type { Rates } from "../../src/money/price.ts";
import type { Command } from "../../src/ledger/command.ts";
import { LedgerUnavailable, type LedgerStore } from "../../src/ledger/store.ts";
import { picoUsd } from "../../src/money/amount.ts";
import { createCallLedger } from "../../src/store/call-ledger.ts";
import { openSpool } from "../../src/store/spool.ts";
import * as ledger from "../support/ledger.ts";

const folder = mkdtempSync(join(tmpdir(), "purser-spool-"));
after(() => rmSync(folder, { recursive: true }));

let files = 0;
function newFile(): string {
  files += 1;
  return join(folder, `${String(files)}.spool`);
}

const PARTS = ["input", "cacheRead", "cacheWrite5m", "cacheWrite1h", "inputAudio"] as const;
const RATES = Object.fromEntries(
  [...PARTS, "output", "outputAudio", "request"].map((part) => [part, picoUsd(2n ** 60n)]),
) as unknown as Rates;

const SETTLE = ledger.settle("s1", 2n ** 62n, { rates: RATES, note: "line\nbreak" });
/** Only its attempts cost anything. */
const SPENT = ledger.settle("s2", 3, { pricing: null, source: "none" });
const RELEASE = ledger.release("r1");
const EXPIRE = ledger.expire("e1");

/** Takes what it is given and remembers it. */
function taking(taken: Command[]): LedgerStore["apply"] {
  return (commands) => {
    taken.push(...commands);
    return Promise.resolve([]);
  };
}

const away: LedgerStore["apply"] = () => Promise.reject(new LedgerUnavailable("away"));

/** During the commit. */
const brokenOff: LedgerStore["apply"] = () =>
  Promise.reject(new LedgerUnavailable("away", { inDoubt: true }));

test("what was kept is replayed as it was, in order, by the next process too", async () => {
  const file = newFile();
  const first = await openSpool(file);
  for (const command of [SETTLE, SPENT, RELEASE, EXPIRE]) await first.keep(command);
  await first.close();
  const second = await openSpool(file);
  assert.equal(second.pending, 4);
  const taken: Command[] = [];
  assert.equal(await second.replay(taking(taken)), 4);
  assert.deepEqual(taken, [SETTLE, SPENT, RELEASE, EXPIRE]);
  assert.equal(second.pending, 0);
  await second.close();
});

test("what was replayed is not replayed again, and an empty spool leaves no file behind", async () => {
  const file = newFile();
  const spool = await openSpool(file);
  await spool.keep(SETTLE);
  await spool.replay(taking([]));
  assert.equal(readFileSync(file, "utf8"), "");
  assert.equal(await spool.replay(away), 0);
  await spool.close();
  assert.equal(existsSync(file), false);
});

test("a line is on disk before it is promised", async () => {
  const file = newFile();
  const spool = await openSpool(file);
  await Promise.all(["a", "b", "c"].map((id) => spool.keep(ledger.release(id))));
  assert.equal(readFileSync(file, "utf8").split("\n").length, 4);
  await spool.close();
});

test("wherever a crash cuts the file, the whole lines before the cut come out", async () => {
  const file = newFile();
  const spool = await openSpool(file);
  await spool.keep(SETTLE);
  await spool.keep(RELEASE);
  await spool.close();
  const whole = readFileSync(file);
  const firstLine = whole.indexOf("\n") + 1;
  for (let size = firstLine; size < whole.length; size += 1) {
    writeFileSync(file, whole.subarray(0, size));
    const after = await openSpool(file);
    await after.keep(EXPIRE);
    await after.close();
    const again = await openSpool(file);
    const taken: Command[] = [];
    await again.replay(taking(taken));
    assert.deepEqual(taken, [SETTLE, EXPIRE]);
    await again.close();
  }
});

test("a damaged line in the middle is reported and nothing is thrown away", async () => {
  const file = newFile();
  writeFileSync(file, `{"kind":"rel\n${JSON.stringify(RELEASE)}\n`);
  await assert.rejects(openSpool(file), /spool:1 is damaged/);
  assert.ok(readFileSync(file, "utf8").includes(RELEASE.id));
});

test("while the ledger is away everything stays, and the replay says so", async () => {
  const spool = await openSpool(newFile());
  await spool.keep(SETTLE);
  await assert.rejects(spool.replay(away), LedgerUnavailable);
  assert.equal(spool.pending, 1);
  await spool.close();
});

test("a command that the ledger cannot take does not hold up the others", async () => {
  const spool = await openSpool(newFile());
  for (const command of [SETTLE, RELEASE, EXPIRE]) await spool.keep(command);
  const taken: Command[] = [];
  const picky: LedgerStore["apply"] = (commands) =>
    commands.includes(RELEASE) ? away(commands) : taking(taken)(commands);
  await assert.rejects(spool.replay(picky), LedgerUnavailable);
  assert.deepEqual(taken, [SETTLE, EXPIRE]);
  assert.equal(spool.pending, 1);
  await spool.close();
});

test("what is kept during a replay is not lost with the lines before it", async () => {
  const file = newFile();
  const spool = await openSpool(file);
  await spool.keep(SETTLE);
  const { promise: answered, resolve: answer } = Promise.withResolvers<void>();
  const taken: Command[] = [];
  const replay = spool.replay(async (commands) => {
    await answered;
    return taking(taken)(commands);
  });
  const kept = spool.keep(RELEASE);
  answer();
  await Promise.all([kept, replay]);
  await spool.close();
  const next = await openSpool(file);
  await next.replay(taking(taken));
  assert.deepEqual(taken, [SETTLE, RELEASE]);
  await next.close();
});

for (const [whose, attempts, kept] of [
  ["a first attempt", {}, 1],
  ["a later attempt", { attempts: [{ model: "m", deployment: "d", failure: "timeout" }] }, 0],
] as const) {
  test(`the hold of ${whose} that is in doubt is given back by ${String(kept)} release`, async () => {
    const spool = await openSpool(newFile());
    const calls = createCallLedger({ apply: brokenOff }, spool, () => undefined);
    const command = ledger.reserve("h1", { facts: ledger.facts(attempts) });
    await assert.rejects(calls.reserve(command), LedgerUnavailable);
    assert.equal(spool.pending, kept);
    await spool.replay(taking([]));
    await spool.close();
  });
}
