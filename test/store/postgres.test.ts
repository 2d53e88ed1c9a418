/** PostgreSQL keeps the contract. */

import { after } from "node:test";
import postgres from "postgres";
import { openStore } from "../../src/store/open.ts";
import { Client } from "../../src/store/postgres/client.ts";
import { migrate } from "../../src/store/postgres/migrate.ts";
import type { Row } from "../../src/store/rows.ts";
import { startPostgres } from "../support/postgres.ts";
import { exerciseStore } from "./conformance.ts";
import type { Place } from "./place.ts";

const server = await startPostgres();
after(() => server.remove());

exerciseStore("PostgreSQL", async (): Promise<Place> => {
  const url = await server.newDatabase();
  return {
    open: (policy) => openStore({ kind: "postgres", url }, policy),
    sql: async (text) => {
      const vandal = postgres(url, { max: 1, types: { bigint: postgres.BigInt } });
      const rows = await vandal.unsafe<Row[]>(text);
      await vandal.end();
      return rows;
    },
    migrate: async (count) => {
      const client = new Client({ url, connections: 1, deadlineMs: null, settings: {} });
      await migrate(client, count);
      await client.close();
    },
  };
});
