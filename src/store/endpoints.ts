/** Who is told of events, as an administrator decided. */

import type { Endpoint, EndpointChange, Endpoints } from "../ledger/outbox.ts";
import type { Database } from "./database.ts";
import { endpointOf, type EndpointRow, type NewEndpointRow } from "./delivery-rows.ts";

export function createEndpoints({ query }: Database, reading: Database): Endpoints {
  return {
    async list() {
      const rows = reading.query
        .selectFrom("endpoints")
        .selectAll()
        .orderBy("created_at")
        .orderBy("id");
      return (await rows.execute()).map(endpointOf);
    },
    async find(id) {
      const row = reading.query.selectFrom("endpoints").selectAll().where("id", "=", id);
      const found = await row.executeTakeFirst();
      return found === undefined ? undefined : endpointOf(found);
    },
    async add({ id, createdAt, ...endpoint }) {
      const newest = query
        .selectFrom("events")
        .select((row) => row.fn.coalesce(row.fn.max("seq"), row.val(0n)).as("seq"));
      await query
        .insertInto("endpoints")
        .values({
          ...(columnsOf(endpoint) as NewEndpointRow),
          id,
          created_at: BigInt(createdAt),
          after_seq: newest,
        })
        .execute();
    },
    async change(id, change) {
      const changed = query.updateTable("endpoints").set(columnsOf(change)).where("id", "=", id);
      return (await changed.returning("id").execute()).length > 0;
    },
    async remove(id) {
      const removed = query.deleteFrom("endpoints").where("id", "=", id).returning("id");
      return (await removed.execute()).length > 0;
    },
  };
}

/** The columns of what is given. */
function columnsOf(given: EndpointChange): Partial<EndpointRow> {
  const columns = Object.entries(given).map(([name, value]) => [
    name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
    columnOf(value),
  ]);
  return Object.fromEntries(columns) as Partial<EndpointRow>;
}

function columnOf(value: Endpoint[keyof EndpointChange]): string | bigint | null {
  if (typeof value === "number" || typeof value === "boolean") return BigInt(value);
  return value === null || typeof value === "string" ? value : JSON.stringify(value);
}
