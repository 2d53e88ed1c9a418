/** LiteLLM's budget routes: the tiers that customers and keys share, and the budgets of single ones. */

import { isDeepStrictEqual } from "node:util";
import type { FastifyInstance } from "fastify";
import { Type, type Static } from "typebox";
import { ApiError } from "../http/errors.ts";
import type { Budget } from "../ledger/book.ts";
import type { Unstamped } from "../ledger/command.ts";
import { customerIdFault } from "../ledger/customer-id.ts";
import type { Admin } from "./admin.ts";
import { CostMargin, costMargin, markupFrom } from "./cost-margin.ts";
import { shownLimit } from "./budget-limits.ts";
import { iso, shownPeriod } from "./budget-period.ts";
import { budgetSettings } from "./budget-settings.ts";
import {
  BUDGET_FIELDS,
  budgetTable,
  emptyBudget,
  patchedBudget,
  replacing,
  type BudgetOrigin,
} from "./litellm-budget.ts";
import { write, type Plan } from "./write.ts";

/** Who writes has the master key, which has no user; LiteLLM calls its owner this. */
const ADMINISTRATOR = "default_user_id";

const Id = Type.Union([Type.String(), Type.Null()]);
const FIELDS = { ...BUDGET_FIELDS, cost_margin: Type.Optional(CostMargin) };
const Fields = Type.Object(FIELDS, { additionalProperties: false });
type Fields = Static<typeof Fields>;
const Named = Type.Object(
  { budget_id: Type.Optional(Id), ...FIELDS },
  { additionalProperties: false },
);
type Named = Static<typeof Named>;
const Wanted = Type.Object(
  { budgets: Type.Array(Type.String(), { maxItems: 1000 }) },
  { additionalProperties: false },
);
const Deletion = Type.Object({ id: Type.String() }, { additionalProperties: false });
const Query = Type.Object({ budget_id: Type.String() }, { additionalProperties: false });
const Path = Type.Object({ id: Type.String() });

export function budgetRoutes(app: FastifyInstance, admin: Admin): void {
  writingRoutes(app, admin);
  app.post<{ Body: Static<typeof Wanted> }>(
    "/budget/info",
    { config: { access: "read" }, schema: { summary: "Budgets by id", tags: TAGS, body: Wanted } },
    ({ body }) => inDetail(() => budgetsNamed(body.budgets, admin)),
  );
  app.get(
    "/budget/list",
    { config: { access: "read" }, schema: { summary: "All budgets", tags: TAGS } },
    async () => (await admin.ledger.read.budgetList(null)).map((row) => budgetRow(row, admin)),
  );
  app.get<{ Querystring: Static<typeof Query> }>(
    "/budget/settings",
    {
      config: { access: "read" },
      schema: { summary: "The fields of a budget, for a form", tags: TAGS, querystring: Query },
    },
    ({ query }) => inDetail(async () => budgetSettings(await existing(query.budget_id, admin))),
  );
}

const TAGS = ["budgets"];

function writingRoutes(app: FastifyInstance, admin: Admin): void {
  const config = { access: "write" } as const;
  app.post<{ Body: Named }>(
    "/budget/new",
    { config, schema: { summary: "Create a budget", tags: TAGS, body: Named } },
    ({ body }) => inDetail(() => createBudget(body, admin)),
  );
  app.post<{ Body: Named }>(
    "/budget/update",
    { config, schema: { summary: "Change what is given", tags: TAGS, body: Named } },
    ({ body }) => inDetail(() => updateBudget(body, admin)),
  );
  app.put<{ Params: Static<typeof Path>; Body: Fields }>(
    "/budget/:id",
    {
      config,
      schema: { summary: "Create or replace a budget", tags: TAGS, params: Path, body: Fields },
    },
    ({ params, body }) => inDetail(() => putBudget(params.id, body, admin)),
  );
  app.post<{ Body: Static<typeof Deletion> }>(
    "/budget/delete",
    { config, schema: { summary: "Delete a budget", tags: TAGS, body: Deletion } },
    ({ body }) => inDetail(() => deleteBudget(body.id, admin)),
  );
}

function createBudget({ budget_id, ...fields }: Named, admin: Admin): Promise<unknown> {
  const named = budget_id ?? null;
  if (named !== null) refuseJunk(named);
  return write(admin, async (stamp) => {
    const id = named ?? stamp.id;
    if ((await admin.ledger.read.budget(id)) !== undefined) throw alreadyExists(id);
    const origin = { id, at: stamp.at, place: admin.place };
    const empty = emptyBudget(origin, null);
    return written(null, changedBudget(fields, empty, origin), admin);
  });
}

function updateBudget({ budget_id, ...fields }: Named, admin: Admin): Promise<unknown> {
  if (typeof budget_id !== "string" || budget_id === "") {
    throw new ApiError("invalid_request", "budget_id is required", { param: "budget_id" });
  }
  return write(admin, async (stamp) => {
    const current = await existing(budget_id, admin);
    const origin = { id: current.id, at: stamp.at, place: admin.place };
    return written(current, changedBudget(fields, current, origin), admin);
  });
}

function putBudget(id: string, fields: Fields, admin: Admin): Promise<unknown> {
  refuseJunk(id);
  return write(admin, async (stamp) => {
    const current = (await admin.ledger.read.budget(id)) ?? null;
    const origin = { id, at: stamp.at, place: admin.place };
    const before = current ?? emptyBudget(origin, null);
    const whole = { cost_margin: null, ...replacing(fields) };
    return written(current, changedBudget(whole, before, origin), admin);
  });
}

function deleteBudget(id: string, admin: Admin): Promise<unknown> {
  return write(admin, async () => {
    const { revision, ...budget } = await existing(id, admin);
    return { budgets: [{ id, revision, row: null }], answer: budgetRow(budget, admin) };
  });
}

/** The very same budget where nothing changes. */
function changedBudget<Row extends Unstamped<Budget>>(
  { cost_margin, ...fields }: Fields,
  before: Row,
  origin: BudgetOrigin,
): Row | Unstamped<Budget> {
  const after = patchedBudget(fields, before, origin, null) ?? before;
  const markup = markupFrom(cost_margin, before.markup);
  if (isDeepStrictEqual(markup, before.markup)) return after;
  return { ...after, markup, updatedAt: origin.at };
}

async function budgetsNamed(ids: readonly string[], admin: Admin): Promise<unknown> {
  if (ids.length === 0) {
    const message = "Specify list of budget id's to query. Passed in=[]";
    throw new ApiError("invalid_request", message, { param: "budgets" });
  }
  const possible = ids.filter((id) => customerIdFault(id) === null);
  const rows = await admin.ledger.read.budgetList(possible);
  return rows.map((row) => budgetRow(row, admin));
}

/** What changes nothing is not written: whoever read the budget has still read the newest. */
function written(current: Budget | null, after: Unstamped<Budget>, admin: Admin): Plan<unknown> {
  const answer = budgetRow(after, admin);
  if (after === current) return { answer };
  return {
    budgets: [{ id: after.id, revision: current?.revision ?? null, row: after }],
    answer,
  };
}

/** LiteLLM's row, and natively what its fields have no room for. */
function budgetRow(budget: Unstamped<Budget>, { clock, place }: Admin): unknown {
  const { alignment, anchor, timezone } = shownPeriod(budget.period, place);
  return {
    ...budgetTable(budget, clock.now()),
    created_by: ADMINISTRATOR,
    updated_at: iso(budget.updatedAt),
    updated_by: ADMINISTRATOR,
    alignment,
    anchor,
    timezone,
    enforcement: budget.enforcement,
    cost_margin: costMargin(budget.markup),
    alert_thresholds: budget.thresholds,
    limits: budget.limits.map((limit) => shownLimit(limit, place)),
  };
}

async function existing(id: string, admin: Admin): Promise<Budget> {
  const budget = customerIdFault(id) === null ? await admin.ledger.read.budget(id) : undefined;
  if (budget !== undefined) return budget;
  const message = `Budget Id=${id.slice(0, 256)} does not exist in db`;
  throw new ApiError("not_found", message, { param: "budget_id" });
}

/** What cannot be a customer's id cannot be a budget's either. */
function refuseJunk(id: string): void {
  const fault = customerIdFault(id);
  if (fault !== null) {
    throw new ApiError("invalid_request", `budget_id ${fault}.`, { param: "budget_id" });
  }
}

function alreadyExists(id: string): ApiError {
  const message = `Budget with id '${id}' already exists.`;
  return new ApiError("invalid_request", message, { param: "budget_id" });
}

/** On these routes LiteLLM's errors are FastAPI's. */
async function inDetail<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    throw new ApiError(error.error, error.message, { ...error.details, detail: true });
  }
}
