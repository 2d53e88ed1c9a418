/** The fields of a customer, as they stand in the bodies of several routes, and what is refused of them. */

import { Type, type Static } from "typebox";
import { unprocessable } from "../http/body.ts";
import { ApiError, type Fault } from "../http/errors.ts";
import type { Customer } from "../ledger/book.ts";
import { customerIdFault } from "../ledger/customer-id.ts";
import { CostMargin, markupFrom } from "./cost-margin.ts";
import { BUDGET_FIELDS, type BudgetFields } from "./litellm-budget.ts";

const Text = Type.Union([Type.String({ maxLength: 1024 }), Type.Null()]);
const Region = Type.Union([Type.Literal("eu"), Type.Literal("us"), Type.Null()]);
const Models = Type.Array(Type.String({ minLength: 1, maxLength: 256 }), { maxItems: 1000 });

export const CUSTOMER_FIELDS = {
  alias: Type.Optional(Text),
  blocked: Type.Optional(Type.Union([Type.Boolean(), Type.Null()])),
  ...BUDGET_FIELDS,
  budget_id: Type.Optional(Type.Union([Type.String({ minLength: 1 }), Type.Null()])),
  allowed_model_region: Type.Optional(Region),
  default_model: Type.Optional(Type.Union([Type.String({ minLength: 1 }), Type.Null()])),
  models: Type.Optional(Type.Union([Models, Type.Null()])),
  object_permission: Type.Optional(Type.Unknown()),
  cost_margin: Type.Optional(CostMargin),
};

const CustomerFields = Type.Object(CUSTOMER_FIELDS);
export type CustomerFields = Static<typeof CustomerFields>;

/** What a customer is besides its budget. */
export type Facts = Pick<
  Customer,
  "alias" | "blocked" | "models" | "allowedRegion" | "defaultModel" | "markup"
>;

export const NO_FACTS: Facts = {
  alias: null,
  blocked: false,
  models: [],
  allowedRegion: null,
  defaultModel: null,
  markup: null,
};

/** What becomes of a customer's budget. */
export type BudgetChange =
  | { readonly kind: "keep" }
  | { readonly kind: "link"; readonly id: string }
  /** These fields of what it has change, for this customer alone. */
  | { readonly kind: "patch"; readonly fields: BudgetFields }
  /** These fields are all that it has; if they set nothing, the default applies. */
  | { readonly kind: "replace"; readonly fields: BudgetFields };

export interface CustomerChange {
  /** Given the customer as it stands. */
  readonly facts: (current: Facts) => Facts;
  readonly budget: BudgetChange;
}

/** What is present is applied, null clears. */
export function changeOf(fields: CustomerFields): CustomerChange {
  return { facts: (current) => patchedFacts(fields, current), budget: budgetChange(fields) };
}

/** What is absent is as it is for a new customer. */
export function wholeOf(fields: CustomerFields): CustomerChange {
  const facts = patchedFacts(fields, NO_FACTS);
  const linked = fields.budget_id ?? null;
  const budget =
    linked === null
      ? ({ kind: "replace", fields } as const)
      : ({ kind: "link", id: linked } as const);
  return { facts: () => facts, budget };
}

function patchedFacts(fields: CustomerFields, current: Facts): Facts {
  const { alias = current.alias, blocked = current.blocked, models = current.models } = fields;
  const { allowed_model_region: allowedRegion = current.allowedRegion } = fields;
  const { default_model: defaultModel = current.defaultModel } = fields;
  const markup = markupFrom(fields.cost_margin, current.markup);
  const rights = { models: models ?? [], allowedRegion, defaultModel };
  return { alias, blocked: blocked ?? false, ...rights, markup };
}

function budgetChange(fields: CustomerFields): BudgetChange {
  const { budget_id: linked } = fields;
  if (typeof linked === "string") return { kind: "link", id: linked };
  if (linked === null) return { kind: "replace", fields };
  return budgetFieldsIn(fields).length === 0 ? { kind: "keep" } : { kind: "patch", fields };
}

function budgetFieldsIn(fields: CustomerFields): string[] {
  return Object.keys(BUDGET_FIELDS).filter((name) => Reflect.get(fields, name) !== undefined);
}

/** What no schema sees, as faults at `loc`. `models` are those that can be asked for. */
export function faultsIn(
  fields: CustomerFields,
  loc: Fault["loc"],
  models: readonly string[],
): Fault[] {
  const { budget_id: linked, object_permission: permission = null } = fields;
  const ownFields = budgetFieldsIn(fields).filter((name) => Reflect.get(fields, name) !== null);
  const { default_model: defaultModel = null } = fields;
  return [
    ...(typeof linked === "string" ? ownFields.slice(0, 1).map((name) => notBoth(name, loc)) : []),
    ...(permission === null ? [] : [fault([...loc, "object_permission"], NOT_ENFORCED)]),
    ...(defaultModel === null || models.includes(defaultModel)
      ? []
      : [fault([...loc, "default_model"], notConfigured(defaultModel, models))]),
  ];
}

/** Of a body that is one customer. LiteLLM tells of a model that is not configured in OpenAI's envelope. */
export function refuseFields(fields: CustomerFields, models: readonly string[]): void {
  const faults = faultsIn(fields, ["body"], models);
  const [first] = faults;
  if (first === undefined) return;
  if (first.loc.at(-1) !== "default_model") throw unprocessable(faults);
  throw new ApiError("unprocessable", first.msg, { param: "default_model" });
}

const NOT_ENFORCED = "Nothing here would enforce it, so only null is accepted";

/** LiteLLM's words, which name the first of the fields only. */
function notBoth(name: string, loc: Fault["loc"]): Fault {
  return fault(loc, `Value error, Set either '${name}' or 'budget_id', not both.`);
}

/** A configuration may hold thousands of models. */
const NAMES_SHOWN_MAX = 50;

function notConfigured(model: string, models: readonly string[]): string {
  const names = models.slice(0, NAMES_SHOWN_MAX).map((name) => `'${name}'`);
  return (
    "Default Model not on proxy. Configure via `/model/new` or config.yaml. " +
    `Default_model=${model.slice(0, 256)}, proxy_model_names={${names.join(", ")}}`
  );
}

function fault(loc: Fault["loc"], msg: string): Fault {
  return { loc, msg, type: "value_error" };
}

/** Throws for what cannot be a customer's id. `detail`: in LiteLLM's other envelope. */
export function refuseJunk(id: string, param: string, detail?: true): void {
  const fault = customerIdFault(id);
  if (fault === null) return;
  const rest = detail === undefined ? { param } : { param, detail };
  throw new ApiError("invalid_request", `${param} ${fault}.`, rest);
}
