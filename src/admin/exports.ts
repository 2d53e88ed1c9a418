/** What billing systems were told, held against the ledger. */

import type { FastifyInstance } from "fastify";
import { Type, type Static } from "typebox";
import { ApiError } from "../http/errors.ts";
import type { Rejection, Total } from "../ledger/outbox.ts";
import { jsonUsd, nanoUsd } from "../money/amount.ts";
import type { Admin } from "./admin.ts";
import { isoTime } from "./endpoints.ts";

/** What the routes ask of whoever exports. */
export interface Exports {
  reports(): Promise<readonly Report[]>;
  /** Undefined if there is no such export. */
  retry(name: string): Promise<number | undefined>;
}

interface Report {
  readonly name: string;
  readonly cursor: bigint;
  readonly sent: Total;
  readonly rejected: Total;
  readonly ledger: Total;
  readonly error: string | null;
  readonly rejections: readonly Rejection[];
}

const Name = Type.Object({ name: Type.String() });
type Name = Static<typeof Name>;

const TAGS = ["events"];

export function exportRoutes(app: FastifyInstance, { exports }: Admin): void {
  const listing = {
    tags: TAGS,
    summary: "What billing systems were told, held against the ledger",
  };
  app.get("/exports", { config: { access: "read" }, schema: listing }, async () => {
    return { exports: (await exports.reports()).map(shown) };
  });
  const retrying = {
    tags: TAGS,
    summary: "Send again what a billing system would not take",
    params: Name,
  };
  app.post<{ Params: Name }>(
    "/exports/:name/retry",
    { config: { access: "write" }, schema: retrying },
    async ({ params: { name } }) => {
      const taken = await exports.retry(name);
      if (taken === undefined) throw new ApiError("not_found", `There is no export ${name}.`);
      return { name, taken };
    },
  );
}

/** The drift is 0, or there is a fault. */
function shown({ name, cursor, sent, rejected, ledger, error, rejections }: Report): object {
  return {
    name,
    cursor: Number(cursor),
    sent: shownTotal(sent),
    rejected: shownTotal(rejected),
    ledger: shownTotal(ledger),
    drift: jsonUsd(nanoUsd(ledger.charge - sent.charge - rejected.charge)),
    error,
    rejections: rejections.map(({ posting, customer, at, charge, status, error: answer }) => {
      return { posting, customer, at: isoTime(at), charge: jsonUsd(charge), status, error: answer };
    }),
  };
}

function shownTotal({ postings, charge }: Total): object {
  return { postings: Number(postings), charge: jsonUsd(charge) };
}
