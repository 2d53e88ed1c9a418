/** What a row looks like in either database, and what the ledger makes of it. The way back is in `tables.ts`. */

import type {
  CallFacts,
  Counter,
  Hold,
  Meter,
  Move,
  Posting,
  PostingKind,
  ScopeKind,
} from "../ledger/book.ts";
import type { EventType, LedgerEvent } from "../ledger/event.ts";
import { nanoUsd } from "../money/amount.ts";
import type { Usage, UsageSource } from "../money/usage.ts";
import { attemptOf, jsonAttempt, type JsonAttempt } from "./attempt-rows.ts";
import { markupOf, pricingOf, ratesOf, readColumn, unpricedOf } from "./pricing-rows.ts";

/** What a parameter or a column can be. */
export type SqlValue = string | number | bigint | null;
export type Row = Readonly<Record<string, unknown>>;

/** Both drivers are told to read 8-byte integers as `bigint`. */
export type Flag = bigint | boolean;
/** JSON text in which an amount is a string of digits: a JSON number would lose the last of them. */
export type JsonText = string;

type JsonFacts = Omit<CallFacts, "attempts"> & { readonly attempts?: readonly JsonAttempt[] };

export interface CounterRow {
  readonly scope: ScopeKind;
  readonly scope_id: string;
  readonly meter: Meter;
  readonly model: string;
  readonly window_start: bigint;
  readonly window_end: bigint;
  readonly used: bigint;
  readonly held: bigint;
  readonly peak: bigint;
  readonly told: bigint;
}

export interface HoldRow {
  readonly id: string;
  readonly at: bigint;
  readonly instance: string;
  readonly customer: string | null;
  readonly key_hash: string;
  readonly facts: JsonText;
  readonly ceiling: bigint;
  readonly input_ceiling: bigint;
  readonly output_tokens: bigint;
  readonly priced: Flag;
  readonly bounded: Flag;
  readonly markup: JsonText | null;
  readonly moves: JsonText;
}

export interface PostingRow {
  readonly seq: bigint;
  readonly id: string;
  readonly kind: PostingKind;
  readonly at: bigint;
  readonly customer: string | null;
  readonly key_hash: string;
  readonly facts: JsonText;
  readonly usage: JsonText;
  readonly source: UsageSource;
  readonly cost: bigint;
  readonly charge: bigint;
  readonly markup: JsonText | null;
  readonly rates: JsonText | null;
  readonly pricing: JsonText | null;
  readonly unpriced: string | null;
  readonly corrects: string | null;
  readonly note: string | null;
  readonly moves: JsonText;
}

export interface EventRow {
  readonly seq: bigint;
  readonly id: string;
  readonly type: EventType;
  readonly at: bigint;
  readonly customer: string | null;
  readonly data: JsonText;
}

export interface AnswerRow {
  readonly caller: string;
  readonly name: string;
  readonly request: string;
  readonly call: string;
  readonly claimed_at: bigint;
  readonly answer: string | null;
}

export interface InstanceRow {
  readonly id: string;
  readonly seen_at: bigint;
}

export function counterOf(row: CounterRow): Counter {
  const { scope, scope_id, meter, model, window_start, window_end } = row;
  const { used, held, peak, told } = row;
  const window = { start: Number(window_start), end: Number(window_end) };
  const moved = { used, held, peak, told: Number(told) };
  return { scope, scopeId: scope_id, meter, model, ...window, ...moved };
}

export function holdOf(row: HoldRow): Hold {
  const { id, at, instance, customer, key_hash, facts } = row;
  return {
    id,
    at: Number(at),
    instance,
    customer,
    keyHash: key_hash,
    facts: factsOf(facts),
    ceiling: nanoUsd(row.ceiling),
    inputCeiling: nanoUsd(row.input_ceiling),
    outputTokens: Number(row.output_tokens),
    priced: Boolean(row.priced),
    bounded: Boolean(row.bounded),
    markup: readColumn(row.markup, markupOf),
    moves: movesOf(row.moves),
  };
}

export function postingOf(row: PostingRow): Posting {
  const { id, kind, at, customer, key_hash, facts, usage, source } = row;
  return {
    id,
    kind,
    at: Number(at),
    customer,
    keyHash: key_hash,
    facts: factsOf(facts),
    usage: JSON.parse(usage) as Usage,
    source,
    cost: nanoUsd(row.cost),
    charge: nanoUsd(row.charge),
    markup: readColumn(row.markup, markupOf),
    rates: readColumn(row.rates, ratesOf),
    pricing: readColumn(row.pricing, pricingOf),
    unpriced: unpricedOf(row.unpriced),
    corrects: row.corrects,
    note: row.note,
    moves: movesOf(row.moves),
  };
}

/** The data of a row is what its type says, because nothing but an event was ever written there. */
export function eventOf({ id, type, at, customer, data }: Omit<EventRow, "seq">): LedgerEvent {
  return { id, type, at: Number(at), customer, data: JSON.parse(data) };
}

export function movesText(moves: readonly Move[]): JsonText {
  return JSON.stringify(moves.map((move) => ({ ...move, amount: String(move.amount) })));
}

/** Most calls have no failed attempts, whose costs are the only amounts among the facts. */
export function factsText({ attempts, ...facts }: CallFacts): JsonText {
  return JSON.stringify(
    attempts === undefined ? facts : { ...facts, attempts: attempts.map(jsonAttempt) },
  );
}

function factsOf(text: JsonText): CallFacts {
  const { attempts, ...facts } = JSON.parse(text) as JsonFacts;
  return attempts === undefined ? facts : { ...facts, attempts: attempts.map(attemptOf) };
}

function movesOf(text: JsonText): Move[] {
  const moves = JSON.parse(text) as (Omit<Move, "amount"> & { readonly amount: string })[];
  return moves.map((move) => ({ ...move, amount: BigInt(move.amount) }));
}
