/** Which provider a deployment belongs to and what its model is called there, from LiteLLM's `provider/model`. */

import { nearest } from "./nearest.ts";
import {
  FOREIGN_PROVIDERS,
  KNOWN_PROVIDERS,
  PROVIDER_ALIASES,
  providerNamed,
  type ProviderName,
} from "./providers.ts";
import { fit, misfit, type Parsed } from "./value.ts";

interface Route {
  readonly provider: ProviderName;
  readonly model: string;
  /** Where the name says it; only Amazon's do. */
  readonly region: string | null;
}

/** Names without a provider, and any name at an address of its own, are taken for this provider's dialect. */
const DIALECT = "openai";

/** Families that LiteLLM knows without a provider; at an address of its own a name is nobody's. */
const FAMILIES: readonly (readonly [RegExp, ProviderName])[] = [
  [/^claude-/, "anthropic"],
  [/^gemini-/, "vertex_ai"],
  [/^command-/, "cohere"],
];

/** Only the first slash counts: names of models have slashes too, as in `openrouter/meta-llama/llama-3`. */
export function parseRoute(name: string, hasBase: boolean): Parsed<Route> {
  const slash = name.indexOf("/");
  if (slash < 0) return fit({ provider: familyOf(name, hasBase), model: name, region: null });
  const prefix = name.slice(0, slash);
  const model = name.slice(slash + 1);
  const provider = providerNamed(prefix);
  if (model === "") return misfit("names no model", `write ${prefix}/<model>`);
  if (provider === "bedrock") return amazon(model);
  if (provider === "vertex_ai" && model.includes("/")) return publisher(model);
  if (provider !== undefined) return fit({ provider, model, region: null });
  if (FOREIGN_PROVIDERS.includes(prefix)) return foreign(prefix);
  return hasBase ? fit({ provider: DIALECT, model: name, region: null }) : unknown(prefix);
}

function familyOf(name: string, hasBase: boolean): ProviderName {
  if (hasBase) return DIALECT;
  return FAMILIES.find(([pattern]) => pattern.test(name))?.[1] ?? DIALECT;
}

/** `converse/` and `invoke/` name ways to the same models, of which one is spoken; then may come a region. */
const AMAZON =
  /^(?:(?:converse|converse_like|invoke)\/)?(?:([a-z]{2}(?:-[a-z]+)+-\d)\/)?([^/]+|arn:.+)$/;

function amazon(name: string): Parsed<Route> {
  const [, region = null, model] = AMAZON.exec(name) ?? [];
  if (model !== undefined) return fit({ provider: "bedrock", model, region });
  return misfit(
    "is of a part of Bedrock that Purser does not speak to",
    "write bedrock/<model>, bedrock/converse/<model> or bedrock/<region>/<model>",
  );
}

function publisher(model: string): Parsed<Route> {
  return misfit(
    `is of a publisher on Vertex AI that Purser does not speak to`,
    `write openai/${model} and the api_base of Vertex AI's OpenAI endpoint`,
  );
}

function foreign(prefix: string): Parsed<never> {
  return misfit(
    `is of the provider "${prefix}", which Purser does not speak to yet`,
    "remove the entry, or reach the model through a provider of the OpenAI dialect",
  );
}

function unknown(prefix: string): Parsed<never> {
  const names = Object.keys(KNOWN_PROVIDERS);
  const near = nearest(prefix, [...names, ...Object.keys(PROVIDER_ALIASES)]);
  const guess = near === undefined ? "" : `did you mean "${near}"? `;
  return misfit(
    `is of an unknown provider "${prefix}"`,
    `${guess}known are ${names.join(", ")}; for any other host write openai/<model> and api_base`,
  );
}
