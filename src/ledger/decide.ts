/**
 * The rules of the ledger, as a pure function. In each rule the refusals stand first, in a fixed order; after them
 * the command must succeed. Repeating a command that took effect changes nothing and answers what it first answered.
 * A refusal writes nothing but, once per limit and window, that there was one; asking again is a new question.
 */

import { nanoUsd, ZERO_USD } from "../money/amount.ts";
import { chargeOf, costBehind } from "../money/markup.ts";
import { inputTokens, outputTokens } from "../money/usage.ts";
import { admit, heldAmounts, type Admission } from "./admit.ts";
import { announceRefusal } from "./announce.ts";
import { announceCustomer } from "./announce-account.ts";
import { spentOn, withSpent } from "./attempts.ts";
import type { Customer, Hold, Posting } from "./book.ts";
import type {
  Adjust,
  Check,
  Command,
  Expire,
  Outcome,
  Policy,
  Refusal,
  Release,
  Reprice,
  Reserve,
  Reset,
  Settle,
} from "./command.ts";
import { Draft } from "./draft.ts";
import {
  chargedBy,
  countersOfCall,
  distinct,
  limitsFor,
  markupFor,
  type AppliedLimit,
} from "./limits.ts";
import {
  close,
  isHard,
  moved,
  movesOf,
  NOTHING,
  post,
  postedAs,
  standing,
  standingFor,
} from "./posting.ts";
import { lateId } from "./reach.ts";
import { refusalOf } from "./right.ts";
import type { Decision, Rows } from "./rows.ts";
import { write } from "./write.ts";

export function decide(rows: Rows, commands: readonly Command[], policy: Policy): Decision {
  const draft = new Draft(rows);
  const outcomes = commands.map((command) => decideOne(draft, command, policy));
  return { outcomes, changes: draft.changes() };
}

function decideOne(draft: Draft, command: Command, policy: Policy): Outcome {
  switch (command.kind) {
    case "reserve":
      return reserve(draft, command, policy);
    case "check":
      return check(draft, command, policy);
    case "settle":
      return settle(draft, command, policy);
    case "release":
      return release(draft, command, policy);
    case "expire":
      return expire(draft, command, policy);
    case "adjust":
      return adjust(draft, command, policy);
    case "reprice":
      return reprice(draft, command, policy);
    case "reset":
      return reset(draft, command, policy);
    case "write":
      return write(draft, command, policy);
  }
}

function reserve(draft: Draft, command: Reserve, policy: Policy): Outcome {
  const earlier = draft.hold(command.id);
  if (earlier !== undefined && !isNextAttempt(command, earlier))
    return held(draft, earlier, policy);
  const posted = draft.posting(command.id);
  if (posted !== undefined) return repeated(draft, posted, policy);

  // What the failed attempt held is there for the next one.
  if (earlier !== undefined) moveHeld(draft, earlier, -1n);
  const limits = limitsFor(chargedBy(command), draft, policy);
  const admission = admissionOf(draft, command, limits, policy);
  if (admission.kind === "refused") {
    if (earlier !== undefined) moveHeld(draft, earlier, 1n);
    announceRefusal(draft, command, admission.refusal, limits);
    return admission;
  }

  // From here on the hold must succeed.
  const { id, at, instance, customer, facts, quote } = command;
  if (customer !== null && draft.customer(customer) === undefined) {
    const created = newCustomer(customer, command);
    draft.putCustomer(customer, created);
    announceCustomer(draft, { before: undefined, after: created }, { ...command, by: "call" });
  }
  const { grant } = admission;
  const moves = movesOf(countersOfCall(customer, limits), heldAmounts(quote, grant));
  const keyHash = command.key.hash;
  const hold = { id, at, instance, customer, keyHash, facts, ...grant, moves };
  moveHeld(draft, hold, 1n);
  draft.open(hold);
  return held(draft, hold, policy);
}

/** A call that tries another deployment keeps its hold, at the new price; it is one call. */
function isNextAttempt({ facts }: Reserve, earlier: Hold): boolean {
  return (facts.attempts?.length ?? 0) > (earlier.facts.attempts?.length ?? 0);
}

function moveHeld(draft: Draft, { moves }: Hold, sign: 1n | -1n): void {
  for (const move of moves) draft.moveCounter(move, 0n, sign * move.amount);
}

/** What a reserve would be answered now. Nothing changes. */
function check(draft: Draft, command: Check, policy: Policy): Outcome {
  const charged = chargedBy(command);
  const admission = admissionOf(draft, command, limitsFor(charged, draft, policy), policy);
  if (admission.kind === "refused") return admission;
  const { ceiling, outputTokens } = admission.grant;
  return {
    kind: "admissible",
    ceiling,
    outputTokens,
    standing: standingFor(draft, charged, policy),
  };
}

function admissionOf(
  draft: Draft,
  command: Reserve | Check,
  limits: readonly AppliedLimit[],
  policy: Policy,
): Admission {
  const refusal = refusalOf(draft, command, policy);
  if (refusal !== undefined) return { kind: "refused", refusal };
  const standings = limits.filter(isHard).map((limit) => ({
    standing: standing(draft, limit),
    lastCall: limit.lastCall,
  }));
  const { quote, facts } = command;
  const markup = markupFor(chargedBy(command), quote.markup, draft, policy);
  return admit(standings, withSpent({ ...quote, markup }, facts), facts.model);
}

function settle(draft: Draft, command: Settle, policy: Policy): Outcome {
  const hold = draft.hold(command.id);
  if (hold === undefined) return settleLate(draft, command, policy);
  const { id: _, ...answered } = command;
  const { markup } = hold;
  const ending = { ...answered, kind: "settled", markup, corrects: null } as const;
  return close(draft, hold, ending, policy);
}

/** A repetition; or the instance was taken for dead, and its estimate is corrected: the call is charged once. */
function settleLate(draft: Draft, command: Settle, policy: Policy): Outcome {
  const id = lateId(command.id);
  const posted = draft.posting(id) ?? draft.posting(command.id);
  if (posted === undefined) return refused({ name: "unknown_hold" });
  if (posted.kind !== "unsettled") return repeated(draft, posted, policy);

  // From here on the correction must succeed.
  const charge = nanoUsd(command.charge - posted.charge);
  const cost = nanoUsd(command.cost - posted.cost);
  const tokens = BigInt(inputTokens(command.usage) + outputTokens(command.usage));
  const moves = movesOf(posted.moves, { ...NO_AMOUNTS, usd: charge, tokens });
  const note = "answered after its hold had been expired";
  const change = { ...command, id, kind: "adjusted", cost, charge, note } as const;
  const posting = { ...posted, ...change, moves: moved(moves), corrects: posted.id };
  return post(draft, posting, posted, policy);
}

/** In the windows that the call was admitted in, like everything that is charged for it. */
function reprice(draft: Draft, command: Reprice, policy: Policy): Outcome {
  const repriced = draft.posting(command.id);
  if (repriced !== undefined) return repeated(draft, repriced, policy);
  const posted = draft.posting(command.corrects);
  if (posted === undefined) return refused({ name: "unknown_hold" });

  // From here on the correction must succeed.
  const money = posted.moves.filter(({ meter }) => meter === "usd");
  const counters = distinct([...countersOfCall(posted.customer, []), ...money]);
  const moves = movesOf(counters, { ...NO_AMOUNTS, usd: command.charge });
  const change = { ...command, kind: "adjusted", usage: {}, moves: moved(moves) } as const;
  return post(draft, { ...posted, ...change }, posted, policy);
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
  const { markup, facts } = hold;
  const charges = { waive: ZERO_USD, input: hold.inputCeiling, ceiling: hold.ceiling };
  const spent = spentOn(facts);
  const charge = nanoUsd(max(charges[policy.unsettledCharge], chargeOf(spent, markup)));
  const cost = nanoUsd(max(costBehind(charge, markup), spent));
  const { at } = command;
  const note = "the instance died before the call was settled";
  const ending = { ...NOTHING, kind: "unsettled", at, cost, charge, markup, note } as const;
  return close(draft, hold, { ...ending, source: "estimated" }, policy);
}

function adjust(draft: Draft, command: Adjust, policy: Policy): Outcome {
  const posted = draft.posting(command.id);
  if (posted !== undefined) return repeated(draft, posted, policy);
  const { id, at, customer: customerId, keyHash, amount, reason, revision } = command;
  const customer = draft.customer(customerId);
  if (customer === undefined) return unknownCustomer(customerId);
  if (revision !== null && customer.revision !== revision) return refused({ name: "changed" });

  // From here on the adjustment must succeed.
  const charged = { customer: customerId, keyHash, facts: NO_CALL, at };
  const ownCounters = countersOfCall(customerId, limitsFor(charged, draft, policy));
  const counters = distinct([...ownCounters, ...command.counters]);
  const moves = moved(movesOf(counters, { ...NO_AMOUNTS, usd: amount }));
  const change = { id, kind: "adjusted", charge: amount, note: reason, moves } as const;
  return post(draft, { ...NOTHING, ...charged, ...change }, charged, policy);
}

/** What calls in flight hold stays held: they are charged to the windows that they were admitted in. */
function reset(draft: Draft, command: Reset, policy: Policy): Outcome {
  const posted = draft.posting(command.id);
  if (posted !== undefined) return repeated(draft, posted, policy);
  const { id, at, customer, keyHash, reason, counters } = command;
  if (draft.customer(customer) === undefined) return unknownCustomer(customer);

  // From here on the reset must succeed.
  const charged = { customer, keyHash, facts: NO_CALL, at };
  const moves = moved(counters.map((key) => ({ ...key, amount: -draft.counter(key).used })));
  const change = { id, kind: "reset", note: reason, moves } as const;
  return post(draft, { ...NOTHING, ...charged, ...change }, charged, policy);
}

const NO_AMOUNTS = { usd: 0n, tokens: 0n, requests: 0n, concurrency: 0n, customers: 0n };

/** An adjustment belongs to no call. */
const NO_CALL = {
  route: "",
  model: "",
  provider: "",
  deployment: "",
  region: null,
  keyAlias: null,
};

function held(draft: Draft, hold: Hold, policy: Policy): Outcome {
  const { id, ceiling, outputTokens, bounded, markup } = hold;
  const granted = { id, ceiling, outputTokens, bounded, markup };
  return { kind: "held", hold: granted, standing: standingFor(draft, hold, policy) };
}

function ended(draft: Draft, id: string, policy: Policy): Outcome {
  const posted = draft.posting(id);
  return posted === undefined ? refused({ name: "unknown_hold" }) : repeated(draft, posted, policy);
}

function repeated(draft: Draft, posting: Posting, policy: Policy): Outcome {
  return postedAs(posting, standingFor(draft, posting, policy));
}

function newCustomer(id: string, { id: revision, at: createdAt }: Reserve): Customer {
  const rights = { models: [], allowedRegion: null, defaultModel: null, markup: null };
  return { id, alias: null, blocked: false, budgetId: null, ...rights, createdAt, revision };
}

function max(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}

function unknownCustomer(customer: string): Outcome {
  return refused({ name: "unknown_customer", customer });
}

function refused(refusal: Refusal): Outcome {
  return { kind: "refused", refusal };
}
