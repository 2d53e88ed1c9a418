/** CPU time and memory of a process and everything it started, read from /proc. */

import { readdirSync, readFileSync } from "node:fs";

/** USER_HZ: the unit of the times in /proc/<pid>/stat, 100 a second on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;
const BYTES_PER_PAGE = 4096;

interface ProcessStat {
  readonly pid: number;
  readonly parent: number;
  readonly cpuTicks: number;
  readonly rssPages: number;
}

/** User and system time so far. Children that have ended are counted by their parent, so nothing is lost. */
export function cpuSeconds(rootPid: number): number {
  return sum(processTree(rootPid), (stat) => stat.cpuTicks) / TICKS_PER_SECOND;
}

export function rssBytes(rootPid: number): number {
  return sum(processTree(rootPid), (stat) => stat.rssPages) * BYTES_PER_PAGE;
}

function processTree(rootPid: number): readonly ProcessStat[] {
  const all = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((name) => readStat(Number(name)))
    .filter((stat) => stat !== undefined);
  const members = new Set([rootPid]);
  for (let size = 0; size !== members.size;) {
    size = members.size;
    for (const stat of all) if (members.has(stat.parent)) members.add(stat.pid);
  }
  return all.filter((stat) => members.has(stat.pid));
}

/** Undefined if the process ended meanwhile. Field numbers: proc_pid_stat(5); the name may hold spaces. */
function readStat(pid: number): ProcessStat | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    const field = (number: number): number => Number(fields[number - 3]);
    const cpuTicks = field(14) + field(15) + field(16) + field(17);
    return { pid, parent: field(4), cpuTicks, rssPages: field(24) };
  } catch {
    return undefined;
  }
}

function sum<Item>(items: readonly Item[], value: (item: Item) => number): number {
  return items.reduce((total, item) => total + value(item), 0);
}
