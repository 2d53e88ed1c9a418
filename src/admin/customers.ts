/** LiteLLM's customer routes, each also under `/end_user`: a customer is made, and its all-up spend is shown. */

import type { FastifyInstance } from "fastify";
import { Type, type Static } from "typebox";
import { ApiError } from "../http/errors.ts";
import type { Budget, CounterKey, Customer } from "../ledger/book.ts";
import type { Unstamped } from "../ledger/command.ts";
import { customerIdFault } from "../ledger/customer-id.ts";
import { lifetimeCounter } from "../ledger/limits.ts";
import { jsonUsd, nanoUsd } from "../money/amount.ts";
import { windowAt } from "../money/window.ts";
import type { Admin } from "./admin.ts";
import { BUDGET_FIELDS, budgetTable, patchedBudget, usdLimitOf } from "./litellm-budget.ts";
import { write } from "./write.ts";

const New = Type.Object(
  {
    user_id: Type.String({ minLength: 1 }),
    alias: Type.Optional(Type.Union([Type.String(), Type.Null()])),
    blocked: Type.Optional(Type.Boolean()),
    ...BUDGET_FIELDS,
  },
  { additionalProperties: false },
);
type New = Static<typeof New>;

const Info = Type.Object({ end_user_id: Type.String() });
type Info = Static<typeof Info>;

export function customerRoutes(app: FastifyInstance, admin: Admin): void {
  for (const prefix of ["/customer", "/end_user"]) {
    app.post<{ Body: New }>(
      `${prefix}/new`,
      {
        config: { access: "write" },
        schema: { summary: "Create a customer", tags: ["customers"], body: New },
      },
      ({ body }) => createCustomer(body, admin),
    );
    app.get<{ Querystring: Info }>(
      `${prefix}/info`,
      {
        config: { access: "read" },
        schema: { summary: "A customer", tags: ["customers"], querystring: Info },
      },
      ({ query }) => customerInfo(query.end_user_id, admin),
    );
  }
}

async function createCustomer(body: New, admin: Admin): Promise<unknown> {
  const { user_id: id, alias = null, blocked = false } = body;
  refuseJunk(id);
  const created = await write(admin, async (stamp) => {
    if ((await admin.ledger.read.customer(id)) !== undefined) throw alreadyExists(id);
    const origin = { id: stamp.id, at: stamp.at, place: admin.place };
    const budget = patchedBudget(body, null, origin, { scope: "customer", id });
    const rights = { models: [], allowedRegion: null, defaultModel: null };
    const budgetId = budget?.id ?? null;
    const customer = { id, alias, blocked, budgetId, ...rights, createdAt: stamp.at };
    return {
      customers: [{ id, revision: null, row: customer }],
      budgets: budget === null ? [] : [{ id: budget.id, revision: null, row: budget }],
      answer: { customer, budget },
    };
  });
  return customerObject(created.customer, created.budget, admin);
}

async function customerInfo(id: string, admin: Admin): Promise<unknown> {
  const customer = await admin.ledger.read.customer(id);
  if (customer === undefined) throw noSuchCustomer(id);
  const { budgetId } = customer;
  const budget = budgetId === null ? undefined : await admin.ledger.read.budget(budgetId);
  return customerObject(customer, budget ?? null, admin);
}

/** LiteLLM's customer object: seven keys, and `budget_id` where there is one. */
async function customerObject(
  customer: Unstamped<Customer>,
  budget: Unstamped<Budget> | null,
  admin: Admin,
): Promise<unknown> {
  const now = admin.clock.now();
  const [counter] = await admin.ledger.read.counters([spendCounter(customer.id, budget, now)]);
  return {
    user_id: customer.id,
    blocked: customer.blocked,
    alias: customer.alias,
    spend: jsonUsd(nanoUsd(counter?.used ?? 0n)),
    allowed_model_region: customer.allowedRegion,
    default_model: customer.defaultModel,
    ...(budget === null ? {} : { budget_id: budget.id }),
    litellm_budget_table: budget === null ? null : budgetTable(budget, now),
  };
}

/** Spend is that of the budget's current window; without a budget, of all time. */
function spendCounter(id: string, budget: Unstamped<Budget> | null, now: number): CounterKey {
  const period = (budget === null ? undefined : usdLimitOf(budget))?.period ?? null;
  return { ...lifetimeCounter(id), ...windowAt(period, now) };
}

function refuseJunk(id: string): void {
  const fault = customerIdFault(id);
  if (fault !== null) {
    throw new ApiError("invalid_request", `user_id ${fault}.`, { param: "user_id" });
  }
}

function alreadyExists(id: string): ApiError {
  const message = `Customer already exists, passed user_id=${id}. Please pass a new user_id.`;
  return new ApiError("customer_exists", message, { param: "user_id" });
}

function noSuchCustomer(id: string): ApiError {
  const message = `End User Id=${id.slice(0, 256)} does not exist in db`;
  return new ApiError("not_found", message, { param: "end_user_id" });
}
