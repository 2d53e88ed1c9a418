/** The cases that compare what a call costs: every peer runs, and takes turns with the others. */

import type { CaseName, Sizes } from "../options.ts";
import { announce } from "../progress.ts";
import type { Peers } from "../peers/peers.ts";
import type { CaseResult } from "../results.ts";
import { call, embedding, textOfTokens } from "../requests.ts";
import { measureBodies, measureCpu, measureStreams, type Bodies } from "./cpu.ts";
import { measureLatency } from "./latency.ts";

export const COST_CASES: readonly CaseName[] = [
  "cpu",
  "stream",
  "stream-apart",
  "prompt-10k",
  "prompt-100k-tokens",
  "embeddings",
  "latency",
];

export async function measureCost(
  peers: Peers,
  plan: { readonly cases: readonly CaseName[]; readonly sizes: Sizes },
): Promise<readonly CaseResult[]> {
  const { servers, customers } = peers;
  const shared = { servers, customers, sizes: plan.sizes };
  const found: CaseResult[] = [];
  for (const name of COST_CASES.filter((each) => plan.cases.includes(each))) {
    announce(name);
    if (name === "cpu") found.push(await measureCpu(shared));
    else if (name === "latency") found.push(await measureLatency(shared));
    else if (name === "prompt-10k") found.push(await measureBodies(shared, TEN_KILOBYTES));
    else if (name === "prompt-100k-tokens") found.push(await measureBodies(shared, LONGEST));
    else if (name === "embeddings") found.push(await measureBodies(shared, EMBEDDINGS));
    else found.push(await measureStreams(shared, name === "stream" ? BURST : APART));
  }
  return found;
}

const TEN_KILOBYTES: Bodies = {
  name: "prompt-10k",
  title: "CPU per call with a prompt of 10 kB, 16 at a time",
  about: "The prompt is parsed, bounded by its bytes and written out again.",
  concurrency: 16,
  request: (server, customer) => call(server, { customer, ...SHORT_ANSWER, padding: TEN_KB }),
};

const LONGEST: Bodies = {
  name: "prompt-100k-tokens",
  title: "CPU per call with a prompt of 100,000 tokens, 4 at a time",
  about: "Half a megabyte of text, as an agent's whole conversation has.",
  concurrency: 4,
  request: (server, customer) => call(server, { customer, ...SHORT_ANSWER, padding: LONG }),
};

const EMBEDDINGS: Bodies = {
  name: "embeddings",
  title: "CPU per call of embeddings, 16 texts each, 16 at a time",
  about: "Short in, long out: vectors of 256 numbers in decimal.",
  concurrency: 16,
  request: embedding,
};

const SHORT_ANSWER = { stream: false, script: {} };
const TEN_KB = textOfTokens(2000);
const LONG = textOfTokens(100_000);

const BURST = {
  name: "stream",
  pace: "burst",
  title: "",
  about: "The upstream writes its chunks as fast as it can, so that many arrive together.",
} as const;

const APART = {
  name: "stream-apart",
  pace: "turn",
  title: ", each chunk on its own",
  about:
    "The upstream writes each chunk on its own, one per turn of its event loop over all streams.",
} as const;
