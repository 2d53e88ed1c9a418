/**
 * The rules of the ledger, as a pure function. In each rule the refusals stand first, in a fixed order; after them
 * the command must succeed. Repeating a command that took effect changes nothing and answers what it first answered.
 * A refusal writes nothing, so asking again is a new question.
 */

import { nanoUsd, ZERO_USD } from "../money/amount.ts";
import { inputTokens, outputTokens } from "../money/usage.ts";
import { admit, heldAmounts } from "./admit.ts";
import type { Customer, Hold, Posting } from "./book.ts";
import type {
  Adjust,
  Command,
  CreateCustomer,
  Expire,
  Outcome,
  Policy,
  Refusal,
  Release,
  Reserve,
  Settle,
} from "./command.ts";
import { Draft } from "./draft.ts";
import { chargedBy, countersOfCall, limitsFor } from "./limits.ts";
import {
  close,
  moved,
  movesOf,
  NOTHING,
  post,
  postedAs,
  standing,
  standingFor,
} from "./posting.ts";
import { lateId } from "./reach.ts";
import type { Decision, Rows } from "./rows.ts";

export function decide(rows: Rows, commands: readonly Command[], policy: Policy): Decision {
  const draft = new Draft(rows);
  const outcomes = commands.map((command) => decideOne(draft, command, policy));
  return { outcomes, changes: draft.changes() };
}

function decideOne(draft: Draft, command: Command, policy: Policy): Outcome {
  switch (command.kind) {
    case "reserve":
      return reserve(draft, command, policy);
    case "settle":
      return settle(draft, command, policy);
    case "release":
      return release(draft, command, policy);
    case "expire":
      return expire(draft, command, policy);
    case "adjust":
      return adjust(draft, command, policy);
    case "create_customer":
      return createCustomer(draft, command);
  }
}

function reserve(draft: Draft, command: Reserve, policy: Policy): Outcome {
  const earlier = draft.hold(command.id);
  if (earlier !== undefined) return held(draft, earlier, policy);
  const posted = draft.posting(command.id);
  if (posted !== undefined) return repeated(draft, posted, policy);

  const { customer: customerId, facts, quote, at } = command;
  const keyRefusal = refusalOfKey(draft, command);
  if (keyRefusal !== undefined) return refused(keyRefusal);
  const customer = customerId === null ? undefined : draft.customer(customerId);
  if (customer?.blocked === true) {
    return refused({ name: "customer_blocked", customer: customer.id });
  }
  const limits = limitsFor(chargedBy(command), draft, policy);
  const standings = limits.map((limit) => ({
    standing: standing(draft, limit),
    lastCall: limit.lastCall,
  }));
  const admission = admit(standings, quote, facts.model);
  if (admission.kind === "refused") return admission;

  // From here on the hold must succeed.
  if (customerId !== null && customer === undefined) {
    draft.putCustomer(newCustomer(customerId, command));
  }
  const { grant } = admission;
  const moves = movesOf(countersOfCall(customerId, limits), heldAmounts(quote, grant));
  const { id, instance } = command;
  const keyHash = command.key.hash;
  const hold = { id, at, instance, customer: customerId, keyHash, facts, ...grant, moves };
  for (const move of moves) draft.moveCounter(move, 0n, move.amount);
  draft.open(hold);
  return held(draft, hold, policy);
}

function settle(draft: Draft, command: Settle, policy: Policy): Outcome {
  const hold = draft.hold(command.id);
  if (hold === undefined) return settleLate(draft, command, policy);
  const { at, usage, source, cost, charge, rates, note } = command;
  const ending = { kind: "settled", at, usage, source, cost, charge, rates, note } as const;
  return close(draft, hold, ending, policy);
}

/** A repetition; or the instance was taken for dead, and its estimate is corrected: the call is charged once. */
function settleLate(draft: Draft, command: Settle, policy: Policy): Outcome {
  const id = lateId(command.id);
  const posted = draft.posting(id) ?? draft.posting(command.id);
  if (posted === undefined) return refused({ name: "unknown_hold" });
  if (posted.kind !== "unsettled") return repeated(draft, posted, policy);

  // From here on the correction must succeed.
  const { at, usage, source, rates } = command;
  const charge = nanoUsd(command.charge - posted.charge);
  const cost = nanoUsd(command.cost - posted.cost);
  const tokens = BigInt(inputTokens(usage) + outputTokens(usage));
  const moves = movesOf(posted.moves, { usd: charge, tokens, requests: 0n, concurrency: 0n });
  const note = "answered after its hold had been expired";
  const change = { id, kind: "adjusted", at, usage, source, cost, charge, rates, note } as const;
  const posting = { ...posted, ...change, moves: moved(moves) };
  return post(draft, posting, posted, policy);
}

function release(draft: Draft, command: Release, policy: Policy): Outcome {
  const hold = draft.hold(command.id);
  if (hold === undefined) return ended(draft, command.id, policy);
  const { at, note } = command;
  return close(draft, hold, { ...NOTHING, kind: "released", at, note }, policy);
}

function expire(draft: Draft, command: Expire, policy: Policy): Outcome {
  const hold = draft.hold(command.id);
  if (hold === undefined) return ended(draft, command.id, policy);
  const charges = { waive: ZERO_USD, input: hold.inputCeiling, ceiling: hold.ceiling };
  const charge = charges[policy.unsettledCharge];
  const note = "the instance died before the call was settled";
  const { at } = command;
  const ending = { ...NOTHING, kind: "unsettled", at, cost: charge, charge, note } as const;
  return close(draft, hold, { ...ending, source: "estimated" }, policy);
}

function adjust(draft: Draft, command: Adjust, policy: Policy): Outcome {
  const posted = draft.posting(command.id);
  if (posted !== undefined) return repeated(draft, posted, policy);
  const { id, at, customer, keyHash, amount, reason } = command;
  if (draft.customer(customer) === undefined)
    return refused({ name: "unknown_customer", customer });

  // From here on the adjustment must succeed.
  const charged = { customer, keyHash, facts: NO_CALL, at };
  const counters = countersOfCall(customer, limitsFor(charged, draft, policy));
  const amounts = { usd: amount, tokens: 0n, requests: 0n, concurrency: 0n };
  const moves = moved(movesOf(counters, amounts));
  const change = { id, kind: "adjusted", charge: amount, note: reason, moves } as const;
  return post(draft, { ...NOTHING, ...charged, ...change }, charged, policy);
}

function createCustomer(draft: Draft, command: CreateCustomer): Outcome {
  const { customer, budget } = command;
  const existing = draft.customer(customer.id);
  if (existing?.createdBy === command.id) return { kind: "created", customer: existing, budget };
  if (existing !== undefined) return refused({ name: "customer_exists", customer: customer.id });

  // From here on the customer must succeed.
  draft.putCustomer(customer);
  if (budget !== null) draft.putBudget(budget);
  return { kind: "created", customer, budget };
}

/** An adjustment belongs to no call. */
const NO_CALL = { route: "", model: "", provider: "", deployment: "", keyAlias: null };

function held(draft: Draft, hold: Hold, policy: Policy): Outcome {
  const { id, ceiling, outputTokens, bounded } = hold;
  const granted = { id, ceiling, outputTokens, bounded };
  return { kind: "held", hold: granted, standing: standingFor(draft, hold, policy) };
}

function ended(draft: Draft, id: string, policy: Policy): Outcome {
  const posted = draft.posting(id);
  return posted === undefined ? refused({ name: "unknown_hold" }) : repeated(draft, posted, policy);
}

function repeated(draft: Draft, posting: Posting, policy: Policy): Outcome {
  return postedAs(posting, standingFor(draft, posting, policy));
}

/** The master key has no row and nothing that could go stale. */
function refusalOfKey(draft: Draft, { key, at }: Reserve): Refusal | undefined {
  if (key.version === null) return undefined;
  const row = draft.key(key.hash);
  if (row === undefined || row.version !== key.version) return { name: "stale_key" };
  if (row.blocked) return { name: "key_blocked" };
  if (row.expiresAt !== null && row.expiresAt <= at) return { name: "key_expired" };
  return undefined;
}

function newCustomer(id: string, command: Reserve): Customer {
  const { at: createdAt, id: createdBy } = command;
  return { id, alias: null, blocked: false, budgetId: null, createdAt, createdBy };
}

function refused(refusal: Refusal): Outcome {
  return { kind: "refused", refusal };
}
