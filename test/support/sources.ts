/** The TypeScript files of the repository as `tidy.test.ts` reads them: what they say, import and export. */

import { globSync, readFileSync } from "node:fs";
import { posix } from "node:path";

import { blank, type Comment } from "./blank.ts";

export interface Import {
  /** The path of a file, from the root of the repository, or the name of a package or of a part of Node. */
  readonly from: string;
  /** `*` stands for whatever the file exports. */
  readonly names: readonly string[];
  readonly typeOnly: boolean;
}

export interface Export {
  readonly name: string;
  readonly isType: boolean;
}

export interface Source {
  /** From the root of the repository: `src/money/amount.ts`. */
  readonly path: string;
  readonly text: string;
  /** Without comments and the insides of strings. */
  readonly code: string;
  readonly comments: readonly Comment[];
  readonly imports: readonly Import[];
  readonly exports: readonly Export[];
  /** Whether it exports by a list, as a file must to pass on the names of another. */
  readonly passesOn: boolean;
}

const ROOT = posix.join(import.meta.dirname, "../..");

const FROM = /^(?:import|export) (?:(type )?([\w*{},\s]+?) from )?" *"/gm;
const LOADED = /\bimport\(\s*" *"/g;
const EXPORTED =
  /^export (?:abstract |async )*(const|let|function\*?|class|interface|type) (\w+)/gm;
const PASSED_ON = /^export (?:type )?[*{]/m;

export function readText(path: string): string {
  return readFileSync(posix.join(ROOT, path), "utf8");
}

export function readSources(folder: string): readonly Source[] {
  const paths = globSync(`${folder}/**/*.ts`, { cwd: ROOT });
  return paths.toSorted().map((path) => parseSource(path, readText(path)));
}

export function parseSource(path: string, text: string): Source {
  const { code, comments } = blank(text);
  const exports = [...code.matchAll(EXPORTED)].map(([, kind = "", name = ""]) => {
    return { name, isType: kind === "interface" || kind === "type" };
  });
  const imports = importsOf(path, text, code);
  return { path, text, code, comments, imports, exports, passesOn: PASSED_ON.test(code) };
}

function importsOf(path: string, text: string, code: string): readonly Import[] {
  const from = (match: RegExpExecArray): string => {
    const statement = text.slice(match.index, match.index + match[0].length);
    const specifier = statement.split('"').at(-2) ?? "";
    return specifier.startsWith(".") ? posix.join(path, "..", specifier) : specifier;
  };
  const stated = code.matchAll(FROM).map((match): Import => {
    const [, type, clause = "*"] = match;
    const items = itemsOf(clause);
    const typeOnly = type !== undefined || items.every((item) => item.startsWith("type "));
    return { from: from(match), names: items.map(nameOf), typeOnly };
  });
  const loaded = code.matchAll(LOADED).map((match): Import => {
    return { from: from(match), names: ["*"], typeOnly: false };
  });
  return [...stated, ...loaded];
}

/** `pino, { type Logger, destination as sink }` is `pino`, `type Logger` and `destination as sink`. */
function itemsOf(clause: string): readonly string[] {
  const items = clause.split(/[{},]/).map((item) => item.trim());
  return items.filter((item) => item !== "");
}

/** The name under which the other file exports an item. */
function nameOf(item: string): string {
  return item.replace(/^type /, "").split(" as ")[0] ?? "";
}
