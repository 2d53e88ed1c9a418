/** LiteLLM's totals: of everything, of each key, of each customer. */

import type { FastifyInstance, FastifyReply, FastifySchema } from "fastify";
import { Type, type Static } from "typebox";
import type { SumLine } from "../ledger/spend.ts";
import { jsonUsd, ZERO_USD } from "../money/amount.ts";
import type { Window } from "../money/window.ts";
import type { Admin } from "./admin.ts";
import { instantFrom, PERIOD_FIELDS, recentWindow, windowOf } from "./report-period.ts";
import {
  AllCustomersAnswer,
  answer,
  CustomersAnswer,
  GlobalSpendAnswer,
  KeysAnswer,
} from "./spend-answers.ts";
import { hashFrom, ownersOf } from "./spend-filter.ts";
import { sendPieces } from "./stream.ts";

/** As many as LiteLLM shows. */
const CUSTOMERS_MAX = 100;

/** Ids per question to the database, of those that are streamed. */
const IDS_PER_PAGE = 1_000;

const Period = Type.Object(PERIOD_FIELDS, { additionalProperties: false });
type Period = Static<typeof Period>;

const Keys = Type.Object(
  {
    ...PERIOD_FIELDS,
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, default: 100 })),
  },
  { additionalProperties: false },
);
type Keys = Static<typeof Keys>;

const Time = Type.Optional(Type.Union([Type.String(), Type.Null()]));
const Customers = Type.Union([
  Type.Null(),
  Type.Object({ api_key: Time, startTime: Time, endTime: Time }, { additionalProperties: false }),
]);
type Customers = Static<typeof Customers>;

const RECENT = "Of the last 30 days, if no dates are named.";

export function spendTotalRoutes(app: FastifyInstance, admin: Admin): void {
  app.get<{ Querystring: Period }>(
    "/global/spend",
    described("What was charged, all in all", {
      querystring: Period,
      response: answer("The total.", GlobalSpendAnswer),
    }),
    ({ query }) => globalSpend(query, admin),
  );
  app.get<{ Querystring: Keys }>(
    "/spend/keys",
    described("Keys, the dearest first", {
      querystring: Keys,
      response: answer("Keys and what calls with them were charged.", KeysAnswer),
    }),
    ({ query }) => keysBySpend(query, admin),
  );
  app.post<{ Body: Customers }>(
    "/global/spend/end_users",
    described("Customers, the dearest first", {
      body: Customers,
      response: answer("A hundred at most.", CustomersAnswer),
    }),
    ({ body }) => customersBySpend(body, admin),
  );
  app.get(
    "/global/all_end_users",
    described("Customers", {
      description: "Every one that was ever served.",
      response: answer("Their ids.", AllCustomersAnswer),
    }),
    (_request, reply) => allCustomers(admin, reply),
  );
}

function described(summary: string, schema: FastifySchema) {
  const config = { access: "read" } as const;
  return { config, schema: { description: RECENT, ...schema, summary, tags: ["spend"] } };
}

async function globalSpend(query: Period, admin: Admin): Promise<unknown> {
  const spans = [{ name: "", ...periodOf(query, admin) }];
  const question = { spans, by: [], of: {}, order: "named", limit: 1 } as const;
  const { lines } = await admin.ledger.read.spend.sums(question);
  return { spend: jsonUsd(lines[0]?.charge ?? ZERO_USD), max_budget: null };
}

async function keysBySpend(query: Keys, admin: Admin): Promise<unknown> {
  const spans = [{ name: "", ...periodOf(query, admin) }];
  const { limit = 100 } = query;
  const question = { spans, by: ["keyHash"], of: {}, order: "dearest", limit } as const;
  const { lines } = await admin.ledger.read.spend.sums(question);
  const owners = await ownersOf(
    lines.map(({ keyHash }) => keyHash),
    admin,
  );
  return lines.map(({ keyHash, charge, calls }) => {
    const owner = owners.get(keyHash);
    return {
      token: keyHash,
      key_name: owner?.name ?? null,
      key_alias: owner?.alias ?? null,
      spend: jsonUsd(charge),
      total_count: calls,
      user_id: owner?.userId ?? null,
      team_id: owner?.teamId ?? null,
    };
  });
}

async function customersBySpend(body: Customers, admin: Admin): Promise<unknown> {
  const { api_key, startTime, endTime } = body ?? {};
  const recent = recentWindow(admin.clock.now());
  const span = {
    name: "",
    start: isGiven(startTime) ? instantFrom("startTime", startTime, "start") : recent.start,
    end: isGiven(endTime) ? instantFrom("endTime", endTime, "end") : recent.end,
  };
  const ofKey = isGiven(api_key) ? { keyHashes: [await hashFrom(api_key, admin)] } : {};
  const { lines } = await admin.ledger.read.spend.sums({
    spans: [span],
    by: ["customer"],
    of: { withCustomer: true, ...ofKey },
    order: "dearest",
    limit: CUSTOMERS_MAX,
  });
  return lines.map(customerTotal);
}

function customerTotal({ customer, calls, charge }: SumLine): unknown {
  return { end_user: customer, total_count: calls, total_spend: jsonUsd(charge) };
}

function allCustomers(admin: Admin, reply: FastifyReply): Promise<FastifyReply> {
  return sendPieces(reply, "application/json", customerIds(admin));
}

async function* customerIds({ ledger }: Admin): AsyncGenerator<string> {
  let separator = '{"end_users":[';
  let after: string | undefined = "";
  while (after !== undefined) {
    const page: readonly string[] = await ledger.read.spend.customersServed(after, IDS_PER_PAGE);
    if (page.length > 0 || after === "") {
      yield separator + page.map((id) => JSON.stringify(id)).join(",");
      separator = ",";
    }
    after = page.length === IDS_PER_PAGE ? page.at(-1) : undefined;
  }
  yield "]}";
}

function periodOf(query: Period, { clock }: Admin): Window {
  return windowOf(query) ?? recentWindow(clock.now());
}

/** LiteLLM's clients send what they leave out as null, and its pages as nothing. */
function isGiven(text: string | null | undefined): text is string {
  return text !== null && text !== undefined && text !== "";
}
