/** Writes what a batch of commands changes. */

import type { Changes } from "../../ledger/rows.ts";
import {
  BUDGETS,
  COUNTERS,
  CUSTOMERS,
  HOLDS,
  insertText,
  OUTBOX,
  POSTINGS,
  ROLLUPS,
  valuesOf,
  type Table,
} from "../tables.ts";
import type { Connection } from "./connection.ts";

export function save(connection: Connection, changes: Changes): void {
  insert(connection, CUSTOMERS, changes.customers);
  insert(connection, BUDGETS, changes.budgets);
  insert(connection, COUNTERS, changes.counters);
  insert(connection, HOLDS, changes.holdsOpened);
  for (const id of changes.holdsClosed) connection.run("delete from holds where id = ?", [id]);
  insert(connection, POSTINGS, changes.postings);
  insert(connection, ROLLUPS, changes.rollups);
  insert(connection, OUTBOX, changes.events);
}

/** Made once per table: a batch is often a single command, and the text of a statement is what it is known by. */
const TEXTS = new Map<string, string>();

function insert<Item>(connection: Connection, table: Table<Item>, items: readonly Item[]): void {
  const text = TEXTS.get(table.name) ?? textOf(table);
  for (const item of items) connection.execute(text, valuesOf(table, item));
}
