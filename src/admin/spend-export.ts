/** Every posting of a period as CSV (RFC 4180), oldest first: what an invoice is made from. */

import type { FastifyInstance, FastifyReply } from "fastify";
import { Type, type Static } from "typebox";
import { ApiError } from "../http/errors.ts";
import type { NumberedPosting } from "../ledger/spend.ts";
import { formatUsd } from "../money/amount.ts";
import { inputTokens, outputTokens, USAGE_PARTS } from "../money/usage.ts";
import type { Admin } from "./admin.ts";
import { PERIOD_FIELDS, windowOf } from "./report-period.ts";
import { keysFrom } from "./spend-filter.ts";
import { postingPages, sendPieces } from "./stream.ts";

const Export = Type.Object(
  {
    ...PERIOD_FIELDS,
    end_user: Type.Optional(Type.String({ description: "The customer." })),
    api_key: Type.Optional(Type.String({ description: "The key or its hash." })),
  },
  { additionalProperties: false },
);
type Export = Static<typeof Export>;

interface Column {
  readonly name: string;
  readonly valueOf: (posting: NumberedPosting) => string | number | null;
}

const COLUMNS: readonly Column[] = [
  { name: "posted_at", valueOf: ({ at }) => Temporal.Instant.fromEpochMilliseconds(at).toString() },
  { name: "request_id", valueOf: ({ id }) => id },
  { name: "kind", valueOf: ({ kind }) => kind },
  { name: "end_user", valueOf: ({ customer }) => customer },
  { name: "api_key", valueOf: ({ keyHash }) => keyHash },
  { name: "key_alias", valueOf: ({ facts }) => facts.keyAlias },
  { name: "route", valueOf: ({ facts }) => facts.route },
  { name: "model", valueOf: ({ facts }) => facts.model },
  { name: "provider", valueOf: ({ facts }) => facts.provider },
  { name: "model_id", valueOf: ({ facts }) => facts.deployment },
  { name: "prompt_tokens", valueOf: ({ usage }) => inputTokens(usage) },
  { name: "completion_tokens", valueOf: ({ usage }) => outputTokens(usage) },
  ...USAGE_PARTS.map((part) => ({
    name: `usage_${part.replace(/[A-Z]|\d+/g, (sign) => `_${sign.toLowerCase()}`)}`,
    valueOf: ({ usage }: NumberedPosting) => usage[part] ?? 0,
  })),
  { name: "usage_source", valueOf: ({ source }) => source },
  { name: "cost_usd", valueOf: ({ cost }) => formatUsd(cost) },
  { name: "spend_usd", valueOf: ({ charge }) => formatUsd(charge) },
  { name: "note", valueOf: ({ note }) => note },
];

export function spendExportRoutes(app: FastifyInstance, admin: Admin): void {
  app.get<{ Querystring: Export }>(
    "/spend/export",
    {
      config: { access: "read" },
      schema: {
        summary: "Every posting of a period as CSV, oldest first",
        description: "Sent while it is read, whatever its length. Times are UTC.",
        tags: ["spend"],
        querystring: Export,
        response: {
          200: {
            description: "A head, and a line per posting.",
            content: { "text/csv": { schema: Type.String() } },
          },
        },
      },
    },
    ({ query }, reply) => spendExport(query, admin, reply),
  );
}

async function spendExport(query: Export, admin: Admin, reply: FastifyReply): Promise<unknown> {
  const window = windowOf(query);
  if (window === undefined) {
    throw new ApiError("invalid_request", "Please provide start_date and end_date");
  }
  const keyHashes = await keysFrom(query.api_key, undefined, admin);
  const of = {
    window,
    ...(query.end_user === undefined ? {} : { customer: query.end_user }),
    ...(keyHashes === undefined ? {} : { keyHashes }),
  };
  const pages = postingPages(admin, { of, order: "oldest" });
  return sendPieces(reply, "text/csv; charset=utf-8", csv(pages));
}

async function* csv(pages: AsyncIterable<readonly NumberedPosting[]>): AsyncGenerator<string> {
  yield lineOf(COLUMNS.map(({ name }) => name));
  for await (const page of pages) {
    yield page.map((posting) => lineOf(COLUMNS.map(({ valueOf }) => valueOf(posting)))).join("");
  }
}

function lineOf(cells: readonly (string | number | null)[]): string {
  return `${cells.map(cellOf).join(",")}\r\n`;
}

function cellOf(value: string | number | null): string {
  const text = String(value ?? "");
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
