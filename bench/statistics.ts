/** Order statistics of small samples. */

/** The value below which this share of the sample lies; NaN of an empty sample. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(Math.ceil(sorted.length * share), sorted.length) - 1] ?? NaN;
}

/** Of an even sample the mean of the middle two. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)] ?? NaN;
  const lower = sorted[Math.ceil(sorted.length / 2) - 1] ?? NaN;
  return (lower + upper) / 2;
}

/** Rounded to so many significant digits: more would claim a precision that was not measured. */
export function significant(value: number, digits = 3): number {
  return Number(value.toPrecision(digits));
}
