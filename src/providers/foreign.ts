/** Providers that do not speak OpenAI: chat is translated for each, and some speak another language that clients do. */

import type { DeploymentConfig } from "../config/config.ts";
import { addressing, baseUrl, pathOf, type Endpoint } from "./endpoint.ts";
import {
  speakAnthropic,
  speakBedrock,
  speakCohere,
  speakGemini,
  speakVertex,
  type Speak,
} from "./language.ts";
import type { Family, Provider } from "./provider.ts";

/** The version of Anthropic's API, unchanged since it had one. */
const ANTHROPIC_VERSION = "2023-06-01";

export const FOREIGN: readonly Provider[] = [
  foreign("anthropic", ["anthropic"], speakAnthropic, anthropicAt),
  foreign("gemini", ["gemini"], speakGemini, geminiAt),
  foreign("vertex_ai", [], speakVertex, nowhere),
  foreign("bedrock", [], speakBedrock, nowhere),
  foreign("cohere", ["rerank"], speakCohere, cohereAt),
];

function foreign(
  name: string,
  families: readonly Family[],
  speak: Speak,
  endpointOf: (deployment: DeploymentConfig) => Endpoint,
): Provider {
  return {
    name,
    families,
    speak: (deployment, fetch) => speak(at(endpointOf(deployment), deployment), fetch),
    address: addressing(endpointOf),
    outputBoundField: "max_tokens",
    streamUsageOption: false,
  };
}

/** The address as the provider's package takes it; without one of its own it knows where to go. */
function at({ origin, base }: Endpoint, deployment: DeploymentConfig): DeploymentConfig {
  return origin === "" ? deployment : { ...deployment, apiBase: origin + base };
}

/** LiteLLM takes the address without its version, Anthropic's own documents give it with one. */
function anthropicAt(deployment: DeploymentConfig): Endpoint {
  const { apiKey } = deployment;
  const key = apiKey === null ? {} : { "x-api-key": apiKey };
  const headers = { "anthropic-version": ANTHROPIC_VERSION, ...key };
  return versioned(deployment, "https://api.anthropic.com/v1", /\/v1$/, headers);
}

function geminiAt(deployment: DeploymentConfig): Endpoint {
  const { apiKey } = deployment;
  const headers: Record<string, string> = apiKey === null ? {} : { "x-goog-api-key": apiKey };
  const own = "https://generativelanguage.googleapis.com/v1beta";
  return versioned(deployment, own, /\/v1(?:beta|alpha)?$/, headers);
}

function cohereAt(deployment: DeploymentConfig): Endpoint {
  const { apiKey } = deployment;
  const headers: Record<string, string> =
    apiKey === null ? {} : { authorization: `Bearer ${apiKey}` };
  return versioned(deployment, "https://api.cohere.com/v2", /\/v[12]$/, headers);
}

function versioned(
  deployment: DeploymentConfig,
  own: string,
  version: RegExp,
  headers: Readonly<Record<string, string>>,
): Endpoint {
  const url = baseUrl(deployment, own);
  const path = pathOf(url);
  const base = version.test(path) ? path : path + (/\/v\d\w*$/.exec(own)?.[0] ?? "");
  return { origin: url.origin, base, query: "", headers };
}

/** It is only ever spoken to in its own language. */
function nowhere(): Endpoint {
  return { origin: "", base: "", query: "", headers: {} };
}
