/** `npm run bench [-- --quick] [-- --only cpu,…]`: every server side by side in one run, results in bench/results. */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { COST_CASES, measureCost } from "./cases/cost.ts";
import { measurePromises } from "./cases/promises.ts";
import { openDatabases } from "./databases.ts";
import { judge } from "./goals.ts";
import { describeMachine, describeVersions } from "./machine.ts";
import { CASES, readOptions, type Options } from "./options.ts";
import { startPeers, type PeersPlan } from "./peers/peers.ts";
import { markdown } from "./report.ts";
import type { Absence, CaseResult, Results } from "./results.ts";
import { startUpstream } from "./upstream-process.ts";

/** The bench stops by itself, whatever hangs. */
const RUN_MS_MAX = 12 * 60 * 1000;
const RESULTS = join(import.meta.dirname, "results");

interface Found {
  readonly cases: readonly CaseResult[];
  readonly absent: readonly Absence[];
}

stopByItself();
const options = readOptions(process.argv.slice(2));
const startedAt = new Date().toISOString();
const dir = mkdtempSync(join(tmpdir(), "purser-bench-"));
const results: Results = {
  startedAt,
  mode: options.mode,
  machine: describeMachine(dir),
  versions: describeVersions(),
  ...(await measureAll(options)),
  seconds: performance.now() / 1000,
};
rmSync(dir, { recursive: true, force: true });
console.log(markdown(results));
if (options.cases.length === CASES.length) write(results);
const broken = judge(results).filter((goal) => goal.isPromise && goal.verdict === "missed");
process.exit(broken.length === 0 ? 0 : 1);

async function measureAll({ cases, sizes }: Options): Promise<Found> {
  const upstream = await startUpstream(dir);
  const { databases, absent } = await openDatabases(dir);
  try {
    const cost = await measurePeers({ dir, upstream, databases }, { cases, sizes });
    const plan = { dir, upstream: upstream.origin, databases, cases, sizes };
    const promises = await measurePromises(plan);
    return {
      cases: [...cost.cases, ...promises.cases],
      absent: [...absent, ...cost.absent, ...promises.absent],
    };
  } finally {
    for (const database of databases) await database.stop();
    await upstream.stop();
  }
}

async function measurePeers(
  plan: PeersPlan,
  what: Pick<Options, "cases" | "sizes">,
): Promise<Found> {
  if (!what.cases.some((name) => COST_CASES.includes(name))) return { cases: [], absent: [] };
  const peers = await startPeers(plan);
  try {
    return { cases: await measureCost(peers, what), absent: peers.absent };
  } finally {
    await peers.stop();
  }
}

/** A run of some cases is only shown: it would leave holes in the tables that others read. */
function write(found: Results): void {
  const name = found.mode === "full" ? "latest" : "quick";
  const json = JSON.stringify({ ...found, goals: judge(found) }, null, 2);
  mkdirSync(RESULTS, { recursive: true });
  writeFileSync(join(RESULTS, `${name}.json`), `${json}\n`);
  writeFileSync(join(RESULTS, `${name}.md`), markdown(found));
}

function stopByItself(): void {
  process.on("SIGINT", () => process.exit(130));
  process.on("SIGTERM", () => process.exit(143));
  setTimeout(() => {
    console.error(`The bench did not end within ${RUN_MS_MAX / 60_000} minutes.`);
    process.exit(1);
  }, RUN_MS_MAX).unref();
}
