/** The fields of a key in LiteLLM's bodies and in ours, and what they make of a key. */

import { Type, type Static, type TSchema } from "typebox";
import { ApiError } from "../http/errors.ts";
import type { CustomerRule, Key, KeyRole } from "../ledger/book.ts";
import type { Unstamped } from "../ledger/command.ts";
import { customerIdFault } from "../ledger/customer-id.ts";
import { parseDuration, spanOf } from "../money/duration.ts";
import { fault } from "./budget-period.ts";
import { BUDGET_FIELDS } from "./litellm-budget.ts";

/** Control characters and halves of pairs: databases, logs and terminals each break on some of them. */
export const Name = Type.String({ minLength: 1, maxLength: 256, pattern: "^[^\\p{Cc}\\p{Cs}]*$" });

/** A key by its secret or by its hash. */
export const KeyName = Type.String({ minLength: 1, maxLength: 512 });

/** More than anybody writes by hand; a star at the end of a name stands for any number of models. */
const MODELS_MAX = 1000;

/** It is read with every call of the key. */
const METADATA_CHARS_MAX = 16_384;

const KEY_FIELDS = {
  key_alias: clearable(Name),
  models: clearable(Type.Array(Name, { maxItems: MODELS_MAX })),
  duration: clearable(
    Type.String({ description: "From now until the key expires: 30s, 12h, 30d" }),
  ),
  metadata: clearable(Type.Record(Type.String(), Type.Unknown())),
  team_id: clearable(Name),
  user_id: clearable(Name),
  blocked: clearable(Type.Boolean()),
  budget_id: clearable(Name),
  role: Type.Optional(Type.Enum(["inference", "viewer"])),
  key_type: Type.Optional(Type.Enum(["default", "llm_api", "read_only"])),
  customer_mode: Type.Optional(Type.Enum(["any", "required", "bound", "prefix", "signed"])),
  customer_id: Type.Optional(Type.String()),
  customer_prefix: Type.Optional(Type.String()),
  ...BUDGET_FIELDS,
};

export const NewKey = Type.Object(
  { key: Type.Optional(Type.String({ description: "A value of one's own" })), ...KEY_FIELDS },
  { additionalProperties: false },
);
export type NewKey = Static<typeof NewKey>;

export const ChangedKey = Type.Object(
  { key: KeyName, ...KEY_FIELDS },
  { additionalProperties: false },
);
export type ChangedKey = Static<typeof ChangedKey>;

export const KeyFields = Type.Object(KEY_FIELDS, { additionalProperties: false });
export type KeyFields = Static<typeof KeyFields>;

/** LiteLLM's name for every model there is. */
const ALL_MODELS = "all-proxy-models";

/** LiteLLM's names for what a key is for. */
const ROLES = { default: "inference", llm_api: "inference", read_only: "viewer" } as const;

/** The key with what the fields set: null clears, and what is absent stays. Its budget is for `key-budget.ts`. */
export function patchedKey(
  fields: KeyFields,
  current: Unstamped<Key>,
  now: number,
): Unstamped<Key> {
  const { key_alias: alias = current.alias, team_id: teamId = current.teamId } = fields;
  const { user_id: userId = current.userId, models, blocked, duration } = fields;
  return {
    ...current,
    ...metadataFrom(fields.metadata, current),
    alias,
    teamId,
    userId,
    models: models === undefined ? current.models : modelsFrom(models ?? []),
    blocked: blocked === undefined ? current.blocked : (blocked ?? false),
    expiresAt: duration === undefined ? current.expiresAt : expiryFrom(duration, now),
    role: roleFrom(fields, current.role),
    rule: ruleFrom(fields, current.rule),
    updatedAt: now,
  };
}

function modelsFrom(models: readonly string[]): readonly string[] {
  return models.includes(ALL_MODELS) ? [] : models;
}

function expiryFrom(duration: string | null, now: number): number | null {
  if (duration === null) return null;
  const parsed = parseDuration(duration);
  if (parsed === undefined) {
    const message = `Invalid duration '${duration.slice(0, 64)}'. Use a format like '30s', '30m', '30h' or '30d'.`;
    throw new ApiError("invalid_request", message, { param: "duration" });
  }
  const { unit, count } = spanOf(parsed);
  const start = Temporal.Instant.fromEpochMilliseconds(now).toZonedDateTimeISO("UTC");
  return start.add({ [unit]: count }).epochMilliseconds;
}

/** LiteLLM keeps the budget of a key's customers in its metadata. */
function metadataFrom(
  metadata: KeyFields["metadata"],
  { metadata: text, customerBudgetId }: Unstamped<Key>,
): Pick<Key, "metadata" | "customerBudgetId"> {
  if (metadata === undefined) return { metadata: text, customerBudgetId };
  const json = JSON.stringify(metadata ?? {});
  if (json.length > METADATA_CHARS_MAX) {
    throw fault(
      "metadata",
      `metadata is longer than ${String(METADATA_CHARS_MAX)} characters of JSON`,
    );
  }
  return { metadata: json, customerBudgetId: customerBudgetFrom(metadata ?? {}) };
}

function customerBudgetFrom({ end_user_budget_id: id }: Record<string, unknown>): string | null {
  if (id === undefined || id === null) return null;
  if (typeof id === "string" && /^[^\p{Cc}\p{Cs}]{1,256}$/u.test(id)) return id;
  throw fault("metadata", "end_user_budget_id is not the id of a budget");
}

function roleFrom({ role, key_type: type }: KeyFields, current: KeyRole): KeyRole {
  if (type === undefined) return role ?? current;
  if (role !== undefined && role !== ROLES[type]) throw fault("role", "role contradicts key_type");
  return ROLES[type];
}

/** A mode that was set goes with its own field alone; without one the field is of the mode that the key has. */
function ruleFrom(fields: KeyFields, current: CustomerRule): CustomerRule {
  const { customer_mode: mode = current.mode, customer_id, customer_prefix } = fields;
  if (customer_id !== undefined && mode !== "bound") {
    throw fault("customer_id", "customer_id is only for customer_mode bound");
  }
  if (customer_prefix !== undefined && mode !== "prefix") {
    throw fault("customer_prefix", "customer_prefix is only for customer_mode prefix");
  }
  if (mode === "bound") {
    const known = current.mode === mode ? current.customer : undefined;
    return { mode, customer: customerFrom("customer_id", customer_id ?? known) };
  }
  if (mode === "prefix") {
    const known = current.mode === mode ? current.prefix : undefined;
    return { mode, prefix: customerFrom("customer_prefix", customer_prefix ?? known) };
  }
  return { mode };
}

function customerFrom(field: string, text: string | undefined): string {
  if (text === undefined) throw fault(field, `${field} is needed by this customer_mode`);
  const why = customerIdFault(text);
  if (why !== null) throw fault(field, `${field} ${why}`);
  return text;
}

function clearable<Schema extends TSchema>(schema: Schema) {
  return Type.Optional(Type.Union([schema, Type.Null()]));
}
