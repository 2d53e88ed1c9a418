/** Whether a call may be made at all, whatever it costs: the key and the customer must allow it. */

import type { Customer, Key } from "./book.ts";
import type { Check, Policy, Refusal, Reserve } from "./command.ts";
import type { Accounts } from "./limits.ts";

export function refusalOf(
  accounts: Accounts,
  command: Reserve | Check,
  policy: Policy,
): Refusal | undefined {
  const { key, customer: id, facts } = command;
  const keyRow = accounts.key(key.hash);
  const ofKey = key.revision === null ? undefined : refusalOfKey(keyRow, command);
  if (ofKey !== undefined) return ofKey;
  const customer = id === null ? undefined : accounts.customer(id);
  if (customer?.blocked === true) return { name: "customer_blocked", customer: customer.id };
  if (id !== null && customer === undefined && !policy.newCustomers.allowed) {
    return { name: "unknown_customer", customer: id };
  }
  if (keyRow !== undefined && !allowsModel(keyRow.models, facts.model)) {
    return { name: "key_model_denied", model: facts.model };
  }
  return customer && refusalOfCustomer(customer, command);
}

/** An empty list allows everything; a star at the end of a name stands for any ending. */
export function allowsModel(models: readonly string[], model: string): boolean {
  return (
    models.length === 0 ||
    models.some((allowed) =>
      allowed.endsWith("*") ? model.startsWith(allowed.slice(0, -1)) : model === allowed,
    )
  );
}

/** The master key has no row and nothing that could go stale. */
function refusalOfKey(row: Key | undefined, { key, at }: Reserve | Check): Refusal | undefined {
  if (row === undefined || row.revision !== key.revision) return { name: "stale_key" };
  if (row.blocked) return { name: "key_blocked" };
  if (row.expiresAt !== null && row.expiresAt <= at) return { name: "key_expired" };
  return undefined;
}

function refusalOfCustomer(
  { models, allowedRegion, defaultModel }: Customer,
  { facts }: Reserve | Check,
): Refusal | undefined {
  if (!allowsModel(models, facts.model)) {
    return { name: "customer_model_denied", model: facts.model };
  }
  if (allowedRegion !== null && facts.region !== allowedRegion) {
    return { name: "region_denied", region: allowedRegion, defaultModel };
  }
  return undefined;
}
