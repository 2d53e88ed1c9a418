/** Calls as they stand after their corrections, read in pages from either database. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { parseDatabase } from "../../src/config/database.ts";
import type { Command, Reprice } from "../../src/ledger/command.ts";
import type { CallFilter, LedgerStore } from "../../src/ledger/store.ts";
import { nanoUsd } from "../../src/money/amount.ts";
import type { UsagePart } from "../../src/money/usage.ts";
import { openStore } from "../../src/store/open.ts";
import { onEachDatabase } from "../support/databases.ts";
import { adjust, expire, PRICING, POLICY, release, reserve, settle } from "../support/ledger.ts";

const ALL: CallFilter = { from: 0, to: 1000, customer: null, unpricedOnly: false };
const USED = { input: 10 };

onEachDatabase((database) => {
  async function withStore(body: (store: LedgerStore) => Promise<void>): Promise<void> {
    const parsed = parseDatabase(await database());
    assert.ok(parsed.ok);
    const store = await openStore(parsed.value, POLICY);
    try {
      await body(store);
    } finally {
      await store.close();
    }
  }

  test("a call's cost is the sum of all that is posted for it, however it came about", async () => {
    await withStore(async (store) => {
      await store.apply([
        ...call("settled", 40),
        ...call("mended", 40),
        reprice("mended", 0, -15),
        reprice("mended", 1, 5),
        reserve("late"),
        expire("late"),
        settle("late", 70, { at: 3, usage: USED }),
        reprice("late", 0, 1),
        reserve("free"),
        release("free"),
        reserve("lost"),
        expire("lost"),
        adjust("by-hand", 999),
      ]);
      const calls = await store.read.calls(ALL, 0n, 100);
      assert.deepEqual(
        new Set(
          calls.map(
            ({ posting, cost, charge, repricings }) =>
              `${posting.id} ${cost} ${charge} ${repricings}`,
          ),
        ),
        new Set(["settled 40 40 0", "mended 30 30 2", "late:late 71 71 1"]),
      );
    });
  });

  test("pages follow each other without gap or overlap, within time and customer", async () => {
    await withStore(async (store) => {
      for (let index = 0; index < 9; index++) {
        const customer = index % 3 === 0 ? "bob" : "acme";
        const id = `c${String(index)}`;
        await store.apply([reserve(id, { customer }), settle(id, 1, { at: index, usage: USED })]);
      }
      const seen: string[] = [];
      let after = 0n;
      for (;;) {
        const page = await store.read.calls({ ...ALL, from: 1, to: 8, customer: "acme" }, after, 2);
        seen.push(...page.map(({ posting }) => posting.id));
        const last = page.at(-1);
        if (last === undefined) break;
        after = last.seq;
      }
      assert.deepEqual(seen, ["c1", "c2", "c4", "c5", "c7"]);
    });
  });

  test("what is unpriced is listed by model and part until a correction prices all of it", async () => {
    await withStore(async (store) => {
      await store.apply([
        ...call("a", 0, ["input"]),
        ...call("b", 0, ["input"]),
        ...call("c", 3, ["searches"]),
        ...call("d", 4),
      ]);
      const [model, provider, deployment] = ["m1", "fake", "d1"];
      const group = { model, provider, deployment, firstAt: 5, lastAt: 5 };
      const both = { ...group, parts: ["input"], calls: 2n };
      const search = { ...group, parts: ["searches"], calls: 1n };
      assert.deepEqual(await store.read.unpriced(), [both, search]);
      await store.apply([reprice("a", 0, 9), reprice("c", 0, 9, ["searches"])]);
      assert.deepEqual(await store.read.unpriced(), [{ ...both, calls: 1n }, search]);
      await store.apply([reprice("b", 0, 9), reprice("c", 1, 9)]);
      assert.deepEqual(await store.read.unpriced(), []);
      const unpriced = await store.read.calls({ ...ALL, unpricedOnly: true }, 0n, 10);
      assert.deepEqual(
        unpriced.map(({ posting, unpriced: parts }) => [posting.id, parts]),
        [
          ["a", []],
          ["b", []],
          ["c", []],
        ],
      );
    });
  });
});

function call(id: string, charge: number, unpriced: readonly UsagePart[] = []): Command[] {
  return [reserve(id), settle(id, charge, { at: 5, usage: USED, unpriced })];
}

function reprice(
  corrects: string,
  index: number,
  amount: number,
  unpriced: readonly UsagePart[] = [],
): Reprice {
  const difference = { cost: nanoUsd(BigInt(amount)), charge: nanoUsd(BigInt(amount)) };
  const id = `${corrects}:reprice:${String(index)}`;
  const priced = { rates: null, pricing: PRICING, unpriced, note: "repriced" };
  return { kind: "reprice", id, at: 9, corrects, ...priced, ...difference };
}
