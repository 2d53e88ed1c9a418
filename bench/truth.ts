/** What the mock upstream really produced, customer by customer, and how to ask it. */

export interface Truth {
  /** Calls answered to their end, and streams that the other side left. */
  readonly finished: number;
  readonly broken: number;
  readonly promptTokens: number;
  readonly completionTokens: number;
  /** What these calls cost, each rounded up on its own. */
  readonly nanoUsd: number;
}

export type TruthByCustomer = Readonly<Record<string, Truth>>;

export async function resetTruth(upstream: string): Promise<void> {
  const response = await fetch(`${upstream}/bench/reset`, { method: "POST" });
  await response.text();
}

export async function readTruth(upstream: string): Promise<TruthByCustomer> {
  const response = await fetch(`${upstream}/bench/truth`);
  return (await response.json()) as TruthByCustomer;
}
