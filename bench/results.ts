/** The form of what a run found: the same for the JSON file and the tables. */

import type { CaseName } from "./options.ts";

/** The unit is part of a value's name; null is "could not be measured", never 0. */
export interface Row {
  readonly server: string;
  readonly values: Readonly<Record<string, number | null>>;
  /** What a reader must know of this row; errors above all. */
  readonly note?: string;
}

export interface CaseResult {
  readonly name: CaseName;
  readonly title: string;
  readonly about: string;
  readonly rows: readonly Row[];
}

export interface Absence {
  readonly server: string;
  readonly reason: string;
}

export interface Results {
  readonly startedAt: string;
  readonly seconds: number;
  readonly mode: "full" | "quick";
  readonly machine: Readonly<Record<string, string>>;
  readonly versions: Readonly<Record<string, string>>;
  /** What is missing from the tables, and why. */
  readonly absent: readonly Absence[];
  readonly cases: readonly CaseResult[];
}

/** Undefined where the case, the server or the value is missing from this run. */
export function valueOf(
  results: Pick<Results, "cases">,
  name: CaseName,
  at: { readonly server: string; readonly value: string },
): number | undefined {
  const rows = results.cases.find((each) => each.name === name)?.rows ?? [];
  return rows.find((row) => row.server === at.server)?.values[at.value] ?? undefined;
}

export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
