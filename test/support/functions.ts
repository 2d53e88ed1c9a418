/** How long the functions of a source are, told by the indentation that the formatter guarantees. */

import type { Source } from "./sources.ts";

export interface FunctionLength {
  /** Counted from 1. */
  readonly line: number;
  readonly lines: number;
}

/** A line that opens the body of a function, or else a block of control flow. */
const OPENS = /(?:=>|\)(?:: .*)?) \{$/;
const CONTROL = /^\s*(?:\} )?(?:if|else|for|while|switch|case|catch|class|interface)\b/;

export function functionLengths(source: Source): readonly FunctionLength[] {
  const lines = source.code.split("\n");
  return lines.flatMap((line, index) => {
    if (!OPENS.test(line)) return [];
    const indent = indentOf(line);
    // A head of several lines ends with its closing bracket, below the line that it began on.
    const head = line.startsWith(")", indent)
      ? lines.findLastIndex((above, at) => at < index && begins(above, indent))
      : index;
    if (CONTROL.test(lines[head] ?? "")) return [];
    const end = lines.findIndex((below, at) => at > index && begins(below, indent));
    return [{ line: head + 1, lines: end - head + 1 }];
  });
}

function begins(line: string, indent: number): boolean {
  return line.trim() !== "" && indentOf(line) === indent;
}

function indentOf(line: string): number {
  return line.length - line.trimStart().length;
}
