/** What the routes of spend answer, as the OpenAPI document shows it. */

import { Type, type TSchema } from "typebox";

const Money = Type.Number({ description: "Dollars, exact to the nano-dollar." });
const Count = Type.Integer();
const Text = Type.String();
const MaybeText = Type.Union([Type.String(), Type.Null()]);
const Hash = Type.String({ description: "The hash of the key." });

const Metrics = Type.Object(
  {
    spend: Money,
    prompt_tokens: Count,
    completion_tokens: Count,
    total_tokens: Count,
    cache_read_input_tokens: Count,
    cache_creation_input_tokens: Count,
    successful_requests: Count,
    failed_requests: Count,
    api_requests: Count,
  },
  { description: "And LiteLLM's figures of features that Purser does not have, which are 0." },
);

const ByKey = Type.Record(
  Type.String(),
  Type.Object({
    metrics: Metrics,
    metadata: Type.Object({
      key_alias: MaybeText,
      team_id: MaybeText,
      user_id: MaybeText,
      key_exists: Type.Boolean(),
    }),
  }),
);

const ByName = Type.Record(
  Type.String(),
  Type.Object({
    metrics: Metrics,
    metadata: Type.Object({ alias: Type.Optional(MaybeText) }),
    api_key_breakdown: ByKey,
  }),
);

const Day = Type.Object({
  date: Text,
  metrics: Metrics,
  breakdown: Type.Object({
    models: ByName,
    model_groups: ByName,
    providers: ByName,
    endpoints: ByName,
    api_keys: ByKey,
    entities: ByName,
    mcp_servers: Type.Object({}),
  }),
});

export const ActivityAnswer = Type.Object({
  results: Type.Array(Day),
  metadata: Type.Object({
    total_spend: Money,
    total_prompt_tokens: Count,
    total_completion_tokens: Count,
    total_tokens: Count,
    total_api_requests: Count,
    total_successful_requests: Count,
    total_failed_requests: Count,
    page: Count,
    total_pages: Count,
    has_more: Type.Boolean(),
  }),
});

const Attempt = Type.Object({ model: Text, deployment: Text, failure: Text, cost: Money });

const LogRow = Type.Object(
  {
    request_id: Text,
    call_type: Text,
    api_key: Hash,
    spend: Money,
    total_tokens: Count,
    prompt_tokens: Count,
    completion_tokens: Count,
    startTime: Text,
    endTime: Text,
    request_duration_ms: Count,
    model: Text,
    model_id: Text,
    custom_llm_provider: Text,
    user: Text,
    end_user: Text,
    team_id: MaybeText,
    status: Type.Union([Type.Literal("success"), Type.Literal("failure")]),
    metadata: Type.Object({
      kind: Text,
      usage_source: Text,
      cost: Money,
      note: MaybeText,
      attempts: Type.Optional(Type.Array(Attempt)),
    }),
  },
  { description: "A call or a correction. `messages` and `response` are always empty." },
);

const DaySummary = Type.Object(
  {
    startTime: Text,
    spend: Money,
    users: Type.Record(Type.String(), Money),
    models: Type.Record(Type.String(), Money),
  },
  { description: "A day; besides, the spend of each key under the key's hash." },
);

export const LogsAnswer = Type.Union([Type.Array(DaySummary), Type.Array(LogRow)]);

export const PagedLogsAnswer = Type.Object({
  data: Type.Array(LogRow),
  total: Count,
  page: Count,
  page_size: Count,
  total_pages: Count,
});

export const GlobalSpendAnswer = Type.Object({ spend: Money, max_budget: Type.Null() });

export const KeysAnswer = Type.Array(
  Type.Object({
    token: Hash,
    key_name: MaybeText,
    key_alias: MaybeText,
    spend: Money,
    total_count: Count,
    user_id: MaybeText,
    team_id: MaybeText,
  }),
);

export const CustomersAnswer = Type.Array(
  Type.Object({ end_user: Text, total_count: Count, total_spend: Money }),
);

export const AllCustomersAnswer = Type.Object({ end_users: Type.Array(Text) });

const Costs = { total_cost: Money, total_input_tokens: Count, total_output_tokens: Count };
const ModelLine = Type.Object({ model: Text, spend: Money, total_tokens: Count, api_key: Hash });
const CustomerReport = Type.Array(
  Type.Object({
    group_by_day: Text,
    customers: Type.Array(
      Type.Object({ customer: Text, total_spend: Money, metadata: Type.Array(ModelLine) }),
    ),
  }),
);
const KeyReport = Type.Array(
  Type.Object({
    api_key: Hash,
    ...Costs,
    model_details: Type.Array(Type.Object({ model: Text, ...Costs })),
  }),
);

export const ReportAnswer = Type.Union([CustomerReport, KeyReport]);

export const CostAnswer = Type.Object({ cost: Money });

/** The `response` of a route's schema. */
export function answer(description: string, schema: TSchema): Record<200, unknown> {
  return { 200: { description, content: { "application/json": { schema } } } };
}
