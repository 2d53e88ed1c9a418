/** Writes what a batch of commands changes. */

import type { Changes } from "../../ledger/rows.ts";
import {
  API_KEYS,
  BUDGETS,
  COUNTERS,
  CUSTOMERS,
  EVENTS,
  HOLDS,
  HOLDS_REPLACED,
  insertText,
  POSTINGS,
  ROLLUPS,
  valuesOf,
  type Table,
} from "../tables.ts";
import type { Connection } from "./connection.ts";

const PARTS = [
  part(CUSTOMERS, ({ customers }) => customers),
  part(BUDGETS, ({ budgets }) => budgets),
  part(API_KEYS, ({ keys }) => keys),
  part(COUNTERS, ({ counters }) => counters),
  part(HOLDS, ({ holdsOpened }) => holdsOpened),
  part(HOLDS_REPLACED, ({ holdsReplaced }) => holdsReplaced),
  part(POSTINGS, ({ postings }) => postings),
  part(ROLLUPS, ({ rollups }) => rollups),
  part(EVENTS, ({ events }) => events),
];

export function save(connection: Connection, changes: Changes): void {
  for (const write of PARTS) write(connection, changes);
  for (const [text, goneIn] of DELETIONS) {
    for (const id of goneIn(changes)) connection.execute(text, [id]);
  }
}

const DELETIONS: readonly (readonly [string, (changes: Changes) => readonly string[]])[] = [
  ["delete from holds where id = ?", ({ holdsClosed }) => holdsClosed],
  ["delete from customers where id = ?", ({ customersGone }) => customersGone],
  ["delete from budgets where id = ?", ({ budgetsGone }) => budgetsGone],
  ["delete from keys where hash = ?", ({ keysGone }) => keysGone],
];

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
