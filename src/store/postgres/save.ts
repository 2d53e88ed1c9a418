/** Writes what a batch of commands changes, however much that is, in one statement; accounts are deleted apart. */

import type { Changes, Rows } from "../../ledger/rows.ts";
import type { SqlValue } from "../rows.ts";
import {
  API_KEYS,
  BUDGETS,
  COUNTERS,
  CUSTOMERS,
  EVENTS,
  HOLDS,
  HOLDS_REPLACED,
  insertText,
  namesOf,
  POSTINGS,
  ROLLUPS,
  valuesOf,
  type Table,
} from "../tables.ts";
import { arrayOf } from "./array.ts";
import type { Client } from "./client.ts";

/** One table's share of the statement: one array of parameters per column. */
interface Part {
  readonly columns: number;
  readonly text: (firstParameter: number) => string;
  readonly valuesIn: (changes: Changes, rows: Rows) => readonly (readonly SqlValue[])[];
}

const PARTS = [
  ...accountParts(CUSTOMERS, ({ customers }, rows) => ({
    written: customers,
    isStored: ({ id }) => rows.customers.has(id),
  })),
  ...accountParts(BUDGETS, ({ budgets }, rows) => ({
    written: budgets,
    isStored: ({ id }) => rows.budgets.has(id),
  })),
  ...accountParts(API_KEYS, ({ keys }, rows) => ({
    written: keys,
    isStored: ({ hash }) => rows.keys.has(hash),
  })),
  part(COUNTERS, ({ counters }) => counters),
  part(HOLDS, ({ holdsOpened }) => holdsOpened),
  part(HOLDS_REPLACED, ({ holdsReplaced }) => holdsReplaced),
  part(POSTINGS, ({ postings }) => postings),
  part(ROLLUPS, ({ rollups }) => rollups),
  part(EVENTS, ({ events }) => events),
];

export async function save(client: Client, changes: Changes, rows: Rows): Promise<void> {
  const values = PARTS.map(({ valuesIn }) => valuesIn(changes, rows));
  const parameters = values.flatMap(arraysOf);
  await Promise.all([
    ...deletions(client, changes),
    client.run(textFor(values), [...parameters, arrayOf(changes.holdsClosed)]),
  ]);
}

const DELETIONS: readonly (readonly [string, (changes: Changes) => readonly string[]])[] = [
  ["delete from customers where id = any($1::text[])", ({ customersGone }) => customersGone],
  ["delete from budgets where id = any($1::text[])", ({ budgetsGone }) => budgetsGone],
  ["delete from keys where hash = any($1::text[])", ({ keysGone }) => keysGone],
];

function deletions(client: Client, changes: Changes): Promise<unknown>[] {
  return DELETIONS.filter(([, goneIn]) => goneIn(changes).length > 0).map(([text, goneIn]) =>
    client.run(text, [arrayOf(goneIn(changes))]),
  );
}

/** By which parts they have: a part costs 20 µs even if it is empty, and few combinations come up. */
const texts = new Map<string, string>();

function textFor(values: readonly (readonly unknown[])[]): string {
  const name = values.map(({ length }) => (length === 0 ? "-" : "+")).join("");
  const text = texts.get(name) ?? statementOf(PARTS.filter((_, index) => name[index] === "+"));
  texts.set(name, text);
  return text;
}

function statementOf(parts: readonly Part[]): string {
  let parameters = 0;
  const inserts = parts.map((each, index) => {
    const text = each.text(parameters + 1);
    parameters += each.columns;
    return `part_${String(index)} as (${text})`;
  });
  const closed = `delete from holds where id = any($${String(parameters + 1)}::text[])`;
  return inserts.length === 0 ? closed : `with ${inserts.join(",\n")}\n${closed}`;
}

interface Accounts<Item> {
  readonly written: readonly Item[];
  readonly isStored: (item: Item) => boolean;
}

/** Somebody else may have made a new row since the rows were read. Then the batch must fail and be decided again. */
function accountParts<Item>(
  table: Table<Item>,
  accountsIn: (changes: Changes, rows: Rows) => Accounts<Item>,
): readonly Part[] {
  return [
    part({ ...table, onConflict: "fail" }, (changes, rows) => {
      const { written, isStored } = accountsIn(changes, rows);
      return written.filter((item) => !isStored(item));
    }),
    part(table, (changes, rows) => {
      const { written, isStored } = accountsIn(changes, rows);
      return written.filter(isStored);
    }),
  ];
}

/**
 * Rows are written in the order of their keys, so that no two batches wait for each other's rollups; events, in the
 * order that they happened in.
 */
function part<Item>(
  table: Table<Item>,
  itemsOf: (changes: Changes, rows: Rows) => readonly Item[],
): Part {
  const { columns } = table;
  return {
    columns: columns.length,
    text: (first) => {
      const arrays = columns.map(({ type }, index) => `$${String(first + index)}::${type}[]`);
      const names = namesOf(table).join(", ");
      const rows = `unnest(${arrays.join(", ")}) with ordinality as item (${names}, place)`;
      const order = table.onConflict === "ignore" ? "place" : table.key.join(", ");
      return insertText(table, `select ${names} from ${rows} order by ${order}`);
    },
    valuesIn: (changes, rows) => itemsOf(changes, rows).map((item) => valuesOf(table, item)),
  };
}

/** From rows to columns. */
function arraysOf(rows: readonly (readonly SqlValue[])[]): string[] {
  const [first = []] = rows;
  return first.map((_, index) => arrayOf(rows.map((row): SqlValue => row[index] ?? null)));
}
