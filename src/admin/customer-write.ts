/** How customers come to be, change and go: each a plan of rows, written all or none. */

import { ApiError } from "../http/errors.ts";
import type { Caller } from "../http/auth.ts";
import type { Adjust } from "../ledger/command.ts";
import { nanoUsd, type NanoUsd } from "../money/amount.ts";
import type { Admin } from "./admin.ts";
import { amountFrom } from "./budget-limits.ts";
import { CustomerDraft } from "./customer-draft.ts";
import {
  changeOf,
  refuseFields,
  refuseJunk,
  wholeOf,
  type CustomerChange,
  type CustomerFields,
} from "./customer-fields.ts";
import { customerObject, customerObjects } from "./customer-object.ts";
import { write, type Stamp } from "./write.ts";

interface Named {
  readonly user_id: string;
}

/** `spend`: charged before it came here. */
interface Created extends CustomerFields, Named {
  readonly spend?: string | number | null;
}

export async function createCustomer(
  body: Created,
  caller: Caller,
  admin: Admin,
): Promise<unknown> {
  const { user_id: id } = body;
  refuseJunk(id, "user_id");
  refuseFields(body, admin.models);
  const spend = nanoUsd(amountFrom("spend", body.spend ?? 0));
  return writeOne(id, wholeOf(body), admin, (stamp, draft) => {
    if (draft.customer(id) !== undefined) throw alreadyExists(id);
    return spend === 0n ? undefined : initialSpend(id, spend, stamp, caller);
  });
}

export async function updateCustomer(body: CustomerFields & Named, admin: Admin): Promise<unknown> {
  const { user_id: id } = body;
  refuseFields(body, admin.models);
  return writeOne(id, changeOf(body), admin, (_stamp, draft) => {
    if (draft.customer(id) === undefined) throw noSuchCustomer(id, "user_id");
    return undefined;
  });
}

/** Made or changed to be exactly what the body says. */
export async function putCustomer(
  id: string,
  body: CustomerFields,
  admin: Admin,
): Promise<unknown> {
  refuseJunk(id, "user_id");
  refuseFields(body, admin.models);
  return writeOne(id, wholeOf(body), admin, () => undefined);
}

/** `prepare` refuses what must not be changed, and says what is posted along with the change. */
async function writeOne(
  id: string,
  change: CustomerChange,
  admin: Admin,
  prepare: (stamp: Stamp, draft: CustomerDraft) => Adjust | undefined,
): Promise<unknown> {
  const linked = change.budget.kind === "link" ? [change.budget.id] : [];
  const customer = await write(admin, async (stamp) => {
    const draft = await CustomerDraft.read(admin, stamp, [id], linked);
    const adjust = prepare(stamp, draft);
    draft.change(id, change);
    const plan = { ...draft.rewrites(), answer: draft.existing(id) };
    return adjust === undefined ? plan : { ...plan, adjust };
  });
  return customerObject(customer, admin);
}

/** Only if the write that makes the customer takes effect. */
function initialSpend(
  customer: string,
  amount: NanoUsd,
  { id: revision, at }: Stamp,
  { keyHash }: Caller,
): Adjust {
  const reason = "spend that the customer was created with";
  const id = `${revision}:spend`;
  return { kind: "adjust", id, at, customer, amount, reason, keyHash, counters: [], revision };
}

/** All of them or none. What they were charged stays, and so do the counters, so an id that comes back goes on. */
export async function deleteCustomers(given: readonly string[], admin: Admin): Promise<unknown> {
  const ids = [...new Set(given)];
  if (ids.length === 0) throw noIds();
  await write(admin, async (stamp) => {
    const draft = await CustomerDraft.read(admin, stamp, ids);
    const missing = ids.filter((id) => draft.customer(id) === undefined);
    if (missing.length > 0) throw noSuchCustomers(missing);
    for (const id of ids) draft.delete(id);
    return { ...draft.rewrites(), answer: null };
  });
  const message = `Successfully deleted customers with ids: ${pythonList(ids)}`;
  return { deleted_customers: ids.length, message };
}

/** Those that are missing are made, so that they are blocked before their first call. */
export async function blockCustomers(given: readonly string[], admin: Admin): Promise<unknown> {
  const ids = [...new Set(given)];
  for (const id of ids) refuseJunk(id, "user_ids", true);
  const change = blocking(true);
  const customers = await write(admin, async (stamp) => {
    const draft = await CustomerDraft.read(admin, stamp, ids);
    for (const id of ids) draft.change(id, change);
    return { ...draft.rewrites(), answer: ids.map((id) => draft.existing(id)) };
  });
  return { blocked_users: await customerObjects(customers, admin) };
}

/** Who does not exist is not blocked. */
export async function unblockCustomers(given: readonly string[], admin: Admin): Promise<unknown> {
  const ids = [...new Set(given)];
  const change = blocking(false);
  await write(admin, async (stamp) => {
    const draft = await CustomerDraft.read(admin, stamp, ids);
    const existing = ids.filter((id) => draft.customer(id) !== undefined);
    for (const id of existing) draft.change(id, change);
    return { ...draft.rewrites(), answer: null };
  });
  const rows = await admin.ledger.read.customers(ids);
  const blocked = new Set(rows.filter((row) => row.blocked).map(({ id }) => id));
  return { blocked_users: ids.filter((id) => blocked.has(id)) };
}

function blocking(blocked: boolean): CustomerChange {
  return { facts: (current) => ({ ...current, blocked }), budget: { kind: "keep" } };
}

/** `end_user_id` in what asks for one, `user_id` in what writes one. */
export function noSuchCustomer(id: string, param: "user_id" | "end_user_id"): ApiError {
  return new ApiError("not_found", `End User Id=${id.slice(0, 256)} does not exist in db`, {
    param,
  });
}

function alreadyExists(id: string): ApiError {
  const message = `Customer already exists, passed user_id=${id}. Please pass a new user_id.`;
  return new ApiError("customer_exists", message, { param: "user_id" });
}

/** An error does not echo all that it was sent. */
const IDS_SHOWN_MAX = 20;

function noSuchCustomers(ids: readonly string[]): ApiError {
  const shown = ids.slice(0, IDS_SHOWN_MAX).join(", ");
  const more = ids.length > IDS_SHOWN_MAX ? ` and ${String(ids.length - IDS_SHOWN_MAX)} more` : "";
  const message = `End User Id(s)=${shown}${more} do not exist in db`;
  return new ApiError("not_found", message, { param: "user_ids" });
}

function noIds(): ApiError {
  const message = "user_id is required, passed user_id = []";
  return new ApiError("invalid_request", message, { param: "user_ids" });
}

/** As LiteLLM's clients know it: `['u1', 'u2']`. */
function pythonList(items: readonly string[]): string {
  return `[${items.map(pythonText).join(", ")}]`;
}

function pythonText(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  const escaped = text.replaceAll("\\", String.raw`\\`);
  return quote + (quote === "'" ? escaped.replaceAll("'", String.raw`\'`) : escaped) + quote;
}
