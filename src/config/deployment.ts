/** The entries of `model_list` as deployments that can be called. */

import { parsePrice } from "../money/amount.ts";
import type { Json, JsonObject } from "../platform/json.ts";
import type { DeploymentConfig, PriceOverrides } from "./config.ts";
import { identify, type Draft } from "./identity.ts";
import type { Key, Values } from "./key.ts";
import { KEYS, VARIABLES } from "./keys.ts";
import { KNOWN_PROVIDERS, type KnownProvider } from "./providers.ts";
import { parseRoute } from "./route.ts";
import { addMistake, addWarning, inside, type Scope } from "./scope.ts";
import { accept, readKey, readSection, readVariable } from "./section.ts";
import { parseMapping, show } from "./value.ts";

type Params = Values<typeof KEYS.litellm_params>;
type Info = Values<typeof KEYS.model_info>;
type Upstream = Pick<DeploymentConfig, "provider" | "model" | "apiBase" | "apiKey" | "apiVersion">;

const ENTRY: Key<JsonObject> = { parse: parseMapping, about: "One deployment." };
/** Ten thousand dollars for a million tokens: nobody asks that, but price lists are per million. */
const SUSPICIOUS_PRICE = parsePrice("0.01") ?? 0n;

export function readDeployments(list: readonly Json[], scope: Scope): readonly DeploymentConfig[] {
  if (list.length === 0) addMistake(scope, "is empty", "add at least one deployment");
  return identify(list.flatMap((entry, index) => readEntry(entry, inside(scope, index)) ?? []));
}

/** Null after a mistake that leaves nothing to be called. */
function readEntry(value: Json, scope: Scope): Draft | null {
  const given = readKey(ENTRY, value, scope);
  if (given === null) return null;
  const {
    model_name: modelName,
    litellm_params,
    model_info,
  } = readSection("deployment", given, scope);
  const paramsScope = inside(scope, "litellm_params");
  const params = litellm_params && readSection("litellm_params", litellm_params, paramsScope);
  const info = readSection("model_info", model_info ?? {}, inside(scope, "model_info"));
  const upstream = params && readUpstream(params, paramsScope);
  if (modelName === null || params === null || upstream === null) return null;
  const prices = pricesOf(params, info);
  warnOfPrices(prices, info.mode, scope);
  const baseModel = info.base_model ?? params.base_model;
  const outputTokensMax = info.max_output_tokens;
  return {
    id: info.id,
    scope,
    deployment: { modelName, ...upstream, baseModel, outputTokensMax, prices },
  };
}

function readUpstream(params: Params, scope: Scope): Upstream | null {
  const givenBase = params.api_base ?? params.base_url;
  if (params.model === null) return null;
  const parsed = parseRoute(params.model, givenBase !== null);
  const route = accept(parsed, `${show(params.model)} `, inside(scope, "model"));
  if (route === null) return null;
  const provider: KnownProvider = KNOWN_PROVIDERS[route.provider];
  const apiBase = givenBase ?? baseFromVariable(provider, scope);
  const apiKey = params.api_key ?? keyFromVariables(provider, scope);
  requireBaseAndKey(provider, { apiBase, apiKey }, scope);
  const apiVersion = params.api_version ?? versionFromVariable(route.provider, scope);
  return { ...route, apiBase, apiKey, apiVersion };
}

function baseFromVariable({ baseVariable }: KnownProvider, scope: Scope): string | null {
  const key = KEYS.litellm_params.api_base;
  return baseVariable === undefined ? null : readVariable(baseVariable, key, scope);
}

function keyFromVariables({ keyVariables }: KnownProvider, scope: Scope): string | null {
  const key: Key<string> = KEYS.litellm_params.api_key;
  const found = keyVariables.map((name) => readVariable(name, key, scope));
  return found.find((apiKey) => apiKey !== null) ?? null;
}

function versionFromVariable(provider: string, scope: Scope): string | null {
  if (provider !== "azure") return null;
  return readVariable("AZURE_API_VERSION", VARIABLES.AZURE_API_VERSION, scope);
}

/** A host of one's own may be open to all, but no provider's is. */
function requireBaseAndKey(
  provider: KnownProvider,
  given: Pick<Upstream, "apiBase" | "apiKey">,
  scope: Scope,
): void {
  const ownHost = given.apiBase !== null && provider.needsBase !== true;
  if (provider.needsBase === true && given.apiBase === null) {
    addMistake(inside(scope, "api_base"), "is missing", `add it, or set ${provider.baseVariable}`);
  }
  if (provider.needsKey && given.apiKey === null && !ownHost) {
    const variables = provider.keyVariables.join(" or ");
    addMistake(inside(scope, "api_key"), "is missing", `add it, or set ${variables}`);
  }
}

/** As in LiteLLM, a price beside the address wins over one in `model_info`. */
function pricesOf(params: Params, info: Info): PriceOverrides {
  return {
    input: params.input_cost_per_token ?? info.input_cost_per_token,
    output: params.output_cost_per_token ?? info.output_cost_per_token,
    cacheRead: params.cache_read_input_token_cost ?? info.cache_read_input_token_cost,
    cacheWrite: params.cache_creation_input_token_cost ?? info.cache_creation_input_token_cost,
    request: params.input_cost_per_request ?? info.input_cost_per_request,
  };
}

function warnOfPrices(prices: PriceOverrides, mode: string | null, scope: Scope): void {
  const { input, output, cacheRead, cacheWrite } = prices;
  const perToken = [input, output, cacheRead, cacheWrite];
  if (perToken.some((price) => price !== null && price >= SUSPICIOUS_PRICE)) {
    addWarning(scope, "a price of $0.01 or more per token looks like dollars per million tokens");
  }
  if (input !== null && output === null && mode !== "embedding") {
    addWarning(
      scope,
      "has no output_cost_per_token, so the output price comes from the price list",
    );
  }
  if (input === null && output !== null) {
    addWarning(scope, "has no input_cost_per_token, so the input price comes from the price list");
  }
}
