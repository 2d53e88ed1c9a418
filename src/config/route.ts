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
}

/** Names without a provider, and any name at an address of its own, are taken for this provider's dialect. */
const DIALECT = "openai";

/** Only the first slash counts: names of models have slashes too, as in `openrouter/meta-llama/llama-3`. */
export function parseRoute(name: string, hasBase: boolean): Parsed<Route> {
  const slash = name.indexOf("/");
  if (slash < 0) return fit({ provider: DIALECT, model: name });
  const prefix = name.slice(0, slash);
  const model = name.slice(slash + 1);
  const provider = providerNamed(prefix);
  if (model === "") return misfit("names no model", `write ${prefix}/<model>`);
  if (provider !== undefined) return fit({ provider, model });
  if (FOREIGN_PROVIDERS.includes(prefix)) return foreign(prefix);
  return hasBase ? fit({ provider: DIALECT, model: name }) : unknown(prefix);
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
