/** Where in the configuration the reader stands, and what it has noticed so far. */

import type { Config } from "./config.ts";
import type { Mistake } from "./mistake.ts";

/** Reading goes on after a mistake, so that all of them are reported at once. */
interface Findings {
  readonly mistakes: Mistake[];
  readonly ignored: Config["ignored"][number][];
  readonly warnings: string[];
}

/** The environment; `process.env` is one. */
export type Variables = Readonly<Record<string, string | undefined>>;

export interface Scope {
  /** Empty at the root. */
  readonly path: string;
  readonly variables: Variables;
  readonly findings: Findings;
}

const PLAIN_KEY = /^[\w-]+$/;
/** Enough to recognise a key by; a longer one was never meant as one. */
const KEY_CHARS_SHOWN = 64;

export function noFindings(): Findings {
  return { mistakes: [], ignored: [], warnings: [] };
}

export function inside(scope: Scope, step: string | number): Scope {
  if (typeof step === "number") return { ...scope, path: `${scope.path}[${step}]` };
  const name = showKey(step);
  return { ...scope, path: scope.path === "" ? name : `${scope.path}.${name}` };
}

/** The value of a variable; one that is set to nothing counts as not set, as Compose files do it. */
export function variable(variables: Variables, name: string): string | undefined {
  const value = Object.hasOwn(variables, name) ? variables[name] : undefined;
  return value === "" ? undefined : value;
}

/** What comes after the first mistake at a path is its consequence, or the same variable read once more. */
export function addMistake(scope: Scope, problem: string, cure: string): void {
  const { path, findings } = scope;
  if (findings.mistakes.some((earlier) => earlier.path === path)) return;
  findings.mistakes.push({ path, problem, cure });
}

export function addIgnored(scope: Scope, reason: string): void {
  scope.findings.ignored.push({ path: scope.path, reason });
}

export function addWarning(scope: Scope, text: string): void {
  scope.findings.warnings.push(`${scope.path}: ${text}`);
}

function showKey(key: string): string {
  const short = key.slice(0, KEY_CHARS_SHOWN);
  return PLAIN_KEY.test(short) ? short : JSON.stringify(short);
}
