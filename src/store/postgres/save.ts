/** Writes what a batch of commands changes, whatever its size, in one statement. */

import type { Changes, Rows } from "../../ledger/rows.ts";
import type { SqlValue } from "../rows.ts";
import {
  BUDGETS,
  COUNTERS,
  CUSTOMERS,
  HOLDS,
  insertText,
  namesOf,
  OUTBOX,
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
  readonly parameters: (changes: Changes, rows: Rows) => string[];
}

const PARTS = [
  // Somebody else may have created the customer since the rows were read. Then the batch must be decided again.
  part({ ...CUSTOMERS, onConflict: "fail" }, ({ customers }, rows) =>
    customers.filter(({ id }) => !rows.customers.has(id)),
  ),
  part(CUSTOMERS, ({ customers }, rows) => customers.filter(({ id }) => rows.customers.has(id))),
  part(BUDGETS, ({ budgets }) => budgets),
  part(COUNTERS, ({ counters }) => counters),
  part(HOLDS, ({ holdsOpened }) => holdsOpened),
  part(POSTINGS, ({ postings }) => postings),
  part(ROLLUPS, ({ rollups }) => rollups),
  part(OUTBOX, ({ events }) => events),
];

const STATEMENT = statementOf(PARTS);

export async function save(client: Client, changes: Changes, rows: Rows): Promise<void> {
  const inserted = PARTS.flatMap((each) => each.parameters(changes, rows));
  await client.run(STATEMENT, [...inserted, arrayOf(changes.holdsClosed)]);
}

function statementOf(parts: readonly Part[]): string {
  let parameters = 0;
  const inserts = parts.map((each, index) => {
    const text = each.text(parameters + 1);
    parameters += each.columns;
    return `part_${String(index)} as (${text})`;
  });
  const closed = `$${String(parameters + 1)}::text[]`;
  return `with ${inserts.join(",\n")}\ndelete from holds where id = any(${closed})`;
}

/** Rows are written in the order of their keys, so that no two batches wait for each other's rollups. */
function part<Item>(
  table: Table<Item>,
  itemsOf: (changes: Changes, rows: Rows) => readonly Item[],
): Part {
  const { columns } = table;
  return {
    columns: columns.length,
    text: (first) => {
      const arrays = columns.map(({ type }, index) => `$${String(first + index)}::${type}[]`);
      const rows = `unnest(${arrays.join(", ")}) as item (${namesOf(table).join(", ")})`;
      return insertText(table, `select * from ${rows} order by ${table.key.join(", ")}`);
    },
    parameters: (changes, rows) => {
      const values = itemsOf(changes, rows).map((item) => valuesOf(table, item));
      return columns.map((_, index) => arrayOf(values.map((row): SqlValue => row[index] ?? null)));
    },
  };
}
