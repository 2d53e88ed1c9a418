/** The YAML file as plain values, or every syntax error with its line. */

import { readFileSync } from "node:fs";
import { LineCounter, parseDocument, type Document, type YAMLError } from "yaml";
import { isObject, type JsonObject } from "../platform/json.ts";
import { addMistake, type Scope } from "./scope.ts";

/** A long model list has some hundred kilobytes; more is some other file. */
const FILE_BYTES_MAX = 4 * 1024 * 1024;
/** Uses of anchors, one inside another multiplied: enough for a long list, too few to unfold to gigabytes. */
const ALIASES_MAX = 10_000;
/** One slip often makes many errors; the first ones tell. */
const ERRORS_SHOWN = 5;

const CURES: Readonly<Record<string, string>> = {
  DUPLICATE_KEY: "keep one of the two",
  MULTIPLE_DOCS: 'remove the line "---"',
  TAB_AS_INDENT: "indent with spaces",
};

/** The root mapping; null after a mistake. */
export function readYamlFile(file: string, scope: Scope): JsonObject | null {
  const here = { ...scope, path: file };
  const text = readText(file, here);
  return text === null ? null : parseYaml(text, here);
}

function readText(file: string, scope: Scope): string | null {
  try {
    const bytes = readFileSync(file);
    if (bytes.length <= FILE_BYTES_MAX) return bytes.toString("utf8");
    addMistake(scope, `is larger than ${FILE_BYTES_MAX} bytes`, "name the configuration file");
  } catch (error) {
    addMistake(scope, `cannot be read: ${message(error)}`, "check the path and its permissions");
  }
  return null;
}

function parseYaml(text: string, scope: Scope): JsonObject | null {
  const lineCounter = new LineCounter();
  // Pretty errors would quote the source, which may hold secrets.
  const options = { lineCounter, prettyErrors: false, merge: true, stringKeys: true };
  const document = parseDocument(text, options);
  const errors = [...document.errors, ...document.warnings].slice(0, ERRORS_SHOWN);
  for (const error of errors) addSyntaxError(error, scope, lineCounter);
  return errors.length > 0 ? null : root(document, scope);
}

function addSyntaxError(error: YAMLError, scope: Scope, lineCounter: LineCounter): void {
  const { line } = lineCounter.linePos(error.pos[0]);
  const cure = CURES[error.code] ?? "check indentation, quotes and brackets at this line";
  addMistake({ ...scope, path: `${scope.path}:${line}` }, error.message, cure);
}

/** An empty file is a mapping without keys. */
function root(document: Document, scope: Scope): JsonObject | null {
  try {
    const value: unknown = document.toJS({ maxAliasCount: ALIASES_MAX }) ?? {};
    if (isObject(value)) return value;
    addMistake(scope, "is not a mapping", "begin with model_list:");
  } catch (error) {
    addMistake(scope, message(error), "write out what the alias stands for");
  }
  return null;
}

function message(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
