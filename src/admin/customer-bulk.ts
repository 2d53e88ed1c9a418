/** Thousands of customers in one call, each made or changed to be exactly what its item says. */

import { unprocessable } from "../http/body.ts";
import { ApiError, type Fault } from "../http/errors.ts";
import { customerIdFault } from "../ledger/customer-id.ts";
import type { Admin } from "./admin.ts";
import { CustomerDraft } from "./customer-draft.ts";
import { faultsIn, wholeOf, type CustomerFields } from "./customer-fields.ts";
import { write } from "./write.ts";

/** Room for ten thousand customers of 2 kB each. */
export const BULK_BYTES_MAX = 20 * 1024 * 1024;
export const BULK_CUSTOMERS_MAX = 10_000;

/** Some ten milliseconds of the database: a call that comes meanwhile waits no longer than that. */
const CUSTOMERS_PER_WRITE = 250;

interface Item extends CustomerFields {
  readonly user_id: string;
}

type Result = "created" | "updated" | "unchanged";

/**
 * All of it is checked before any of it is written. It is written in parts: where one fails, those before it stay, and
 * the same call again does the rest.
 */
export async function putCustomers(items: readonly Item[], admin: Admin): Promise<unknown> {
  await refuseItems(items, admin);
  const results: { user_id: string; result: Result }[] = [];
  for (let first = 0; first < items.length; first += CUSTOMERS_PER_WRITE) {
    results.push(...(await putSome(items.slice(first, first + CUSTOMERS_PER_WRITE), admin)));
  }
  const count = (wanted: Result): number =>
    results.filter(({ result }) => result === wanted).length;
  return {
    created: count("created"),
    updated: count("updated"),
    unchanged: count("unchanged"),
    results,
  };
}

function putSome(items: readonly Item[], admin: Admin) {
  const ids = items.map((item) => item.user_id);
  return write(admin, async (stamp) => {
    const draft = await CustomerDraft.read(admin, stamp, ids, linkedIn(items));
    const answer = items.map((item) => ({ user_id: item.user_id, result: put(item, draft) }));
    return { ...draft.rewrites(), answer };
  });
}

function put(item: Item, draft: CustomerDraft): Result {
  const isNew = draft.customer(item.user_id) === undefined;
  const isChanged = draft.change(item.user_id, wholeOf(item));
  if (isNew) return "created";
  return isChanged ? "updated" : "unchanged";
}

async function refuseItems(items: readonly Item[], admin: Admin): Promise<void> {
  const stamp = { id: admin.newId(), at: admin.clock.now() };
  const draft = await CustomerDraft.read(admin, stamp, [], linkedIn(items));
  const seen = new Set<string>();
  const faults = items.flatMap((item, index) => {
    const loc = ["body", "customers", index];
    const isRepeated = seen.has(item.user_id);
    seen.add(item.user_id);
    return [
      ...idFaults(item.user_id, loc, isRepeated),
      ...faultsIn(item, loc, admin.models),
      ...budgetFaults(item, loc, draft),
    ];
  });
  if (faults.length > 0) throw unprocessable(faults);
}

function idFaults(id: string, loc: Fault["loc"], isRepeated: boolean): Fault[] {
  const fault = isRepeated ? "is in the list twice" : customerIdFault(id);
  if (fault === null) return [];
  return [{ loc: [...loc, "user_id"], msg: `user_id ${fault}`, type: "value_error" }];
}

/** What making the customer would throw is told by item. The draft is never written. */
function budgetFaults(item: Item, loc: Fault["loc"], draft: CustomerDraft): Fault[] {
  const { budget_id: linked = null } = item;
  if (linked !== null && !draft.hasBudget(linked)) {
    const msg = `Budget Id=${linked.slice(0, 256)} does not exist in db`;
    return [{ loc: [...loc, "budget_id"], msg, type: "value_error" }];
  }
  try {
    draft.change(item.user_id, wholeOf(item));
    return [];
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    const field = error.details.param ?? null;
    const at = field === null ? loc : [...loc, field];
    return [{ loc: at, msg: error.message, type: "value_error" }];
  }
}

function linkedIn(items: readonly Item[]): string[] {
  return [...new Set(items.flatMap(({ budget_id: id }) => id ?? []))];
}
