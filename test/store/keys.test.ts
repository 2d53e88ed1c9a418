/** Keys in either database: found by their present secret, listed by the page, one alias to a key. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Key } from "../../src/ledger/book.ts";
import type { Write } from "../../src/ledger/command.ts";
import type { LedgerStore } from "../../src/ledger/store.ts";
import { parseDatabase } from "../../src/config/database.ts";
import { openStore } from "../../src/store/open.ts";
import { onEachDatabase } from "../support/databases.ts";
import * as ledger from "../support/ledger.ts";
import { nameOf, one } from "./conformance.ts";

const EVERYBODY = { alias: null, teamId: null, userId: null };

onEachDatabase((database) => {
  let store: LedgerStore;

  before(async () => {
    const parsed = parseDatabase(await database());
    store = await openStore(parsed.ok ? parsed.value : assert.fail(parsed.problem), ledger.POLICY);
  });
  after(() => store.close());

  async function put(id: string, rest: Partial<Key>, revision: string | null = null) {
    const row = ledger.key(rest.hash ?? id, rest);
    return nameOf(await one(store, ledger.write(id, { keys: [{ id: row.hash, revision, row }] })));
  }

  test("a key is found by the hash of its present secret and of no other", async () => {
    await put("s1", { secretHash: "first" });
    await put("s2", { hash: "s1", secretHash: "second" }, "s1");
    assert.equal(await store.read.keyBySecret("first"), undefined);
    assert.equal((await store.read.keyBySecret("second"))?.hash, "s1");
    assert.equal((await store.read.key("s1"))?.secretHash, "second");
  });

  test("pages show every key once, newest first, and filters leave the others out", async () => {
    for (let index = 0; index < 7; index++) {
      const rest = { createdAt: 1000 + (index >> 1), teamId: "t", userId: `u${String(index % 2)}` };
      await put(`p${String(index)}`, rest);
    }
    const wanted = { ...EVERYBODY, teamId: "t", limit: 3 };
    const pages = await Promise.all(
      [0, 3, 6, 9].map((offset) => store.read.keys({ ...wanted, offset })),
    );
    assert.deepEqual(
      pages.map(({ keys }) => keys.map(({ hash }) => hash)),
      [["p6", "p4", "p5"], ["p2", "p3", "p0"], ["p1"], []],
    );
    assert.deepEqual(
      pages.map(({ total }) => total),
      [7, 7, 7, 7],
    );
    const odd = await store.read.keys({ ...wanted, userId: "u1", offset: 0 });
    assert.deepEqual([odd.keys.map(({ hash }) => hash), odd.total], [["p5", "p3", "p1"], 3]);
  });

  test("what a key was charged is the sum of its postings", async () => {
    await put("c1", {});
    const by = { hash: "c1", revision: "c1" };
    for (const [id, charge] of [
      ["h1", 7],
      ["h2", 2n ** 61n],
    ] as const) {
      await store.apply([ledger.reserve(id, { key: by }), ledger.settle(id, charge)]);
    }
    assert.deepEqual([...(await store.read.keyCharges(["c1", "c2"]))], [["c1", 7n + 2n ** 61n]]);
    assert.deepEqual([...(await store.read.keyCharges([]))], []);
  });

  test("an alias is one key's until that gives it up or is deleted", async () => {
    assert.equal(await put("a1", { alias: "prod" }), "written");
    assert.equal(await put("a2", { alias: "prod" }), "alias_taken");
    assert.equal(await put("a3", { hash: "a1", alias: "prod", teamId: "x" }, "a1"), "written");
    assert.equal(await put("a4", { alias: "Prod" }), "written");
    assert.equal(await put("a5", { hash: "a1", alias: null }, "a3"), "written");
    assert.equal(await put("a6", { alias: "prod" }), "written");
    await store.apply([ledger.write("a7", { keys: [{ id: "a6", revision: "a6", row: null }] })]);
    assert.equal(await put("a8", { alias: "prod" }), "written");
  });

  test("of keys that get one alias in one batch the first has it, and who gives it up keeps it until the next", async () => {
    const first = await store.apply([write("b1", "test"), write("b2", "test")]);
    assert.deepEqual(first.map(nameOf), ["written", "alias_taken"]);
    const swap = await store.apply([write("b3", null, "b1"), write("b4", "test")]);
    assert.deepEqual(swap.map(nameOf), ["written", "alias_taken"]);
    assert.equal(nameOf(await one(store, write("b4", "test"))), "written");
  });
});

/** Of the key that the write of this id, or of the earlier one, made. */
function write(id: string, alias: string | null, revision: string | null = null): Write {
  const hash = revision ?? id;
  return ledger.write(id, { keys: [{ id: hash, revision, row: ledger.key(hash, { alias }) }] });
}
