/** What a deployment's price comes to, so that a slip of the pen shows before it is charged. */

import type { DeploymentConfig } from "../config/config.ts";
import { formatUsd, nanoUsd, type PicoUsd } from "../money/amount.ts";
import { costAt, type Rates } from "../money/price.ts";
import { isKnown } from "../money/pricing.ts";
import { createPriceBook, type PriceBook } from "./book.ts";

/** Nobody gets a tenth of the list price, and nobody pays ten times as much. */
const SUSPICIOUS_FACTOR = 10n;

/** Pico-dollars per token are micro-dollars per million tokens: a thousand nano-dollars. */
const NANO_PER_MILLION_TOKENS = 1000n;

const SAMPLE = { input: 1000, output: 1000 };

export interface Preview {
  /** Name, origin, input and output per million tokens, a call of a thousand tokens each way, version. */
  readonly columns: readonly string[];
  readonly warnings: readonly string[];
}

export function previewOf(deployment: DeploymentConfig, book: PriceBook, now: number): Preview {
  const { modelName } = deployment;
  const resolved = book.explain(deployment, now);
  const lacking = lackOfPrice(deployment, book, now);
  if (resolved === null) {
    return { columns: [modelName, "no price", "", "", "", ""], warnings: lacking };
  }
  const { price, label } = resolved;
  const { input, output } = price.base;
  const sample = formatUsd(costAt(price.base, SAMPLE));
  return {
    columns: [modelName, label, perMillion(input), perMillion(output), sample, price.version],
    warnings: [...lacking, ...farFromList(deployment, price.base, now)],
  };
}

/** What becomes of the calls of a deployment whose price nobody knows, as one sentence, or none. */
export function lackOfPrice(
  deployment: DeploymentConfig,
  book: PriceBook,
  now: number,
): readonly string[] {
  const price = book.priceOf(deployment, now);
  if (isKnown(price)) return [];
  const until =
    price === null
      ? "it is refused to customers with a money limit and free to others"
      : "until it has, its calls cost what unpriced_fallback says";
  return [`${deployment.modelName} has no price: ${until}`];
}

/** The operator's price beside the one of the list, where both are known. */
function farFromList(deployment: DeploymentConfig, rates: Rates, now: number): readonly string[] {
  if (deployment.prices.length === 0) return [];
  const unpriced = { ...deployment, prices: [] };
  const listed = createPriceBook([unpriced]).priceOf(unpriced, now)?.base;
  return (["input", "output"] as const).flatMap((name) => {
    const [ours, theirs] = [rates[name], listed?.[name]];
    if (ours === undefined || theirs === undefined || !isFar(ours, theirs)) return [];
    const figures = `$${perMillion(ours)} per million tokens, and $${perMillion(theirs)} in the price list`;
    return [`${deployment.modelName}: its ${name} price is ${figures}`];
  });
}

function isFar(ours: PicoUsd, theirs: PicoUsd): boolean {
  if (ours === 0n) return false;
  return ours > theirs * SUSPICIOUS_FACTOR || ours * SUSPICIOUS_FACTOR < theirs;
}

function perMillion(rate: PicoUsd | undefined): string {
  return rate === undefined ? "" : formatUsd(nanoUsd(rate * NANO_PER_MILLION_TOKENS));
}
