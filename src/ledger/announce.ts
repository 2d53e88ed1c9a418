/**
 * Which events a change of the books makes. What a limit tells is told once per window, on any number of instances,
 * because it follows from the counter's row, which is locked: how far it has ever come, and what it says was told.
 */

import { nanoUsd } from "../money/amount.ts";
import { LIFETIME } from "../money/window.ts";
import type { Counter, CounterKey, Meter, Posting, ScopeKind } from "./book.ts";
import { isFinal, type Refusal, type Reserve, type Standing } from "./command.ts";
import type { Draft } from "./draft.ts";
import type { EventData, EventOf, EventType, LedgerEvent } from "./event.ts";
import type { AppliedLimit } from "./limits.ts";

/** Where a budget names none, in percent of a money limit: LiteLLM's "15 % left" and "5 % left". */
const THRESHOLDS = [85, 95];

/** A rate that was seen for less of the window than this says nothing about its end. */
const PROJECTION_PERCENT_MIN = 10n;

/** Calls in flight end by themselves, and a limit on new customers is nobody's. */
const TOLD_METERS: ReadonlySet<Meter> = new Set(["usd", "tokens", "requests"]);

/** What a counter's row remembers of its window, as bits. */
const TOLD = { refused: 1, projected: 2 } as const;

/** A limit, and where its counter stood before the change. */
export interface Watched {
  readonly limit: AppliedLimit;
  readonly before: Counter;
}

/** Who did what, as far as a limit's event tells it. */
interface Cause {
  readonly id: string;
  readonly at: number;
  readonly customer: string | null;
  readonly keyHash: string;
  readonly keyAlias: string | null;
}

export function announcePosting(draft: Draft, posting: Posting, watched: readonly Watched[]): void {
  if (posting.kind === "released" || posting.kind === "reset") return;
  for (const event of chargeEvents(posting, watched)) draft.announce(event);
  const cause = { ...posting, keyAlias: posting.facts.keyAlias };
  for (const [index, watch] of watched.entries()) {
    const name = (word: string): string => `evt_${posting.id}_${word}_${String(index)}`;
    const events = watch.limit.limit.soft
      ? softEvents(draft, cause, {
          watch,
          maxBudget: overallCap(watched, watch.limit.counter.scope),
          name: name("soft"),
        })
      : limitEvents(draft, cause, watch, name);
    for (const event of events) draft.announce(event);
  }
}

/** Only the last word on a call is told: it may yet fit by a closer bound, or on another deployment. */
export function announceRefusal(
  draft: Draft,
  command: Reserve,
  refusal: Refusal,
  limits: readonly AppliedLimit[],
): void {
  const { name } = refusal;
  if (command.isTentative === true) return;
  if (name !== "budget_exceeded" && name !== "rate_limited") return;
  const limit = refusedLimit(refusal.standing, limits);
  if (limit === undefined || !TOLD_METERS.has(limit.limit.meter)) return;
  if (!isFinal(refusal, command) || !draft.tell(limit.counter, TOLD.refused)) return;
  const { id, at, customer, key, facts } = command;
  const cause = { id, at, customer, keyHash: key.hash, keyAlias: facts.keyAlias };
  const data = { ...limitFacts(limit, draft.counter(limit.counter), cause), refusal: name };
  draft.announce(limitEvent("call.refused", `evt_${id}_refused`, { limit, cause, data }));
}

/** The limit that a refusal names. */
function refusedLimit(
  { budgetId, scope, meter, model, cap }: Standing,
  limits: readonly AppliedLimit[],
): AppliedLimit | undefined {
  const ofBudget = limits.filter((each) => each.budgetId === budgetId);
  return ofBudget.find(
    ({ limit, counter }) =>
      counter.scope === scope &&
      limit.meter === meter &&
      limit.model === model &&
      limit.cap === cap &&
      !limit.soft,
  );
}

function chargeEvents(posting: Posting, watched: readonly Watched[]): LedgerEvent[] {
  const { id, kind, at, customer, facts, note, usage, source, unpriced, keyHash } = posting;
  const { model, provider, deployment, keyAlias } = facts;
  const of = { at, customer };
  const charged = {
    call: id,
    posting: kind,
    model,
    provider,
    keyHash,
    keyAlias,
    charge: String(posting.charge),
    cost: String(posting.cost),
  };
  const maxBudget = overallCap(watched, "customer");
  const day = new Date(at).toISOString().slice(0, "YYYY-MM-DD".length);
  const events: (LedgerEvent | false)[] = [
    customer !== null && {
      id: `evt_${id}`,
      type: "customer.spend_tracked",
      ...of,
      data: { ...charged, maxBudget, usage, source },
    },
    kind === "unsettled" && {
      id: `evt_${id}_unsettled`,
      type: "call.unsettled",
      ...of,
      data: { ...charged, reason: note },
    },
    kind === "adjusted" && {
      id: `evt_${id}_adjusted`,
      type: "posting.adjusted",
      ...of,
      data: { ...charged, reason: note },
    },
    // The id is the day's, so that however many calls go without a price, one event a day says so.
    kind === "settled" &&
      unpriced.length > 0 && {
        id: `evt_unpriced_${encodeURIComponent(deployment)}_${day}`,
        type: "price.missing",
        ...of,
        customer: null,
        data: { call: id, model, provider, deployment, usage },
      },
  ];
  return events.filter((event) => event !== false);
}

/** What the customer or the key may spend in all, as LiteLLM's events tell it. */
function overallCap(watched: readonly Watched[], scope: ScopeKind): string | null {
  const overall = watched.find(
    ({ limit: { counter, limit } }) =>
      counter.scope === scope && limit.meter === "usd" && limit.model === null && !limit.soft,
  );
  return overall === undefined ? null : String(overall.limit.limit.cap);
}

function limitEvents(
  draft: Draft,
  cause: Cause,
  { limit, before }: Watched,
  name: (word: string) => string,
): LedgerEvent[] {
  const after = draft.counter(limit.counter);
  const { cap } = limit.limit;
  const passes = (amount: bigint, times = 1n): boolean =>
    before.peak * times < amount && amount <= after.peak * times;
  const told = { limit, cause, data: limitFacts(limit, after, cause) };
  const begins = before.peak === 0n && after.peak > 0n && isWindow(limit.counter);
  const thresholds = limit.thresholds ?? THRESHOLDS;
  const reached = thresholds.filter((percent) => passes(cap * BigInt(percent), 100n));
  return [
    ...(begins ? [limitEvent("budget.window_started", name("started"), told)] : []),
    ...reached.map((percent) => {
      const data = { ...told.data, percent };
      return limitEvent("budget.threshold_reached", name(String(percent)), { ...told, data });
    }),
    ...(passes(cap) ? [limitEvent("budget.crossed", name("crossed"), told)] : []),
    ...projectionEvents(draft, cause, { limit, name: name("projected") }),
  ];
}

function softEvents(
  draft: Draft,
  cause: Cause,
  soft: { readonly watch: Watched; readonly maxBudget: string | null; readonly name: string },
): LedgerEvent[] {
  const { limit, before } = soft.watch;
  const after = draft.counter(limit.counter);
  const { cap } = limit.limit;
  if (before.peak >= cap || after.peak < cap) return [];
  const data = { ...limitFacts(limit, after, cause), maxBudget: soft.maxBudget };
  return [limitEvent("budget.soft_crossed", soft.name, { limit, cause, data })];
}

function projectionEvents(
  draft: Draft,
  cause: Cause,
  { limit, name }: { readonly limit: AppliedLimit; readonly name: string },
): LedgerEvent[] {
  const after = draft.counter(limit.counter);
  const projection = projectionOf(after, limit.limit.cap, cause.at);
  if (projection === null || !draft.tell(limit.counter, TOLD.projected)) return [];
  const data = { ...limitFacts(limit, after, cause), ...projection };
  return [limitEvent("budget.projected_exceeded", name, { limit, cause, data })];
}

/** Null unless the limit will be passed within the window, at the window's own rate, and has not been yet. */
function projectionOf(
  counter: Counter,
  cap: bigint,
  at: number,
): Pick<EventData<"budget.projected_exceeded">, "projectedSpend" | "projectedExceededDate"> | null {
  const { start, end, used } = counter;
  const [length, elapsed] = [BigInt(end - start), BigInt(at - start)];
  const isSeen = elapsed * 100n >= length * PROJECTION_PERCENT_MIN && at < end;
  if (!isWindow(counter) || !isSeen || used <= 0n || used >= cap) return null;
  const projected = (used * length) / elapsed;
  if (projected <= cap) return null;
  const exceeded = start + Number((elapsed * cap) / used);
  return { projectedSpend: String(nanoUsd(projected)), projectedExceededDate: exceeded };
}

/** A limit of a key is about no customer, whoever's call moved it. */
function limitEvent<Type extends EventType>(
  type: Type,
  id: string,
  told: { readonly limit: AppliedLimit; readonly cause: Cause; readonly data: EventData<Type> },
): EventOf<Type> {
  const { limit, cause, data } = told;
  const customer = limit.counter.scope === "customer" ? cause.customer : null;
  return { id, type, at: cause.at, customer, data };
}

function limitFacts({ counter, budgetId, limit }: AppliedLimit, row: Counter, cause: Cause) {
  const window = isWindow(counter);
  return {
    budget: budgetId,
    scope: counter.scope,
    meter: limit.meter,
    model: limit.model,
    limit: String(limit.cap),
    used: String(row.used),
    windowStart: window ? counter.start : null,
    windowEnd: window ? counter.end : null,
    call: cause.id,
    keyHash: cause.keyHash,
    keyAlias: cause.keyAlias,
  };
}

function isWindow({ end }: CounterKey): boolean {
  return end !== LIFETIME.end;
}
