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

function insert<Item>(connection: Connection, table: Table<Item>, items: readonly Item[]): void {
  if (items.length === 0) return;
  const marks = Object.keys(table.columns).map(() => "?");
  const text = insertText(table, `values (${marks.join(", ")})`);
  for (const item of items) connection.run(text, valuesOf(table, item));
}
