/** What is wrong with a configuration, where, and what to do about it. */

export interface Mistake {
  /** The key from the root of the file, the variable, or the flag. */
  readonly path: string;
  readonly problem: string;
  readonly cure: string;
}

/** A longer path is printed in full but no longer decides where the second column begins. */
const PATH_COLUMN_CHARS_MAX = 56;

/** One line for each, in two columns, under a line that counts them. */
export function formatMistakes(mistakes: readonly Mistake[]): string {
  const count = mistakes.length === 1 ? "1 mistake" : `${mistakes.length} mistakes`;
  const lengths = mistakes.map(({ path }) => path.length);
  const width = Math.min(Math.max(0, ...lengths), PATH_COLUMN_CHARS_MAX);
  const lines = mistakes.map(
    ({ path, problem, cure }) => `  ${path.padEnd(width)}   ${problem}; ${cure}`,
  );
  return [`config: ${count}`, ...lines].join("\n");
}
