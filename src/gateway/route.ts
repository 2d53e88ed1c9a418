/** Which deployments may answer a call, and in which order they are asked. */

import { ApiError } from "../http/errors.ts";
import type { Caller } from "../http/auth.ts";
import type { Region } from "../ledger/book.ts";
import type { Call } from "./call.ts";
import type { Deployment, Gateway } from "./gateway.ts";
import type { Asking } from "./reserve.ts";
import { estimatedTokensOfBytes } from "./tokens.ts";

type Routed = Pick<Call, "route" | "body" | "uploads">;

/**
 * Deployments in the order of trial: the well ones first, drawn by their shares; of one region, where it is named.
 * Throws where there are none.
 */
export function deploymentsFor(
  call: Routed,
  model: string,
  gateway: Gateway,
  region: Region | null = null,
): readonly Deployment[] {
  const configured = gateway.deployments.get(model);
  if (configured === undefined) {
    const message = `The model "${shown(model)}" does not exist. See GET /v1/models.`;
    throw new ApiError("model_not_found", message, { param: "model" });
  }
  const near = configured.filter(({ config }) => region === null || config.region === region);
  const speaking = near.filter((deployment) => speaks(deployment, call));
  if (speaking.length === 0) {
    const message = `The model "${shown(model)}" is not served on ${call.route.name}.`;
    throw new ApiError("unsupported_route", message, { param: "model" });
  }
  if (speaking.length === 1) return speaking;
  const fitting = withinContext(speaking, call, gateway);
  return wellFirst(drawn(fitting, gateway.random), gateway);
}

/** The same for a model that the client did not ask for: where it cannot answer, there are none. */
export function standInsFor(
  call: Routed,
  model: string,
  gateway: Gateway,
  region: Region | null = null,
): readonly Deployment[] {
  try {
    return deploymentsFor(call, model, gateway, region);
  } catch (error) {
    if (error instanceof ApiError) return [];
    throw error;
  }
}

/** The call as it is put to the ledger, at the price of the first of its deployments. */
export function route(call: Call, caller: Caller, gateway: Gateway): Asking {
  const pool = deploymentsFor(call, call.model, gateway);
  const [deployment] = pool;
  if (deployment === undefined) throw new Error("a pool has at least one deployment");
  return askingFor({ call, caller, deployment, pool, attempts: [] }, gateway);
}

export function askingFor(
  given: Omit<Asking, "price" | "at" | "inputTokens">,
  { clock, prices }: Gateway,
): Asking {
  const at = clock.now();
  const price = prices.priceOf(given.deployment.config, at);
  return { ...given, at, price, inputTokens: null };
}

/** What is not translated passes only between those who speak alike. */
function speaks({ provider }: Deployment, { route }: Routed): boolean {
  if (provider.families.includes(route.dialect.family)) return true;
  return Object.hasOwn(provider.translated, route.name);
}

/** All of them where none would do, so that a provider says why. */
function withinContext(
  deployments: readonly Deployment[],
  call: Routed,
  gateway: Gateway,
): readonly Deployment[] {
  if (!gateway.routing.checksContext) return deployments;
  const tokens = estimatedTokensOfBytes(call.body, call.uploads);
  const fitting = deployments.filter(
    ({ config }) => config.inputTokensMax === null || tokens <= config.inputTokensMax,
  );
  return fitting.length === 0 ? deployments : fitting;
}

/** Each draw takes one by its share of what is left; a deployment without a share counts as one. */
function drawn(deployments: readonly Deployment[], random: () => number): readonly Deployment[] {
  const left = [...deployments];
  const order: Deployment[] = [];
  while (left.length > 0) {
    const shares = left.map(({ config }) => config.share ?? 1);
    const total = shares.reduce((sum, share) => sum + share, 0);
    let at = random() * total;
    const index = shares.findIndex((share) => (at -= share) < 0);
    order.push(...left.splice(Math.max(0, index), 1));
  }
  return order;
}

/** Those that are cooling down come last, the one that is done first before the others. */
function wellFirst(deployments: readonly Deployment[], gateway: Gateway): readonly Deployment[] {
  const now = gateway.clock.now();
  const coolUntil = ({ config }: Deployment): number =>
    Math.max(gateway.cooldowns.coolUntil(config.id), now);
  return deployments.toSorted((a, b) => coolUntil(a) - coolUntil(b));
}

/** Enough of a name to recognise it; a megabyte is not echoed. */
function shown(name: string): string {
  return name.length > 100 ? `${name.slice(0, 100)}…` : name;
}
