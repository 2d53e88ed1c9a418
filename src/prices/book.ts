/** The price of a call on each deployment: the operator's word first, the catalogue's for the rest. */

import type { DeploymentConfig, PriceOverrides } from "../config/config.ts";
import type { Price } from "../money/price.ts";
import { findListed } from "./catalogue.ts";
import { readListing } from "./listing.ts";
import { completePrice, isListed, type GivenRates } from "./rates.ts";
import { always, mapSchedule, readSchedule, valueAt, type Schedule } from "./schedule.ts";

export interface PriceBook {
  /** The price at this time, in epoch milliseconds; null if it is not known, which is not the same as 0. */
  priceOf(deployment: DeploymentConfig, at: number): Price | null;
  /**
   * The longest answer, in tokens; null if it is not known. The catalogue's context windows are no substitute: they
   * hold the prompt as well, and providers refuse them as a bound of the output.
   */
  outputTokensMaxOf(deployment: DeploymentConfig): number | null;
}

/** Everything is looked up here, once, and only the time is left to ask about. */
export function createPriceBook(deployments: readonly DeploymentConfig[]): PriceBook {
  const schedules = new Map(deployments.map((deployment) => [deployment.id, pricesOf(deployment)]));
  return {
    priceOf: (deployment, at) => valueAt(schedules.get(deployment.id) ?? [], at),
    outputTokensMaxOf: (deployment) => deployment.outputTokensMax,
  };
}

/** With both input and output given, the list plays no part: its discounts are off other rates. */
function pricesOf(deployment: DeploymentConfig): Schedule<Price | null> {
  const given = givenRates(deployment.prices);
  if (isListed(given)) return always(completePrice({ base: given, tiers: [] }, given));
  const model = findListed(deployment);
  if (model === undefined) return [];
  return mapSchedule(readSchedule(model.prices), (prices) => {
    const listed = readListing(prices);
    return listed === null ? null : completePrice(listed, given);
  });
}

function givenRates({ input, output, cacheRead, cacheWrite, request }: PriceOverrides): GivenRates {
  return {
    ...(input === null ? {} : { input }),
    ...(output === null ? {} : { output }),
    ...(cacheRead === null ? {} : { cacheRead }),
    ...(cacheWrite === null ? {} : { cacheWrite5m: cacheWrite }),
    ...(request === null ? {} : { request }),
  };
}
