/** How calls are spread over deployments, and what follows a failure. */

import type { FallbacksConfig, RoutingConfig } from "./config.ts";
import { DEFAULTS } from "./defaults.ts";
import type { Values } from "./key.ts";
import type { KEYS } from "./keys.ts";
import { nearest } from "./nearest.ts";
import { addMistake, addWarning, inside, type Scope } from "./scope.ts";

type Router = Values<(typeof KEYS)["router_settings"]>;
type Litellm = Values<(typeof KEYS)["litellm_settings"]>;

const FALLBACK_KEYS = [
  "fallbacks",
  "context_window_fallbacks",
  "content_policy_fallbacks",
] as const;

/** As in LiteLLM, what the router says wins over the general settings of calls. */
export function routingOf(router: Router, litellm: Litellm): RoutingConfig {
  return {
    retries: router.num_retries ?? litellm.num_retries,
    retryAfterMs: router.retry_after ?? DEFAULTS.routing.retryAfterMs,
    failuresAllowed:
      router.allowed_fails ?? litellm.allowed_fails ?? DEFAULTS.routing.failuresAllowed,
    cooldownMs: cooldownOf(router, litellm),
    checksContext: router.enable_pre_call_checks ?? false,
    fallbacks: fallbacksOf(router, litellm),
  };
}

function cooldownOf(router: Router, litellm: Litellm): number {
  if (router.disable_cooldowns === true) return 0;
  return router.cooldown_time ?? litellm.cooldown_time ?? DEFAULTS.routing.cooldownMs;
}

function fallbacksOf(router: Router, litellm: Litellm): FallbacksConfig {
  const [general, context, policy] = FALLBACK_KEYS.map(
    (key) => router[key] ?? litellm[key] ?? new Map<string, readonly string[]>(),
  );
  const fallback = router.default_fallbacks ?? litellm.default_fallbacks ?? [];
  const none = new Map<string, readonly string[]>();
  return { general: general ?? none, context: context ?? none, policy: policy ?? none, fallback };
}

/** A fallback that cannot be called is a mistake that would else show on the day it is needed. */
export function checkFallbacks(
  { fallbacks }: RoutingConfig,
  models: ReadonlySet<string>,
  scope: Scope,
): void {
  const maps = [fallbacks.general, fallbacks.context, fallbacks.policy];
  warnOfUnasked(new Set(maps.flatMap((map) => [...map.keys()])), models, scope);
  const lists = maps.flatMap((map) => [...map.values()]);
  const named = new Set([...lists.flat(), ...fallbacks.fallback]);
  for (const name of named) {
    if (models.has(name)) continue;
    const problem = `"${name}" is not the model_name of a deployment`;
    addMistake(inside(scope, "fallbacks"), problem, "add it to model_list, or remove it here");
  }
}

/** LiteLLM starts with these, so they do not stop the start here. */
function warnOfUnasked(
  asked: ReadonlySet<string>,
  models: ReadonlySet<string>,
  scope: Scope,
): void {
  for (const name of asked) {
    if (models.has(name)) continue;
    const meant = nearest(name, [...models]);
    const guess = meant === undefined ? "" : `; did you mean "${meant}"?`;
    const cure = name === "*" ? "; write default_fallbacks for all models" : guess;
    const problem = `"${name}" is not the model_name of a deployment, so these are never used`;
    addWarning(inside(scope, "fallbacks"), problem + cure);
  }
}
