/** The entries of `model_list` as deployments that can be called. */

import type { Json, JsonObject } from "../platform/json.ts";
import type { DeploymentConfig } from "./config.ts";
import { identify, type Draft } from "./identity.ts";
import type { Key, Values } from "./key.ts";
import { KEYS, VARIABLES } from "./keys.ts";
import { readCloud } from "./cloud.ts";
import { KNOWN_PROVIDERS, type KnownProvider } from "./providers.ts";
import { readPrices } from "./prices.ts";
import { parseRoute } from "./route.ts";
import { addMistake, inside, variable, type Scope } from "./scope.ts";
import { accept, readKey, readSection, readVariable } from "./section.ts";
import { parseMapping, show } from "./value.ts";

type Params = Values<typeof KEYS.litellm_params>;
type Info = Values<typeof KEYS.model_info>;
type Upstream = Pick<
  DeploymentConfig,
  "provider" | "model" | "apiBase" | "apiKey" | "apiVersion" | "cloud"
>;

/** Of deployments that name none of their own; milliseconds. */
export interface Timeouts {
  readonly timeoutMs: number | null;
  readonly streamTimeoutMs: number | null;
}

const BASE_KEYS = ["api_base", "base_url", "aws_bedrock_runtime_endpoint"];
const ENTRY: Key<JsonObject> = { parse: parseMapping, about: "One deployment." };

export function readDeployments(
  list: readonly Json[],
  timeouts: Timeouts,
  scope: Scope,
): readonly DeploymentConfig[] {
  if (list.length === 0) addMistake(scope, "is empty", "add at least one deployment");
  return identify(
    list.flatMap((entry, index) => readEntry(entry, timeouts, inside(scope, index)) ?? []),
  );
}

/** Null after a mistake that leaves nothing to be called. */
function readEntry(value: Json, timeouts: Timeouts, scope: Scope): Draft | null {
  const given = readKey(ENTRY, value, scope);
  if (given === null) return null;
  const {
    model_name: modelName,
    litellm_params,
    model_info,
  } = readSection("deployment", given, scope);
  const paramsScope = inside(scope, "litellm_params");
  const info = readSection("model_info", model_info ?? {}, inside(scope, "model_info"));
  if (litellm_params === null) return null;
  const params = readSection("litellm_params", litellm_params, paramsScope);
  const hasBase = BASE_KEYS.some((name) => (litellm_params[name] ?? null) !== null);
  const upstream = readUpstream(params, hasBase, paramsScope);
  if (modelName === null || upstream === null) return null;
  const prices = readPrices(params, info, scope);
  const baseModel = info.base_model ?? params.base_model;
  const outputTokensMax = info.max_output_tokens;
  return {
    id: info.id,
    scope,
    deployment: {
      modelName,
      ...upstream,
      baseModel,
      outputTokensMax,
      prices,
      ...routedBy(params, info, timeouts),
    },
  };
}

function routedBy(params: Params, info: Info, timeouts: Timeouts) {
  const timeoutMs = params.timeout ?? timeouts.timeoutMs;
  return {
    inputTokensMax: info.max_input_tokens,
    share: params.weight ?? params.rpm ?? params.tpm,
    region: params.region_name ?? info.region_name,
    timeoutMs,
    streamTimeoutMs: params.stream_timeout ?? params.timeout ?? timeouts.streamTimeoutMs,
  };
}

/** `hasBase` says whether the deployment names an address, be it a mistake. */
function readUpstream(params: Params, hasBase: boolean, scope: Scope): Upstream | null {
  if (params.model === null) return null;
  const parsed = parseRoute(params.model, hasBase);
  const named = accept(parsed, `${show(params.model)} `, inside(scope, "model"));
  if (named === null) return null;
  const { region, ...route } = named;
  const provider: KnownProvider = KNOWN_PROVIDERS[route.provider];
  // The key of a provider is not for whoever listens at an address of one's own.
  const isOwnHost = hasBase && provider.needsKey && provider.needsBase !== true;
  const given = params.api_base ?? params.base_url ?? params.aws_bedrock_runtime_endpoint;
  const apiBase = given ?? baseFromVariable(provider, scope);
  const apiKey = params.api_key ?? (isOwnHost ? null : keyFromVariables(provider, scope));
  if (apiBase === null && provider.needsBase === true) {
    addMistake(inside(scope, "api_base"), "is missing", `add it, or set ${provider.baseVariable}`);
  }
  const known = { region, hasKey: apiKey !== null, hasBase: apiBase !== null };
  const cloud =
    provider.cloud === undefined ? null : readCloud(provider.cloud, params, known, scope);
  if (apiKey === null && provider.needsKey && !isOwnHost) {
    const variables = provider.keyVariables.join(" or ");
    addMistake(inside(scope, "api_key"), "is missing", `add it, or set ${variables}`);
  }
  const apiVersion = params.api_version ?? versionFromVariable(route.provider, scope);
  return { ...route, apiBase, apiKey, apiVersion, cloud };
}

function baseFromVariable({ baseVariable }: KnownProvider, scope: Scope): string | null {
  const key = KEYS.litellm_params.api_base;
  return baseVariable === undefined ? null : readVariable(baseVariable, key, scope);
}

function keyFromVariables({ keyVariables }: KnownProvider, scope: Scope): string | null {
  const name = keyVariables.find((each) => variable(scope.variables, each) !== undefined);
  const key: Key<string> = KEYS.litellm_params.api_key;
  return name === undefined ? null : readVariable(name, key, scope);
}

function versionFromVariable(provider: string, scope: Scope): string | null {
  if (provider !== "azure") return null;
  return readVariable("AZURE_API_VERSION", VARIABLES.AZURE_API_VERSION, scope);
}
