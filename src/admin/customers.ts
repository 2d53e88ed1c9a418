/** LiteLLM's customer routes, each also under `/end_user`: a customer is made, and its all-up spend is shown. */

import type { FastifyInstance } from "fastify";
import { Type } from "typebox";
import { Compile } from "typebox/compile";
import { checked } from "../http/body.ts";
import { ApiError } from "../http/errors.ts";
import type { Budget, CounterKey, Customer } from "../ledger/book.ts";
import { customerIdFault } from "../ledger/customer-id.ts";
import { lifetimeCounter } from "../ledger/limits.ts";
import { jsonUsd, nanoUsd } from "../money/amount.ts";
import { windowAt } from "../money/window.ts";
import type { Admin } from "./admin.ts";
import { BUDGET_FIELDS, budgetOf, budgetTable, usdLimitOf } from "./litellm-budget.ts";

const NEW = Compile(
  Type.Object(
    {
      user_id: Type.String({ minLength: 1 }),
      alias: Type.Optional(Type.Union([Type.String(), Type.Null()])),
      blocked: Type.Optional(Type.Boolean()),
      ...BUDGET_FIELDS,
    },
    { additionalProperties: false },
  ),
);

const INFO = Compile(Type.Object({ end_user_id: Type.String() }));

export function customerRoutes(app: FastifyInstance, admin: Admin): void {
  for (const prefix of ["/customer", "/end_user"]) {
    app.post(`${prefix}/new`, async (request, reply) => {
      const body = checked(NEW, request.body, "body");
      return reply.type("application/json").send(await createCustomer(body, admin));
    });
    app.get(`${prefix}/info`, async (request, reply) => {
      const { end_user_id: id } = checked(INFO, request.query, "query");
      return reply.type("application/json").send(await customerInfo(id, admin));
    });
  }
}

async function createCustomer(body: ReturnType<typeof NEW.Parse>, admin: Admin): Promise<string> {
  const { user_id: id, alias = null, blocked = false } = body;
  refuseJunk(id);
  const at = admin.clock.now();
  const commandId = admin.newId();
  const budget = budgetOf(body, { id: commandId, createdAt: at, place: admin.place });
  const budgetId = budget?.id ?? null;
  const customer = { id, alias, blocked, budgetId, createdAt: at, createdBy: commandId };
  const [outcome] = await admin.ledger.apply([
    { kind: "create_customer", id: commandId, at, customer, budget },
  ]);
  if (outcome?.kind !== "created") throw alreadyExists(id);
  return customerJson(customer, budget, admin);
}

async function customerInfo(id: string, admin: Admin): Promise<string> {
  const customer = await admin.ledger.read.customer(id);
  if (customer === undefined) throw noSuchCustomer(id);
  const { budgetId } = customer;
  const budget = budgetId === null ? undefined : await admin.ledger.read.budget(budgetId);
  return customerJson(customer, budget ?? null, admin);
}

/** LiteLLM's customer object: seven keys, and `budget_id` where there is one. */
async function customerJson(
  customer: Customer,
  budget: Budget | null,
  admin: Admin,
): Promise<string> {
  const now = admin.clock.now();
  const [counter] = await admin.ledger.read.counters([spendCounter(customer.id, budget, now)]);
  return JSON.stringify({
    user_id: customer.id,
    blocked: customer.blocked,
    alias: customer.alias,
    spend: jsonUsd(nanoUsd(counter?.used ?? 0n)),
    allowed_model_region: null,
    default_model: null,
    ...(budget === null ? {} : { budget_id: budget.id }),
    litellm_budget_table: budget === null ? null : budgetTable(budget, now),
  });
}

/** Spend is that of the budget's current window; without a budget, of all time. */
function spendCounter(id: string, budget: Budget | null, now: number): CounterKey {
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
