/** LiteLLM's daily activity of customers: what they used and were charged, by day, model, key and provider. */

import type { FastifyInstance } from "fastify";
import { Type, type Static } from "typebox";
import type { KeyOwner, SumFilter, SumLine } from "../ledger/spend.ts";
import { jsonUsd, nanoUsd } from "../money/amount.ts";
import { inputTokens, outputTokens } from "../money/usage.ts";
import type { Admin } from "./admin.ts";
import { daysOf, PERIOD_FIELDS } from "./report-period.ts";
import { ActivityAnswer, answer } from "./spend-answers.ts";
import { hashFrom, ownersOf } from "./spend-filter.ts";

const LIST = "Ids, separated by commas.";

const Activity = Type.Object(
  {
    ...PERIOD_FIELDS,
    end_user_ids: Type.Optional(Type.String({ description: LIST })),
    exclude_end_user_ids: Type.Optional(Type.String({ description: LIST })),
    model: Type.Optional(Type.String()),
    api_key: Type.Optional(Type.String({ description: "The key or its hash." })),
    page: Type.Optional(Type.Integer({ minimum: 1, default: 1 })),
    page_size: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, default: 10 })),
  },
  { additionalProperties: false },
);
type Activity = Static<typeof Activity>;

export function dailyActivityRoutes(app: FastifyInstance, admin: Admin): void {
  for (const prefix of ["/customer", "/end_user"]) {
    app.get<{ Querystring: Activity }>(
      `${prefix}/daily/activity`,
      {
        config: { access: "read", adminOnly: true },
        schema: {
          summary: "What customers used and were charged, day by day",
          description:
            "A page is of lines: one per customer, day, key, model, provider and route. Metrics and totals are of " +
            "the page's lines, so that the pages add up. Days are UTC unless `timezone` names another zone.",
          tags: ["spend"],
          querystring: Activity,
          response: answer("A page of lines, by day.", ActivityAnswer),
        },
      },
      ({ query }) => dailyActivity(query, admin),
    );
  }
}

async function dailyActivity(query: Activity, admin: Admin): Promise<unknown> {
  const { page = 1, page_size: limit = 10 } = query;
  const question = {
    spans: daysOf(query, { detail: true }),
    by: ["customer", "keyHash", "model", "provider", "route"],
    of: await filterOf(query, admin),
    order: "named",
  } as const;
  const { spend } = admin.ledger.read;
  const offset = (page - 1) * limit;
  const { lines, total } = await spend.sums({ ...question, limit, offset });
  // A page behind the last one has no line that could tell how many there are.
  const isBehind = lines.length === 0 && page > 1;
  const count = isBehind ? (await spend.sums({ ...question, limit: 1 })).total : total;
  const accounts = await accountsOf(lines, admin);
  const days = [...Map.groupBy(lines, ({ span }) => span)];
  return {
    results: days.map(([date, ofDay]) => dayOf(date, ofDay, accounts)),
    metadata: {
      ...totalsOf(lines),
      page,
      total_pages: Math.ceil(count / limit),
      has_more: page * limit < count,
      api_key_limit: null,
      total_api_keys: null,
    },
  };
}

async function filterOf(query: Activity, admin: Admin): Promise<SumFilter> {
  const { end_user_ids, exclude_end_user_ids, model, api_key } = query;
  return {
    withCustomer: true,
    ...(end_user_ids === undefined ? {} : { customers: end_user_ids.split(",") }),
    ...(exclude_end_user_ids === undefined
      ? {}
      : { customersNot: exclude_end_user_ids.split(",") }),
    ...(model === undefined ? {} : { model }),
    ...(api_key === undefined ? {} : { keyHashes: [await hashFrom(api_key, admin)] }),
  };
}

/** What is known today of the customers and keys of a page; deleted ones stay in reports under their ids. */
interface Accounts {
  readonly aliases: ReadonlyMap<string, string | null>;
  readonly owners: ReadonlyMap<string, KeyOwner>;
  readonly masterKeyHash: string;
}

async function accountsOf(lines: readonly SumLine[], admin: Admin): Promise<Accounts> {
  const customers = [...new Set(lines.map(({ customer }) => customer))];
  const hashes = lines.map(({ keyHash }) => keyHash);
  const [aliases, owners] = await Promise.all([
    admin.ledger.read.spend.customerAliases(customers),
    ownersOf(hashes, admin),
  ]);
  return { aliases, owners, masterKeyHash: admin.keys.masterKeyHash };
}

function dayOf(date: string, lines: readonly SumLine[], accounts: Accounts): unknown {
  const byModel = grouped(lines, "model", () => ({}), accounts);
  const alias = (id: string) => ({ alias: accounts.aliases.get(id) ?? null });
  return {
    date,
    metrics: metricsOf(lines),
    breakdown: {
      mcp_servers: {},
      models: byModel,
      model_groups: byModel,
      providers: grouped(lines, "provider", () => ({}), accounts),
      endpoints: grouped(lines, "route", () => ({}), accounts),
      api_keys: byKey(lines, accounts),
      entities: grouped(lines, "customer", alias, accounts),
    },
  };
}

/** A correction by hand belongs to no model, provider or route, so it is in none of theirs. */
function grouped(
  lines: readonly SumLine[],
  by: "model" | "provider" | "route" | "customer",
  metadataOf: (name: string) => object,
  accounts: Accounts,
): unknown {
  const groups = [...Map.groupBy(lines, (line) => line[by])].filter(([name]) => name !== "");
  return Object.fromEntries(
    groups.map(([name, ofName]) => [
      name,
      {
        metrics: metricsOf(ofName),
        metadata: metadataOf(name),
        api_key_breakdown: byKey(ofName, accounts),
      },
    ]),
  );
}

function byKey(lines: readonly SumLine[], accounts: Accounts): unknown {
  const groups = [...Map.groupBy(lines, ({ keyHash }) => keyHash)];
  return Object.fromEntries(
    groups.map(([hash, ofKey]) => [
      hash,
      { metrics: metricsOf(ofKey), metadata: keyMetadata(hash, accounts) },
    ]),
  );
}

function keyMetadata(hash: string, { owners, masterKeyHash }: Accounts): unknown {
  const owner = owners.get(hash);
  return {
    key_alias: owner?.alias ?? null,
    team_id: owner?.teamId ?? null,
    user_id: owner?.userId ?? null,
    user_email: null,
    key_exists: owner !== undefined || hash === masterKeyHash,
  };
}

/** LiteLLM's metrics; those of features that Purser does not have are 0. */
function metricsOf(lines: readonly SumLine[]): unknown {
  const { spend, ...counts } = totals(lines);
  return {
    spend,
    flat_cost: 0,
    ...counts,
    compression_saved_tokens: 0,
    compression_savings_spend: 0,
    prompt_caching_savings_spend: 0,
    gateway_injected_caching_savings_spend: 0,
    autorouter_savings_spend: 0,
    total_response_time_ms: 0,
    timed_requests: 0,
  };
}

function totalsOf(lines: readonly SumLine[]): object {
  const all = totals(lines);
  return {
    total_spend: all.spend,
    total_flat_cost: 0,
    total_prompt_tokens: all.prompt_tokens,
    total_completion_tokens: all.completion_tokens,
    total_tokens: all.total_tokens,
    total_api_requests: all.api_requests,
    total_successful_requests: all.successful_requests,
    total_failed_requests: all.failed_requests,
    total_cache_read_input_tokens: all.cache_read_input_tokens,
    total_cache_creation_input_tokens: all.cache_creation_input_tokens,
  };
}

function totals(lines: readonly SumLine[]) {
  const added = (valueOf: (line: SumLine) => number): number =>
    lines.reduce((total, line) => total + valueOf(line), 0);
  const prompt = added(({ usage }) => inputTokens(usage));
  const completion = added(({ usage }) => outputTokens(usage));
  const calls = added((line) => line.calls);
  const failures = added((line) => line.failures);
  return {
    spend: jsonUsd(nanoUsd(lines.reduce((total, { charge }) => total + charge, 0n))),
    prompt_tokens: prompt,
    completion_tokens: completion,
    cache_read_input_tokens: added(({ usage }) => usage.cacheRead ?? 0),
    cache_creation_input_tokens: added(
      ({ usage }) => (usage.cacheWrite5m ?? 0) + (usage.cacheWrite1h ?? 0),
    ),
    total_tokens: prompt + completion,
    successful_requests: calls - failures,
    failed_requests: failures,
    api_requests: calls,
  };
}
