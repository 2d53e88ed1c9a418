/** LiteLLM's spend logs: a row per posting, or a summary per day. */

import type { FastifyInstance, FastifyReply } from "fastify";
import { Type, type Static } from "typebox";
import { ApiError } from "../http/errors.ts";
import type { NumberedPosting, PostingFilter, SumFilter, SumLine } from "../ledger/spend.ts";
import { jsonUsd, nanoUsd, parseUsd, type NanoUsd } from "../money/amount.ts";
import type { Admin } from "./admin.ts";
import { daysOf, instantFrom, PERIOD_FIELDS, windowOf } from "./report-period.ts";
import { answer, LogsAnswer, PagedLogsAnswer } from "./spend-answers.ts";
import { keysFrom, ownersOf } from "./spend-filter.ts";
import { KINDS_OF, spendRow } from "./spend-row.ts";
import { jsonArray, postingPages, sendPieces, sumLines } from "./stream.ts";

/** Without dates and without a filter nobody means the whole ledger. */
const UNFILTERED_ROWS_MAX = 1_000;

const WHOSE = {
  api_key: Type.Optional(Type.String({ description: "The key or its hash." })),
  user_id: Type.Optional(Type.String({ description: "The internal user whose keys are meant." })),
  end_user: Type.Optional(Type.String({ description: "The customer." })),
  request_id: Type.Optional(Type.String({ description: "The id on the call's answer." })),
};

const Logs = Type.Object(
  {
    ...PERIOD_FIELDS,
    ...WHOSE,
    summarize: Type.Optional(
      Type.Boolean({ default: true, description: "With dates: sums of days in place of rows." }),
    ),
  },
  { additionalProperties: false },
);
type Logs = Static<typeof Logs>;

const PagedLogs = Type.Object(
  {
    ...WHOSE,
    start_date: Type.Optional(Type.String({ description: "UTC: `YYYY-MM-DD HH:MM:SS`." })),
    end_date: Type.Optional(Type.String({ description: "UTC: `YYYY-MM-DD HH:MM:SS`." })),
    model: Type.Optional(Type.String()),
    status_filter: Type.Optional(Type.Union([Type.Literal("success"), Type.Literal("failure")])),
    min_spend: Type.Optional(Type.Number({ description: "Dollars." })),
    max_spend: Type.Optional(Type.Number({ description: "Dollars." })),
    page: Type.Optional(Type.Integer({ minimum: 1, default: 1 })),
    page_size: Type.Optional(Type.Integer({ minimum: 1, maximum: 100, default: 50 })),
  },
  { additionalProperties: false },
);
type PagedLogs = Static<typeof PagedLogs>;

export function spendLogRoutes(app: FastifyInstance, admin: Admin): void {
  app.get<{ Querystring: Logs }>(
    "/spend/logs",
    {
      config: { access: "read" },
      schema: {
        summary: "Spend of days, or the rows behind it, newest first",
        description: `Filters narrow each other. Without any, the newest ${String(UNFILTERED_ROWS_MAX)} rows.`,
        tags: ["spend"],
        querystring: Logs,
        response: answer("Days, or rows.", LogsAnswer),
      },
    },
    ({ query }, reply) => spendLogs(query, admin, reply),
  );
  for (const path of ["/spend/logs/v2", "/spend/logs/ui"]) {
    app.get<{ Querystring: PagedLogs }>(
      path,
      {
        config: { access: "read" },
        schema: {
          summary: "Rows of spend in pages",
          tags: ["spend"],
          querystring: PagedLogs,
          response: answer("A page, newest first.", PagedLogsAnswer),
        },
      },
      ({ query }) => pagedLogs(query, admin),
    );
  }
}

async function spendLogs(query: Logs, admin: Admin, reply: FastifyReply): Promise<unknown> {
  const window = windowOf(query);
  const whose = await whoseFrom(query, admin);
  const isSummary = (query.summarize ?? true) && query.request_id === undefined;
  if (window !== undefined && isSummary) {
    const days = daySummaries(query, whose, admin);
    return sendPieces(reply, "application/json", jsonArray(days));
  }
  const of = { ...whose, ...(window === undefined ? {} : { window }) };
  if (Object.keys(of).length === 0) {
    const { spend } = admin.ledger.read;
    const newest = await spend.postings({ of, order: "newest", limit: UNFILTERED_ROWS_MAX });
    return rowsOf(newest, admin);
  }
  return sendPieces(reply, "application/json", jsonArray(allRows(of, admin)));
}

async function* allRows(of: PostingFilter, admin: Admin): AsyncGenerator<readonly unknown[]> {
  for await (const page of postingPages(admin, { of, order: "newest" })) {
    yield await rowsOf(page, admin);
  }
}

async function rowsOf(page: readonly NumberedPosting[], admin: Admin): Promise<unknown[]> {
  const hashes = page.map(({ keyHash }) => keyHash);
  const owners = await ownersOf(hashes, admin);
  return page.map((posting) => spendRow(posting, owners.get(posting.keyHash)));
}

async function whoseFrom(
  { api_key, user_id, end_user, request_id }: Static<typeof Whose>,
  admin: Admin,
): Promise<Pick<PostingFilter, "id" | "customer" | "keyHashes">> {
  const keyHashes = await keysFrom(api_key, user_id, admin);
  return {
    ...(keyHashes === undefined ? {} : { keyHashes }),
    ...(end_user === undefined ? {} : { customer: end_user }),
    ...(request_id === undefined ? {} : { id: request_id }),
  };
}

const Whose = Type.Object(WHOSE);

/** Every day of the period, from the first on; one on which nothing was spent is 0. */
async function* daySummaries(
  query: Logs,
  { customer, keyHashes }: Pick<PostingFilter, "customer" | "keyHashes">,
  admin: Admin,
): AsyncGenerator<readonly unknown[]> {
  const of: SumFilter = {
    ...(customer === undefined ? {} : { customers: [customer] }),
    ...(keyHashes === undefined ? {} : { keyHashes }),
  };
  for (const day of daysOf(query)) {
    const lines = await Array.fromAsync(
      sumLines(admin, { spans: [day], by: ["keyHash", "model"], of }),
    );
    const owners = await ownersOf(
      lines.map(({ keyHash }) => keyHash),
      admin,
    );
    const userOf = ({ keyHash }: SumLine): string => owners.get(keyHash)?.userId ?? "";
    yield [
      {
        startTime: day.name,
        spend: spendOf(lines),
        users: spendBy(lines, userOf),
        models: spendBy(lines, ({ model }) => model),
        ...spendBy(lines, ({ keyHash }) => keyHash),
      },
    ];
  }
}

function spendBy(lines: readonly SumLine[], nameOf: (line: SumLine) => string): object {
  const groups = [...Map.groupBy(lines, nameOf)];
  return Object.fromEntries(groups.map(([name, ofName]) => [name, spendOf(ofName)]));
}

function spendOf(lines: readonly SumLine[]): unknown {
  return jsonUsd(nanoUsd(lines.reduce((total, { charge }) => total + charge, 0n)));
}

async function pagedLogs(query: PagedLogs, admin: Admin): Promise<unknown> {
  const { page = 1, page_size: limit = 50 } = query;
  const of = await pagedFilter(query, admin);
  const { spend } = admin.ledger.read;
  const [total, rows] = await Promise.all([
    spend.countPostings(of),
    spend.postings({ of, order: "newest", limit, offset: (page - 1) * limit }),
  ]);
  const data = await rowsOf(rows, admin);
  return { data, total, page, page_size: limit, total_pages: Math.ceil(total / limit) };
}

async function pagedFilter(query: PagedLogs, admin: Admin): Promise<PostingFilter> {
  const { start_date, end_date, model, status_filter, min_spend, max_spend } = query;
  if (start_date === undefined || end_date === undefined) {
    throw new ApiError("invalid_request", "Start date and end date are required");
  }
  const [start, end] = [
    instantFrom("start_date", start_date, "start"),
    instantFrom("end_date", end_date, "end"),
  ];
  return {
    window: { start, end },
    ...(await whoseFrom(query, admin)),
    ...(model === undefined ? {} : { model }),
    ...(status_filter === undefined ? {} : { kinds: KINDS_OF[status_filter] }),
    ...(min_spend === undefined ? {} : { chargeMin: amountFrom("min_spend", min_spend) }),
    ...(max_spend === undefined ? {} : { chargeMax: amountFrom("max_spend", max_spend) }),
  };
}

function amountFrom(param: string, dollars: number): NanoUsd {
  const amount = parseUsd(dollars);
  if (amount !== undefined) return amount;
  throw new ApiError("invalid_request", `${param} is not an amount of dollars`, { param });
}
