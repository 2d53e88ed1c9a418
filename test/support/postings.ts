/** The postings of a database that a Purser is running on, read past it. */

import { DatabaseSync } from "node:sqlite";
import postgres from "postgres";

export interface StoredPosting {
  readonly id: string;
  readonly kind: string;
  readonly customer: string | null;
  readonly facts: Facts;
  readonly source: string;
  readonly charge: number;
  readonly note: string | null;
}

interface Facts {
  readonly route: string;
  readonly model: string;
  readonly deployment: string;
  readonly attempts?: readonly { readonly deployment: string; readonly failure: string }[];
}

const COLUMNS = "id, kind, customer, facts, source, charge, note";

export async function postingsOf(
  database: string,
  customer: string,
): Promise<readonly StoredPosting[]> {
  const rows = database.startsWith("sqlite:")
    ? readSqlite(database.slice("sqlite:".length), customer)
    : await readPostgres(database, customer);
  return rows.map((row) => ({
    ...(row as unknown as StoredPosting),
    facts: JSON.parse(String(row["facts"])) as Facts,
    charge: Number(row["charge"]),
  }));
}

type Row = Readonly<Record<string, unknown>>;

function readSqlite(file: string, customer: string): readonly Row[] {
  const connection = new DatabaseSync(file, { readOnly: true });
  try {
    return connection
      .prepare(`select ${COLUMNS} from postings where customer = ? order by id`)
      .all(customer);
  } finally {
    connection.close();
  }
}

async function readPostgres(address: string, customer: string): Promise<readonly Row[]> {
  const sql = postgres(address, { max: 1 });
  try {
    const text = `select ${COLUMNS} from postings where customer = $1 order by id`;
    return await sql.unsafe(text, [customer]);
  } finally {
    await sql.end();
  }
}
