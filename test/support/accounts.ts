/** Customers, budgets and keys that are in a database before Purser starts, whatever its admin routes can make. */

import assert from "node:assert/strict";
import { parseDatabase } from "../../src/config/database.ts";
import type { DatabaseConfig } from "../../src/config/config.ts";
import { hashOf } from "../../src/http/auth.ts";
import type { Budget, Customer, Key } from "../../src/ledger/book.ts";
import { newId } from "../../src/platform/clock.ts";
import { openStore } from "../../src/store/open.ts";
import { key, POLICY, write } from "./ledger.ts";

export interface Accounts {
  readonly customers?: readonly Customer[];
  readonly budgets?: readonly Budget[];
  readonly keys?: readonly Key[];
}

/** A running Purser keeps others out of an embedded database, but not out of a shared one. */
export async function putAccounts(
  url: string,
  { customers = [], budgets = [], keys = [] }: Accounts,
): Promise<void> {
  const store = await openStore(databaseAt(url), POLICY);
  try {
    const earlier = await Promise.all(keys.map(({ hash }) => store.read.key(hash)));
    const command = write(newId(), {
      customers: customers.map((row) => ({ id: row.id, revision: null, row })),
      budgets: budgets.map((row) => ({ id: row.id, revision: null, row })),
      keys: keys.map((row, at) => ({ id: row.hash, revision: earlier[at]?.revision ?? null, row })),
    });
    assert.deepEqual(await store.apply([command]), [{ kind: "written" }]);
  } finally {
    await store.close();
  }
}

export function databaseAt(url: string): DatabaseConfig {
  const database = parseDatabase(url);
  assert.ok(database.ok);
  return database.value;
}

/** A key by its secret. */
export function keyOf(secret: string, rest: Partial<Key> = {}): Key {
  const hash = hashOf(secret);
  return key(hash, { secretHash: hash, ...rest });
}
