/** LiteLLM's report of spend, by customer and day or by key. */

import type { FastifyInstance, FastifyReply } from "fastify";
import { Type, type Static } from "typebox";
import type { Span, SumFilter, SumLine } from "../ledger/spend.ts";
import { jsonUsd, nanoUsd } from "../money/amount.ts";
import { inputTokens, outputTokens } from "../money/usage.ts";
import type { Admin } from "./admin.ts";
import { daysOf, PERIOD_FIELDS } from "./report-period.ts";
import { answer, ReportAnswer } from "./spend-answers.ts";
import { keysFrom } from "./spend-filter.ts";
import { jsonArray, sendPieces, sumLines } from "./stream.ts";

const Report = Type.Object(
  {
    ...PERIOD_FIELDS,
    group_by: Type.Union([Type.Literal("customer"), Type.Literal("api_key")]),
    api_key: Type.Optional(Type.String({ description: "The key or its hash." })),
    internal_user_id: Type.Optional(
      Type.String({ description: "The internal user whose keys are meant." }),
    ),
    customer_id: Type.Optional(Type.String()),
  },
  { additionalProperties: false },
);
type Report = Static<typeof Report>;

export function spendReportRoutes(app: FastifyInstance, admin: Admin): void {
  app.get<{ Querystring: Report }>(
    "/global/spend/report",
    {
      config: { access: "read" },
      schema: {
        summary: "Spend by customer and day, or by key",
        description: "Deleted customers and keys are in it under their ids.",
        tags: ["spend"],
        querystring: Report,
        response: answer("By day and customer, or by key.", ReportAnswer),
      },
    },
    ({ query }, reply) => spendReport(query, admin, reply),
  );
}

async function spendReport(query: Report, admin: Admin, reply: FastifyReply): Promise<unknown> {
  const days = daysOf(query);
  const keyHashes = await keysFrom(query.api_key, query.internal_user_id, admin);
  const of = {
    ...(query.customer_id === undefined ? {} : { customers: [query.customer_id] }),
    ...(keyHashes === undefined ? {} : { keyHashes }),
  };
  const pieces =
    query.group_by === "customer" ? customersByDay(days, of, admin) : byKey(days, of, admin);
  return sendPieces(reply, "application/json", pieces);
}

/** A day on which nobody was charged is left out, as in LiteLLM. */
async function* customersByDay(
  days: readonly Span[],
  filter: SumFilter,
  admin: Admin,
): AsyncGenerator<string> {
  const of = { ...filter, withCustomer: true };
  let begin = "[";
  for (const day of days) {
    const lines = sumLines(admin, { spans: [day], by: ["customer", "keyHash", "model"], of });
    let separator = `${begin}{"group_by_day":"${day.name}T00:00:00+00:00","customers":[`;
    const isEmptySoFar = separator;
    for await (const group of grouped(lines, "customer")) {
      yield separator + JSON.stringify(customerOf(group));
      separator = ",";
    }
    if (separator === isEmptySoFar) continue;
    yield "]}";
    begin = ",";
  }
  yield begin === "[" ? "[]" : "]";
}

function customerOf(lines: readonly SumLine[]): unknown {
  const metadata = lines.map(({ model, charge, usage, keyHash }) => ({
    model,
    spend: jsonUsd(charge),
    total_tokens: inputTokens(usage) + outputTokens(usage),
    api_key: keyHash,
  }));
  return { customer: lines[0]?.customer ?? "", total_spend: spendOf(lines), metadata };
}

function byKey(days: readonly Span[], of: SumFilter, admin: Admin): AsyncGenerator<string> {
  const span = { name: "", start: days[0]?.start ?? 0, end: days.at(-1)?.end ?? 0 };
  const lines = sumLines(admin, { spans: [span], by: ["keyHash", "model"], of });
  return jsonArray(keysOf(grouped(lines, "keyHash")));
}

async function* keysOf(
  groups: AsyncIterable<readonly SumLine[]>,
): AsyncGenerator<readonly unknown[]> {
  for await (const lines of groups) {
    const details = lines.map((line) => ({ model: line.model, ...costsOf([line]) }));
    yield [{ api_key: lines[0]?.keyHash ?? "", ...costsOf(lines), model_details: details }];
  }
}

function costsOf(lines: readonly SumLine[]): object {
  return {
    total_cost: spendOf(lines),
    total_input_tokens: lines.reduce((total, { usage }) => total + inputTokens(usage), 0),
    total_output_tokens: lines.reduce((total, { usage }) => total + outputTokens(usage), 0),
  };
}

function spendOf(lines: readonly SumLine[]): unknown {
  return jsonUsd(nanoUsd(lines.reduce((total, { charge }) => total + charge, 0n)));
}

/** Lines that follow each other and have the same value. */
async function* grouped(
  lines: AsyncIterable<SumLine>,
  by: "customer" | "keyHash",
): AsyncGenerator<readonly SumLine[]> {
  let group: SumLine[] = [];
  for await (const line of lines) {
    if (group.length > 0 && group[0]?.[by] !== line[by]) {
      yield group;
      group = [];
    }
    group.push(line);
  }
  if (group.length > 0) yield group;
}
