/** What a run does: its arguments, and how much of each case a full and a quick run take. */

import { parseArgs } from "node:util";

export const CASES = [
  "cpu",
  "stream",
  "stream-apart",
  "prompt-10k",
  "prompt-100k-tokens",
  "embeddings",
  "latency",
  "overshoot",
  "crash",
  "parity",
  "memory",
  "dead-endpoint",
] as const;

export type CaseName = (typeof CASES)[number];

export interface Options {
  readonly mode: "full" | "quick";
  readonly cases: readonly CaseName[];
  readonly sizes: Sizes;
}

export interface Sizes {
  /** Interleaved rounds of the two CPU cases, and seconds of load per server and round. */
  readonly rounds: number;
  readonly roundSeconds: number;
  /** Load before the first round; it takes V8 some ten thousand calls to settle. The streams, later, take half. */
  readonly warmUpSeconds: number;
  /** Requests per server at concurrency 1. */
  readonly latencyRequests: number;
  readonly kills: number;
  readonly parityRequests: number;
  readonly memoryCustomers: number;
  /** Events that wait for an endpoint that is not there. */
  readonly waitingEvents: number;
}

const FULL: Sizes = {
  rounds: 6,
  roundSeconds: 1,
  warmUpSeconds: 4,
  latencyRequests: 1500,
  kills: 10,
  parityRequests: 10_000,
  memoryCustomers: 100_000,
  waitingEvents: 10_000,
};

const QUICK: Sizes = {
  rounds: 2,
  roundSeconds: 0.6,
  warmUpSeconds: 0.6,
  latencyRequests: 200,
  kills: 3,
  parityRequests: 2000,
  memoryCustomers: 5000,
  waitingEvents: 10_000,
};

/** Throws a sentence for the terminal where an argument is not understood. */
export function readOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: { quick: { type: "boolean", default: false }, only: { type: "string" } },
  });
  return {
    mode: values.quick ? "quick" : "full",
    cases: values.only === undefined ? CASES : values.only.split(",").map(caseName),
    sizes: values.quick ? QUICK : FULL,
  };
}

function caseName(name: string): CaseName {
  const known = CASES.find((each) => each === name);
  if (known === undefined) throw new Error(`No case "${name}"; there are ${CASES.join(", ")}.`);
  return known;
}
