/** What calls cost and why: every number of a price with where it comes from, what has none, and corrections. */

import type { FastifyInstance } from "fastify";
import { Type, type Static } from "typebox";
import type { DeploymentConfig } from "../config/config.ts";
import { ApiError } from "../http/errors.ts";
import { formatPrice, picoUsd } from "../money/amount.ts";
import type { RateName } from "../money/price.ts";
import { isKnown } from "../money/pricing.ts";
import { isCountedUnit, type UsagePart } from "../money/usage.ts";
import type { SourcedCard, SourcedRate, SourcedRates } from "../prices/rates.ts";
import type { ResolvedPrice } from "../prices/resolve.ts";
import type { Admin } from "./admin.ts";
import { costMargin } from "./cost-margin.ts";
import { reprice, RepriceBody } from "./reprice.ts";
import { isoTime, timeIn } from "./time.ts";

const Resolved = Type.Object({
  model: Type.String({ minLength: 1 }),
  at: Type.Optional(Type.String()),
});
type Resolved = Static<typeof Resolved>;

const TAGS = ["prices"];

const PER_MILLION = 1_000_000n;

export function priceRoutes(app: FastifyInstance, admin: Admin): void {
  app.get<{ Querystring: Resolved }>(
    "/prices/resolved",
    {
      config: { access: "read" },
      schema: { summary: "Every number of a model's price", tags: TAGS, querystring: Resolved },
    },
    ({ query }) => resolvedPrices(query, admin),
  );
  app.get(
    "/prices/missing",
    { config: { access: "read" }, schema: { summary: "What has no price", tags: TAGS } },
    () => missingPrices(admin),
  );
  app.post<{ Body: RepriceBody }>(
    "/prices/reprice",
    {
      config: { access: "write" },
      schema: {
        summary: "Post what calls cost by today's price book",
        tags: TAGS,
        body: RepriceBody,
      },
    },
    ({ body }) => reprice(body, admin),
  );
}

function resolvedPrices({ model, at }: Resolved, admin: Admin): unknown {
  const deployments = admin.deployments.filter(
    ({ modelName, id }) => modelName === model || id === model,
  );
  if (deployments.length === 0) {
    const message = `The model "${model.slice(0, 100)}" does not exist. See GET /v1/models.`;
    throw new ApiError("model_not_found", message, { param: "model" });
  }
  const time = at === undefined ? admin.clock.now() : timeIn(at, "at");
  return {
    model,
    at: isoTime(time),
    deployments: deployments.map((deployment) => deploymentPrice(deployment, time, admin)),
  };
}

function deploymentPrice(deployment: DeploymentConfig, at: number, admin: Admin): unknown {
  const { id, provider, model, baseModel } = deployment;
  const price = admin.prices.explain(deployment, at);
  const margin = admin.margins[provider] ?? admin.margins["global"];
  return {
    id,
    provider,
    model,
    base_model: baseModel,
    margin: costMargin(margin ?? null),
    ...(price === null ? { state: "unpriced" } : jsonPrice(price)),
  };
}

function jsonPrice({ price, label, standard, services }: ResolvedPrice) {
  return {
    state: isKnown(price) ? "priced" : "fallback",
    version: price.version,
    origin: price.origin,
    label,
    ...jsonCard(standard),
    services: Object.fromEntries(
      Object.entries(services).map(([service, card]) => [service, jsonCard(card)]),
    ),
  };
}

function jsonCard({ base, tiers }: SourcedCard) {
  return {
    rates: jsonRates(base),
    tiers: tiers.map(({ aboveInputTokens, rates }) => ({
      above_input_tokens: aboveInputTokens,
      rates: jsonRates(rates),
    })),
  };
}

function jsonRates(rates: SourcedRates): unknown {
  const entries = Object.entries(rates) as [RateName, SourcedRate][];
  return Object.fromEntries(entries.map(([name, rate]) => [name, jsonRate(name, rate)]));
}

/** Tokens are few dollars a million, and fractions of a cent each: both are shown, as people mix them up. */
function jsonRate(name: RateName, { rate, origin }: SourcedRate): unknown {
  const unit = JSON.rawJSON(formatPrice(rate));
  if (name === "request" || isCountedUnit(name)) return { dollars: unit, per: "unit", origin };
  const million = JSON.rawJSON(formatPrice(picoUsd(rate * PER_MILLION)));
  return { dollars: unit, per: "token", per_million: million, origin };
}

async function missingPrices({ ledger, deployments, prices, clock }: Admin): Promise<unknown> {
  const now = clock.now();
  const missing = await ledger.read.unpriced();
  return {
    calls: missing.map(({ model, provider, deployment, parts, calls, firstAt, lastAt }) => ({
      model,
      provider,
      deployment,
      unpriced: parts satisfies readonly UsagePart[],
      calls: Number(calls),
      first_at: isoTime(firstAt),
      last_at: isoTime(lastAt),
    })),
    deployments: deployments
      .filter((deployment) => !isKnown(prices.priceOf(deployment, now)))
      .map(({ id, modelName, provider, model }) => ({
        id,
        model_name: modelName,
        provider,
        model,
      })),
  };
}
