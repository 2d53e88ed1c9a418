/** What Purser wants to reach, held against what a run measured. */

import type { CaseName } from "./options.ts";
import { valueOf, type Results } from "./results.ts";
import { significant } from "./statistics.ts";

export interface GoalResult {
  readonly what: string;
  readonly goal: string;
  readonly measured: string;
  readonly verdict: "met" | "missed" | "not measured";
  /** A broken promise about money fails the run; a slow machine does not. */
  readonly isPromise: boolean;
}

type Cases = Pick<Results, "cases">;

interface Goal {
  readonly what: string;
  readonly unit: string;
  readonly atMost: number;
  readonly isPromise: boolean;
  /** Undefined where this run cannot tell. */
  readonly measure: (cases: Cases) => number | undefined;
}

const SQLITE = "Purser, SQLite";
const POSTGRES = "Purser, PostgreSQL";
const CPU = "CPU µs";

const GOALS: readonly Goal[] = [
  ratio("CPU per call, SQLite", { name: "cpu", over: "nginx", atMost: 4.5 }),
  ratio("CPU per call, SQLite", { name: "cpu", over: "Portkey", atMost: 1 / 8 }),
  ratio("CPU per 200-chunk stream, SQLite", { name: "stream", over: "nginx", atMost: 1.4 }),
  ratio("the same, each chunk on its own", { name: "stream-apart", over: "nginx", atMost: 1.4 }),
  figure("added latency p50, SQLite", SQLITE, ["latency", "added p50 ms", 1.0]),
  figure("added latency p50, PostgreSQL", POSTGRES, ["latency", "added p50 ms", 2.5]),
  promise("overshoot, SQLite", SQLITE, ["overshoot", "overshoot %"]),
  promise("overshoot, PostgreSQL", POSTGRES, ["overshoot", "overshoot %"]),
  promise("lost after kill -9, SQLite", SQLITE, ["crash", "lost nano$"]),
  promise("lost after kill -9, PostgreSQL", POSTGRES, ["crash", "lost nano$"]),
  promise("charged twice after kill -9, SQLite", SQLITE, ["crash", "charged twice nano$"]),
  promise("charged twice after kill -9, PostgreSQL", POSTGRES, ["crash", "charged twice nano$"]),
  promise("customers whose ledger differs, SQLite", SQLITE, ["parity", "customers that differ"]),
  promise("customers whose ledger differs, PostgreSQL", POSTGRES, [
    "parity",
    "customers that differ",
  ]),
  figure("peak memory, SQLite", SQLITE, ["memory", "peak MB", 250]),
  figure("peak memory, PostgreSQL", POSTGRES, ["memory", "peak MB", 250]),
];

export function judge(cases: Cases): readonly GoalResult[] {
  return GOALS.map((goal) => {
    const value = goal.measure(cases);
    return {
      what: goal.what,
      goal: `≤ ${significant(goal.atMost)} ${goal.unit}`,
      measured: value === undefined ? "–" : `${significant(value)} ${goal.unit}`,
      verdict: value === undefined ? "not measured" : value <= goal.atMost ? "met" : "missed",
      isPromise: goal.isPromise,
    };
  });
}

function ratio(
  what: string,
  plan: { readonly name: CaseName; readonly over: string; readonly atMost: number },
): Goal {
  return {
    what,
    unit: `× ${plan.over}`,
    atMost: plan.atMost,
    isPromise: false,
    measure: (cases) => {
      const own = valueOf(cases, plan.name, { server: SQLITE, value: CPU });
      const other = valueOf(cases, plan.name, { server: plan.over, value: CPU });
      return own === undefined || other === undefined ? undefined : own / other;
    },
  };
}

function figure(what: string, server: string, at: readonly [CaseName, string, number]): Goal {
  const [name, value, atMost] = at;
  return {
    what,
    unit: /%|\w+\$|ms|MB/.exec(value)?.[0] ?? "",
    atMost,
    isPromise: false,
    measure: (cases) => valueOf(cases, name, { server, value }),
  };
}

function promise(what: string, server: string, at: readonly [CaseName, string]): Goal {
  return { ...figure(what, server, [...at, 0]), isPromise: true };
}
