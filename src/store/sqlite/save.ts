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

const PARTS = [
  part(CUSTOMERS, ({ customers }) => customers),
  part(BUDGETS, ({ budgets }) => budgets),
  part(COUNTERS, ({ counters }) => counters),
  part(HOLDS, ({ holdsOpened }) => holdsOpened),
  part(POSTINGS, ({ postings }) => postings),
  part(ROLLUPS, ({ rollups }) => rollups),
  part(OUTBOX, ({ events }) => events),
];

export function save(connection: Connection, changes: Changes): void {
  for (const write of PARTS) write(connection, changes);
  for (const id of changes.holdsClosed) {
    connection.execute("delete from holds where id = ?", [id]);
  }
}

function part<Item>(
  table: Table<Item>,
  itemsOf: (changes: Changes) => readonly Item[],
): (connection: Connection, changes: Changes) => void {
  const marks = table.columns.map(() => "?").join(", ");
  const text = insertText(table, `values (${marks})`);
  return (connection, changes) => {
    for (const item of itemsOf(changes)) connection.execute(text, valuesOf(table, item));
  };
}
