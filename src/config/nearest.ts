/** The name that was probably meant by one that does not exist. */

/** One slip for every four characters, and at least one: further apart it is another word. */
const CHARS_PER_SLIP = 4;

/** The most similar candidate, if it is similar enough to have been meant. */
export function nearest(name: string, candidates: readonly string[]): string | undefined {
  const slipsMax = Math.max(1, Math.floor(name.length / CHARS_PER_SLIP));
  const ranked = candidates
    .filter((candidate) => Math.abs(candidate.length - name.length) <= slipsMax)
    .map((candidate) => ({ candidate, slips: slipsBetween(name, candidate) }))
    .filter(({ slips }) => slips <= slipsMax)
    .sort((a, b) => a.slips - b.slips);
  return ranked[0]?.candidate;
}

/** Characters added, dropped, changed or swapped with their neighbour (optimal string alignment). */
function slipsBetween(from: string, to: string): number {
  let before: readonly number[] = [];
  let above: readonly number[] = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let row = 1; row <= from.length; row++) {
    const current = [row];
    for (let column = 1; column <= to.length; column++) {
      const changed = from[row - 1] === to[column - 1] ? 0 : 1;
      const swapped = from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1];
      current[column] = Math.min(
        at(above, column) + 1,
        at(current, column - 1) + 1,
        at(above, column - 1) + changed,
        swapped ? at(before, column - 2) + 1 : Infinity,
      );
    }
    [before, above] = [above, current];
  }
  return at(above, to.length);
}

function at(row: readonly number[], column: number): number {
  return row[column] ?? Infinity;
}
