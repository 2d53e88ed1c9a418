/** Waits for something to become true, by asking; for what no event tells. */

/** Far longer than anything that a test waits for takes. */
export const PATIENCE_MS = 20_000;

export async function until(condition: () => Promise<boolean>): Promise<void> {
  const givenUp = performance.now() + PATIENCE_MS;
  while (!(await condition())) {
    if (performance.now() > givenUp) throw new Error(`not within ${String(PATIENCE_MS)} ms`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}
