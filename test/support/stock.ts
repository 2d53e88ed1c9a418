/** Accounts that stand in the books before a Purser opens them. */

import type { Budget, Key } from "../../src/ledger/book.ts";
import type { DatabaseConfig } from "../../src/config/config.ts";
import { openStore } from "../../src/store/open.ts";
import { POLICY, write } from "./ledger.ts";

export interface Stock {
  readonly budgets?: readonly Budget[];
  readonly keys?: readonly Key[];
}

export async function stock(url: string, { budgets = [], keys = [] }: Stock): Promise<void> {
  const store = await openStore(databaseAt(url), POLICY);
  await store.apply([
    write("stock", {
      budgets: budgets.map((row) => ({ id: row.id, revision: null, row })),
      keys: keys.map((row) => ({ id: row.hash, revision: null, row })),
    }),
  ]);
  await store.close();
}

export function databaseAt(url: string): DatabaseConfig {
  return url.startsWith("sqlite:")
    ? { kind: "sqlite", file: url.slice("sqlite:".length) }
    : { kind: "postgres", url };
}
