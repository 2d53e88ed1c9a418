/** What reports ask of the store: sums of what was posted, and the postings themselves in pages. */

import type { NanoUsd } from "../money/amount.ts";
import type { Usage } from "../money/usage.ts";
import type { Window } from "../money/window.ts";
import type { Posting, PostingKind } from "./book.ts";

/** Reads of any length; none of them keeps a point read waiting. */
export interface SpendReader {
  /** Sums per span and per value of each dimension, from the hourly summary and, for odd ends of spans, postings. */
  sums(question: SumQuestion): Promise<SumPage>;
  postings(question: PostingQuestion): Promise<readonly NumberedPosting[]>;
  countPostings(filter: PostingFilter): Promise<number>;
  /** Ids of customers that were ever charged or served, in the order of their bytes, from after the given one. */
  customersServed(after: string, limit: number): Promise<readonly string[]>;
  keyOwners(hashes: readonly string[]): Promise<readonly KeyOwner[]>;
  /** The keys of this internal user. */
  keysOfUser(userId: string): Promise<readonly string[]>;
  /** Of the customers that exist. */
  customerAliases(ids: readonly string[]): Promise<ReadonlyMap<string, string | null>>;
}

/** A stretch of time with a name: a day, in most reports. */
export interface Span extends Window {
  readonly name: string;
}

export type Dimension = "customer" | "keyHash" | "model" | "provider" | "route";

export interface SumQuestion {
  /** They must not overlap. */
  readonly spans: readonly Span[];
  readonly by: readonly Dimension[];
  readonly of: SumFilter;
  /** `named`: spans from last to first, then by the values of the dimensions. `dearest`: the largest charge first. */
  readonly order: "named" | "dearest";
  readonly limit: number;
  readonly offset?: number;
  /** Values of all dimensions of the last line read; for reports of one span. */
  readonly after?: readonly string[];
}

/** What is absent is not looked at. An empty list matches nothing. */
export interface SumFilter {
  readonly customers?: readonly string[];
  readonly customersNot?: readonly string[];
  /** Leaves out what was charged to no customer. */
  readonly withCustomer?: boolean;
  readonly keyHashes?: readonly string[];
  readonly model?: string;
}

export interface SumPage {
  readonly lines: readonly SumLine[];
  /** Lines on all pages together. */
  readonly total: number;
}

/** A dimension that was not asked for is empty, and so is the customer where there is none. */
export interface SumLine extends Readonly<Record<Dimension, string>> {
  readonly span: string;
  readonly calls: number;
  readonly failures: number;
  readonly usage: Usage;
  readonly charge: NanoUsd;
}

export interface PostingFilter {
  readonly window?: Window;
  readonly id?: string;
  readonly customer?: string;
  readonly keyHashes?: readonly string[];
  readonly model?: string;
  readonly kinds?: readonly PostingKind[];
  readonly chargeMin?: NanoUsd;
  readonly chargeMax?: NanoUsd;
}

export interface PostingQuestion {
  readonly of: PostingFilter;
  readonly order: "oldest" | "newest";
  readonly limit: number;
  readonly offset?: number;
  /** The last one read. */
  readonly after?: PostingPlace;
}

/** Where a posting stands among all: no two have the same place. */
export interface PostingPlace {
  readonly at: number;
  readonly seq: bigint;
}

export interface NumberedPosting extends Posting {
  readonly seq: bigint;
}

/** Who a key belongs to; a deleted one belongs to nobody that is known. */
export interface KeyOwner {
  readonly hash: string;
  readonly name: string;
  readonly alias: string | null;
  readonly userId: string | null;
  readonly teamId: string | null;
}
