/** Corrections of what a customer was charged: dated postings with a reason, by whom, and never twice for one key. */

import { ApiError } from "../http/errors.ts";
import { hashOf, type Caller } from "../http/auth.ts";
import type { CounterKey, Posting } from "../ledger/book.ts";
import type { Adjust, Reset } from "../ledger/command.ts";
import { counterKeyOf } from "../ledger/limits.ts";
import { jsonUsd, parseUsd, type NanoUsd } from "../money/amount.ts";
import type { Admin } from "./admin.ts";
import { noSuchCustomer } from "./customer-write.ts";

/** Who asks for what, and under which key: with the same key the same request again is answered as it was before. */
export interface Correction {
  readonly customer: string;
  readonly reason: string;
  readonly idempotencyKey: string | null;
  readonly caller: Caller;
}

/** `amount`: dollars that are charged or, below 0, given back. */
export async function adjustCustomer(
  correction: Correction,
  amount: string | number,
  admin: Admin,
): Promise<unknown> {
  const dollars = dollarsFrom(amount);
  const { customer, reason, caller } = correction;
  const dated = { id: idOf(correction, admin), at: admin.clock.now() };
  const counters = (await countersOf(customer, dated.at, admin)).filter(isMoney);
  return post(admin, {
    kind: "adjust",
    ...dated,
    customer,
    amount: dollars,
    reason,
    keyHash: caller.keyHash,
    counters,
    revision: null,
  });
}

/** Every window that the customer is in begins again at 0 and ends when it would have. */
export async function resetCustomer(correction: Correction, admin: Admin): Promise<unknown> {
  const { customer, reason, caller } = correction;
  const dated = { id: idOf(correction, admin), at: admin.clock.now() };
  const counters = await countersOf(customer, dated.at, admin);
  const keyHash = caller.keyHash;
  return post(admin, { kind: "reset", ...dated, customer, reason, keyHash, counters });
}

/** Those that the customer is in. One that comes to be meanwhile begins at 0, as it shall. */
async function countersOf(customer: string, at: number, { ledger }: Admin): Promise<CounterKey[]> {
  return (await ledger.read.currentCounters(customer, at)).map(counterKeyOf);
}

/** Throws for what is no amount, and for what is less than the least one. */
function dollarsFrom(amount: string | number): NanoUsd {
  const dollars = parseUsd(amount);
  const vanishes = dollars === 0n && Number(amount) !== 0;
  if (dollars !== undefined && !vanishes) return dollars;
  const message = `amount must be a finite number of dollars. Received: ${String(amount).slice(0, 64)}`;
  throw new ApiError("invalid_request", message, { param: "amount" });
}

/** An amount by hand belongs to no model. */
function isMoney({ meter, model }: CounterKey): boolean {
  return meter === "usd" && model === "";
}

/** The ledger answers a repeated id as it did the first time. */
function idOf({ customer, idempotencyKey }: Correction, admin: Admin): string {
  if (idempotencyKey === null) return admin.newId();
  return `correction_${hashOf(`${customer}\u0000${idempotencyKey}`)}`;
}

async function post(admin: Admin, command: Adjust | Reset): Promise<unknown> {
  const [outcome] = await admin.ledger.apply([command]);
  if (outcome?.kind === "refused") {
    if (outcome.refusal.name === "unknown_customer")
      throw noSuchCustomer(command.customer, "user_id");
    throw new Error(`a correction cannot be refused as ${outcome.refusal.name}`);
  }
  const posting = await admin.ledger.read.posting(command.id);
  if (posting === undefined) throw new Error("what was posted is not there");
  if (!isOf(posting, command)) throw keyReused();
  return {
    id: posting.id,
    user_id: posting.customer,
    kind: command.kind,
    ...(command.kind === "adjust" ? { amount: jsonUsd(posting.charge) } : {}),
    reason: posting.note,
    created_at: Temporal.Instant.fromEpochMilliseconds(posting.at).toString(),
  };
}

/** Whether the posting is what this command asks for, or what another one did under the same key. */
function isOf({ kind, charge, note }: Posting, command: Adjust | Reset): boolean {
  if (note !== command.reason) return false;
  return command.kind === "reset"
    ? kind === "reset"
    : kind === "adjusted" && charge === command.amount;
}

function keyReused(): ApiError {
  const message =
    "This idempotency key was used for another correction of the customer. Use a new one.";
  return new ApiError("conflict", message, { param: "idempotency_key" });
}
