/** The cases that compare what a call costs: every peer runs, and takes turns with the others. */

import type { CaseName, Sizes } from "../options.ts";
import { announce } from "../progress.ts";
import type { Peers } from "../peers/peers.ts";
import type { CaseResult } from "../results.ts";
import { measureCpu, measureStreams } from "./cpu.ts";
import { measureLatency } from "./latency.ts";

export const COST_CASES: readonly CaseName[] = ["cpu", "stream", "stream-apart", "latency"];

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
    else found.push(await measureStreams(shared, name === "stream" ? BURST : APART));
  }
  return found;
}

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
