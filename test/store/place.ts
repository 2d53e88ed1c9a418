/** A database for a test of the store, whichever it is. */

import type { Policy } from "../../src/ledger/command.ts";
import type { LedgerStore } from "../../src/ledger/store.ts";
import type { Row } from "../../src/store/rows.ts";
import * as ledger from "../support/ledger.ts";

/** One database, empty at first. */
export interface Place {
  open(policy: Policy): Promise<LedgerStore>;
  /** Runs a statement past Purser. */
  sql(text: string): Promise<readonly Row[]>;
  /** Runs the first migrations, as many as an older Purser knew. */
  migrate(count: number): Promise<void>;
}

export type NewPlace = () => Promise<Place>;

/** Opens a store for as long as the work takes. */
export async function using<T>(
  place: Place,
  work: (store: LedgerStore) => Promise<T>,
  policy: Policy = ledger.POLICY,
): Promise<T> {
  const store = await place.open(policy);
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}
