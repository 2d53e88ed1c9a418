/** What billing systems would not take, and the sums that an export is held against. */

import { sql } from "kysely";
import type { Exports } from "../ledger/outbox.ts";
import { nanoUsd } from "../money/amount.ts";
import type { Database } from "./database.ts";

export function createExports(writing: Database, reading: Database): Exports {
  const { query } = writing;
  return {
    async reject(rejections) {
      if (rejections.length === 0) return;
      const rows = rejections.map((rejection) => ({
        ...rejection,
        at: BigInt(rejection.at),
        status: BigInt(rejection.status),
      }));
      const inserted = query.insertInto("export_rejections").values(rows);
      await inserted.onConflict((row) => row.columns(["export", "seq"]).doNothing()).execute();
    },
    async rejections(name) {
      const rows = query.selectFrom("export_rejections").selectAll().where("export", "=", name);
      const found = await rows.orderBy("seq").execute();
      return found.map(({ at, charge, status, ...row }) => {
        return { ...row, at: Number(at), charge: nanoUsd(charge), status: Number(status) };
      });
    },
    async charged(upTo) {
      const rows = reading.query.selectFrom("postings").where("seq", "<=", upTo);
      const charging = rows.where("customer", "is not", null).where("charge", "!=", 0n);
      const { postings, charge } = await charging.select([COUNT, CHARGE]).executeTakeFirstOrThrow();
      return { postings, charge: nanoUsd(charge) };
    },
    async accept(name, seq) {
      const accepted = query.deleteFrom("export_rejections").where("export", "=", name);
      const rows = await accepted.where("seq", "=", seq).returning("seq").execute();
      return rows.length > 0;
    },
  };
}

const COUNT = sql<bigint>`count(*)`.as("postings");
const CHARGE = sql<bigint>`cast(coalesce(sum(charge), 0) as bigint)`.as("charge");
