/** Exports over real databases and real sockets: what a billing system was told is what the ledger says, to the unit. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Exports, type ExportReport } from "../../src/exports/exports.ts";
import type { LedgerStore } from "../../src/ledger/store.ts";
import { newId, systemClock as clock } from "../../src/platform/clock.ts";
import { createLog } from "../../src/platform/log.ts";
import { openBooks, stopBefore } from "../events/loop.ts";
import { onEachDatabase } from "../support/databases.ts";
import * as ledger from "../support/ledger.ts";
import { Dice, seeded } from "../support/seed.ts";
import { startTestPurser } from "../support/purser.ts";
import { startUpstream } from "../support/upstream.ts";
import { until } from "../support/until.ts";
import { startBilling, type Billing, type Trouble } from "./billing.ts";

const CALLS = 120;
const CUSTOMERS = 5;

onEachDatabase((newDatabase) => {
  for (const to of ["stripe", "openmeter", "lago"] as const) {
    test(`${to} is told every charge once, through errors, lost answers and restarts`, async (t) => {
      const dice = new Dice(seeded(t).seed);
      const store = await openBooks(t, await newDatabase());
      const billing = await startBilling(t, to);
      billing.trouble = troublesBy(dice);
      const expected = new Map<string, bigint>();
      let exporting = startExport(store, billing);
      for (let call = 0; call < CALLS; call += 1) {
        const customer = `c${String(dice.roll(CUSTOMERS))}`;
        // What costs nothing is nothing to bill, and a correction may be negative.
        const charge = BigInt(dice.roll(5_000_000)) - 200_000n;
        await post(store, `h${String(call)}`, { customer, charge });
        if (charge !== 0n) expected.set(customer, (expected.get(customer) ?? 0n) + charge);
        if (call % 30 === 29) {
          await exporting.stop();
          exporting = startExport(store, billing);
        }
      }
      await until(async () => (await reportOf(exporting)).cursor >= BigInt(CALLS));
      assert.deepEqual(sorted(billing.sums), sorted(expected));
      assert.equal(new Set(billing.keys).size, billing.keys.length);
      const { sent, ledger: total, rejected } = await reportOf(exporting);
      assert.deepEqual(sent, total);
      assert.equal(rejected.postings, 0n);
      assert.equal(
        total.charge,
        [...expected.values()].reduce((sum, charge) => sum + charge, 0n),
      );
      assert.ok(billing.requests() > billing.keys.length, "nothing had to be sent again");
    });
  }

  test("what is sent again twice at the same time is counted once", async (t) => {
    const store = await openBooks(t, await newDatabase());
    const billing = await startBilling(t, "stripe");
    billing.known = new Set();
    const exporting = startExport(store, billing);
    await post(store, "h0", { customer: "unknown", charge: 10n });
    await until(async () => (await reportOf(exporting)).rejected.postings === 1n);
    billing.known = null;
    const taken = await Promise.all([exporting.retry("stripe"), exporting.retry("stripe")]);
    assert.deepEqual(taken.toSorted(), [0, 1]);
    const report = await reportOf(exporting);
    assert.deepEqual(report.sent, report.ledger);
    assert.equal(report.rejected.postings, 0n);
  });

  test("a charge that is not taken is set aside, holds up no other, and is sent again when it is asked for", async (t) => {
    const store = await openBooks(t, await newDatabase());
    const billing = await startBilling(t, "stripe");
    billing.known = new Set(["known"]);
    const exporting = startExport(store, billing);
    for (const [index, customer] of ["known", "unknown", "known"].entries()) {
      await post(store, `h${String(index)}`, { customer, charge: 10n });
    }
    await until(async () => (await reportOf(exporting)).cursor === 3n);
    const report = await reportOf(exporting);
    assert.deepEqual(report.sent, { postings: 2n, charge: 20n });
    assert.deepEqual(report.rejected, { postings: 1n, charge: 10n });
    assert.deepEqual(report.ledger, { postings: 3n, charge: 30n });
    const [rejection] = report.rejections;
    assert.deepEqual([rejection?.posting, rejection?.status], ["h1", 400]);
    assert.equal(rejection?.error, "no such customer");
    assert.equal(await exporting.retry("stripe"), 0);
    billing.known = null;
    assert.equal(await exporting.retry("stripe"), 1);
    assert.equal(await exporting.retry("lago"), undefined);
    assert.deepEqual(sorted(billing.sums), [
      ["known", 20n],
      ["unknown", 10n],
    ]);
    const after = await reportOf(exporting);
    assert.deepEqual(after.sent, after.ledger);
    assert.deepEqual(after.rejections, []);
  });

  test("a wrong key stops an export and loses nothing; the report says so", async (t) => {
    const store = await openBooks(t, await newDatabase());
    const billing = await startBilling(t, "lago");
    billing.trouble = () => 401;
    await post(store, "h0", { customer: "acme", charge: 10n });
    const exporting = startExport(store, billing);
    await until(async () => (await reportOf(exporting)).error === "it answered 401");
    assert.equal((await reportOf(exporting)).cursor, 0n);
    billing.trouble = () => undefined;
    await until(async () => (await reportOf(exporting)).cursor === 1n);
    assert.equal((await reportOf(exporting)).error, null);
  });

  test("a configured export is shown over HTTP with a drift of 0", async (t) => {
    const upstream = await startUpstream();
    t.after(() => upstream.close());
    const billing = await startBilling(t, "openmeter");
    const { to, meter, apiBase: api_base, apiKey: api_key } = billing.config;
    const purser = await startTestPurser({
      database: await newDatabase(),
      upstream: upstream.origin,
      general: { exports: [{ to, meter, api_base, api_key }] },
    });
    t.after(() => purser.stop());
    await purser.chat("acme");
    await until(async () => (await purser.get("/exports")).body.exports[0].sent.postings === 1);
    const { text } = await purser.get("/exports");
    assert.deepEqual(JSON.parse(text), {
      exports: [
        {
          name: "openmeter",
          cursor: 1,
          sent: { postings: 1, charge: 0.06 },
          rejected: { postings: 0, charge: 0 },
          ledger: { postings: 1, charge: 0.06 },
          drift: 0,
          error: null,
          rejections: [],
        },
      ],
    });
    assert.equal((await purser.post("/exports/openmeter/retry", {})).body.taken, 0);
    assert.equal((await purser.post("/exports/stripe/retry", {})).status, 404);
  });
});

function startExport(store: LedgerStore, { config }: Billing): Exports {
  const { outbox } = store;
  const common = { holder: newId(), clock, log: createLog("silent"), pollMs: 2, timeoutMs: 50 };
  const exporting = new Exports([config], { outbox, ...common });
  stopBefore(store, exporting);
  return exporting;
}

async function post(
  store: LedgerStore,
  id: string,
  { customer, charge }: { readonly customer: string; readonly charge: bigint },
): Promise<void> {
  const at = clock.now();
  await store.apply([
    ledger.reserve(id, { customer, at }),
    ledger.settle(id, charge, { at, usage: { input: 3, output: 2 } }),
  ]);
}

/** A third of the requests fail, some of them after they were taken, some without an answer. */
function troublesBy(dice: Dice): Trouble {
  const troubles = [500, 502, 429, "lost", "lost", "hang"] as const;
  return () => (dice.chance(0.33) ? dice.pick(troubles) : undefined);
}

async function reportOf(exporting: Exports): Promise<ExportReport> {
  const [report] = await exporting.reports();
  return report ?? assert.fail();
}

function sorted(sums: ReadonlyMap<string, bigint>): readonly (readonly [string, bigint])[] {
  return [...sums].toSorted(([a], [b]) => (a < b ? -1 : 1));
}
