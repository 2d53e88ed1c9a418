/** The port: what Purser asks of a database. Both databases pass one conformance suite (test/store/conformance.ts). */

import type { Budget, Counter, CounterKey, Customer, Hold, Key, Posting } from "./book.ts";
import type { Outbox } from "./outbox.ts";
import type { NanoUsd } from "../money/amount.ts";
import type { UsagePart } from "../money/usage.ts";
import type { Check, Command, Expire, Outcome } from "./command.ts";
import type { Release, Reserve, Settle, Standing } from "./command.ts";
import type { SpendReader } from "./spend.ts";

export interface LedgerStore {
  /**
   * Decides the commands in order, durably, all in one transaction; commands of other callers may share it.
   * Repeating a command that took effect answers what it answered first. Rejects with `LedgerUnavailable`.
   */
  apply(commands: readonly Command[]): Promise<readonly Outcome[]>;
  readonly read: LedgerReader;
  readonly outbox: Outbox;
  readonly instances: Instances;
  readonly answers: Answers;
  close(): Promise<void>;
}

export type CallEnd = Settle | Release | Expire;

/** The ledger as a call uses it: one command at a time. */
export interface CallLedger {
  /** Rejects with `LedgerUnavailable` while the database is away; then nothing stays held. */
  reserve(command: Reserve): Promise<Outcome>;
  /** What a reserve would be answered; nothing is held. */
  check(command: Check): Promise<Outcome>;
  /** Durable when it resolves, even while the database is away. */
  end(command: CallEnd): Promise<Ended>;
}

export interface Ended {
  readonly charge: NanoUsd;
  /** Null where the customer has no money limit, or while the database is away. */
  readonly standing: Standing | null;
}

/** Point reads of committed rows. */
export interface LedgerReader extends CustomerReader {
  customer(id: string): Promise<Customer | undefined>;
  budget(id: string): Promise<Budget | undefined>;
  key(hash: string): Promise<Key | undefined>;
  keyBySecret(secretHash: string): Promise<Key | undefined>;
  /** Newest first. */
  keys(wanted: KeysWanted): Promise<KeyPage>;
  /** All that calls with these keys were ever charged; a key that has no postings is missing. */
  keyCharges(hashes: readonly string[]): Promise<ReadonlyMap<string, NanoUsd>>;
  /** The counters that exist among those asked for. */
  counters(keys: readonly CounterKey[]): Promise<readonly Counter[]>;
  openHolds(): Promise<readonly Hold[]>;
  /** Calls as they stand after their corrections, in the order of posting, from `after` on. */
  calls(filter: CallFilter, after: bigint, limit: number): Promise<readonly PostedCall[]>;
  /** What was used and is not paid for, because its price was not known and still is not, the most calls first. */
  unpriced(): Promise<readonly UnpricedCalls[]>;
  /** Recomputes every total from the postings and the open holds; no drift means an empty list. */
  audit(): Promise<AuditReport>;
  /** Those of the ids that exist, or all, in the order of their ids. */
  budgetList(ids: readonly string[] | null): Promise<readonly Budget[]>;
  /** Answers if the database does. */
  ping(): Promise<void>;
  readonly spend: SpendReader;
}

/** A filter that is null takes every key. */
export interface KeysWanted {
  readonly alias: string | null;
  readonly teamId: string | null;
  readonly userId: string | null;
  readonly offset: number;
  readonly limit: number;
}

export interface KeyPage {
  readonly keys: readonly Key[];
  /** On all pages together. */
  readonly total: number;
}

/** What administrators ask of customers. Rows come in no particular order unless one is told. */
export interface CustomerReader {
  /** Those that exist. */
  customers(ids: readonly string[]): Promise<readonly Customer[]>;
  budgets(ids: readonly string[]): Promise<readonly Budget[]>;
  /** A page, in the order of ids as the database has it. */
  customersAfter(page: CustomerPage): Promise<readonly Customer[]>;
  /** Those of the budgets that keys have, for themselves or for their customers. */
  budgetsOfKeys(ids: readonly string[]): Promise<readonly string[]>;
  /** The oldest, if several bear it. */
  keyOfAlias(alias: string): Promise<Key | undefined>;
  posting(id: string): Promise<Posting | undefined>;
  /** Of every window that something of the customer is counted in and that this instant falls in. */
  currentCounters(customer: string, at: number): Promise<readonly Counter[]>;
  /** Money in windows that have ended, the latest first. */
  pastWindows(customer: string, at: number, limit: number): Promise<readonly Counter[]>;
}

export interface CustomerPage {
  /** Where the page before ended. */
  readonly after: string | null;
  /** Part of the id or of the alias. */
  readonly search: string | null;
  readonly limit: number;
}

/** Posted from `from` to before `to`, epoch milliseconds. */
export interface CallFilter {
  readonly from: number;
  readonly to: number;
  /** Null for all. */
  readonly customer: string | null;
  /** Only those that were posted with something unpriced. */
  readonly unpricedOnly: boolean;
}

export interface PostedCall {
  /** Where it stands in the order of posting. */
  readonly seq: bigint;
  /** The posting that says what the call used. */
  readonly posting: Posting;
  /** Of all that is posted for the call. */
  readonly cost: NanoUsd;
  readonly charge: NanoUsd;
  /** What is unpriced after the last correction. */
  readonly unpriced: readonly UsagePart[];
  /** How often it has been repriced. */
  readonly repricings: number;
}

export interface UnpricedCalls {
  readonly model: string;
  readonly provider: string;
  readonly deployment: string;
  readonly parts: readonly UsagePart[];
  readonly calls: bigint;
  readonly firstAt: number;
  readonly lastAt: number;
}

export interface AuditReport {
  readonly postings: bigint;
  readonly charged: bigint;
  readonly openHolds: bigint;
  readonly counters: bigint;
  readonly drifts: readonly Drift[];
}

/** A total that differs from the sum of the rows it summarises. */
export interface Drift {
  /** What the total is: `counter used`, `counter held`, `rollup charge`, … */
  readonly total: string;
  readonly name: string;
  readonly stored: bigint;
  readonly recomputed: bigint;
}

/** A call under a name that its caller chose. */
export interface Claim {
  /** The caller's key, by its hash: what one calls by a name is no affair of another's. */
  readonly caller: string;
  readonly name: string;
  /** What stands for the request's body. */
  readonly request: string;
  readonly call: string;
  readonly at: number;
}

export type Claimed =
  | { readonly kind: "taken" }
  | { readonly kind: "in_flight" }
  | { readonly kind: "other_request" }
  | { readonly kind: "answered"; readonly answer: string };

/** Answers that may be asked for again. */
export interface Answers {
  /** Takes the name, or tells who has it. A claim from before `staleBefore` that was never answered is nobody's. */
  claim(claim: Claim, staleBefore: number): Promise<Claimed>;
  keep(claim: Claim, answer: string): Promise<void>;
  /** The call came to nothing, so the name is free. */
  letGo(claim: Claim): Promise<void>;
  prune(claimedBefore: number): Promise<void>;
}

/** Who is alive. */
export interface Instances {
  beat(id: string, now: number): Promise<void>;
  /** Open holds of instances not seen since `seenBefore`; in the embedded case, of any other instance. */
  orphans(self: string, seenBefore: number): Promise<readonly Hold[]>;
  leave(id: string): Promise<void>;
}

/** The database cannot be reached or refused the write. */
export class LedgerUnavailable extends Error {
  override readonly name = "LedgerUnavailable";
  /** The connection broke during the commit: the commands may have taken effect. */
  readonly inDoubt: boolean;

  constructor(message: string, options: ErrorOptions & { readonly inDoubt?: boolean } = {}) {
    super(message, options);
    this.inDoubt = options.inDoubt ?? false;
  }
}
