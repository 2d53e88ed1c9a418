/** Failed attempts as JSON, in which what they cost is a string of digits. */

import type { Billed, FailedAttempt } from "../ledger/book.ts";
import { nanoUsd } from "../money/amount.ts";

export type JsonAttempt = Omit<FailedAttempt, "billed"> & {
  readonly billed?: Omit<Billed, "cost"> & { readonly cost: string };
};

export function jsonAttempt({ billed, ...attempt }: FailedAttempt): JsonAttempt {
  return billed === undefined
    ? attempt
    : { ...attempt, billed: { ...billed, cost: String(billed.cost) } };
}

export function attemptOf({ billed, ...attempt }: JsonAttempt): FailedAttempt {
  return billed === undefined
    ? attempt
    : { ...attempt, billed: { ...billed, cost: nanoUsd(BigInt(billed.cost)) } };
}
