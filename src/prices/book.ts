/** The price of a call on each deployment: the operator's word first, the catalogue's for the rest. */

import type { ModelPrice } from "@pydantic/genai-prices";
import type { Config, DeploymentConfig, MarkupConfig } from "../config/config.ts";
import type { BookPrice } from "../money/pricing.ts";
import { familyNames, findListed } from "./catalogue.ts";
import { readListing } from "./listing.ts";
import { atMultiple, mapCard, type SourcedCard } from "./rates.ts";
import { regionalMultiple } from "./regional.ts";
import { resolveFallback, resolvePrice, type ResolvedPrice } from "./resolve.ts";
import { always, mapSchedule, readSchedule, since, valueAt, type Schedule } from "./schedule.ts";
import { serviceMultiples } from "./service-tiers.ts";

export interface PriceBook {
  /** At this time, in epoch milliseconds; null if there is none, not even a fallback, which is not the same as 0. */
  priceOf(deployment: Pick<DeploymentConfig, "id">, at: number): BookPrice | null;
  /** The same with where each number comes from. */
  explain(deployment: Pick<DeploymentConfig, "id">, at: number): ResolvedPrice | null;
  /**
   * The longest answer, in tokens; null if it is not known. The catalogue's context windows are no substitute: they
   * hold the prompt as well, and providers refuse them as a bound of the output.
   */
  outputTokensMaxOf(deployment: DeploymentConfig): number | null;
}

type PriceRules = Pick<Config, "unpricedFallback"> & {
  readonly markup: Pick<MarkupConfig, "discountsPpm">;
};

const NO_RULES: PriceRules = { unpricedFallback: null, markup: { discountsPpm: {} } };

/** Everything is looked up here, once, and only the time is left to ask about. */
export function createPriceBook(
  deployments: readonly DeploymentConfig[],
  { unpricedFallback, markup: { discountsPpm } } = NO_RULES,
): PriceBook {
  const fallback = unpricedFallback === null ? null : resolveFallback(unpricedFallback);
  const schedules = new Map(
    deployments.map((deployment) => {
      const discountPpm = discountsPpm[deployment.provider] ?? 0n;
      return [deployment.id, pricesOf(deployment, discountPpm)] as const;
    }),
  );
  const explain: PriceBook["explain"] = ({ id }, at) => {
    const schedule = schedules.get(id);
    return schedule === undefined ? null : (valueAt(schedule, at) ?? fallback);
  };
  return {
    explain,
    priceOf: (deployment, at) => explain(deployment, at)?.price ?? null,
    outputTokensMaxOf: (deployment) => deployment.outputTokensMax,
  };
}

/** Each of the operator's prices, from its day on, over each of the list's. */
function pricesOf(
  deployment: DeploymentConfig,
  discountPpm: bigint,
): Schedule<ResolvedPrice | null> {
  const multiples = serviceMultiples(deployment.provider, familyNames(deployment));
  const listed = listedPrices(deployment);
  const overrides = [null, ...deployment.prices];
  return overrides.flatMap((override) => {
    const prices = mapSchedule(listed, (card) =>
      resolvePrice({ override, listed: card, multiples, discountPpm }),
    );
    return since(override?.from ?? Number.NEGATIVE_INFINITY, prices);
  });
}

/** Before the first listed price there is none. */
function listedPrices(deployment: DeploymentConfig): Schedule<SourcedCard | null> {
  const unlisted = always<SourcedCard | null>(null);
  const model = findListed(deployment);
  if (model === undefined) return unlisted;
  const multiple = regionalMultiple(deployment);
  const read = (price: ModelPrice): SourcedCard | null => {
    const card = readListing(price);
    if (card === null || multiple === null) return card;
    return mapCard(card, (rates) => atMultiple(rates, multiple, "regional"));
  };
  return [...unlisted, ...mapSchedule(readSchedule(model.prices), read)];
}
