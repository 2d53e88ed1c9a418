/** How long to wait after failures: twice as long each time, up to a bound. */

export interface Backoff {
  /** After the first failure. */
  readonly firstMs: number;
  readonly maxMs: number;
}

/**
 * Between half and all of the nominal wait: what failed together must not come back together. `random` gives numbers
 * from 0 up to 1.
 */
export function backoffMs(failures: number, bounds: Backoff, random: () => number): number {
  const nominalMs = Math.min(bounds.maxMs, bounds.firstMs * 2 ** (failures - 1));
  return Math.round((nominalMs / 2) * (1 + random()));
}
