/** Providers that do not speak OpenAI: they are translated for, and some speak another language that clients do. */

import type { DeploymentConfig } from "../config/config.ts";
import { embedBedrock, embedCohere, embedGemini, embedVertex, type Embed } from "./embedder.ts";
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
  foreign("anthropic", ["anthropic"], anthropicAt, { speak: speakAnthropic }),
  foreign("gemini", ["gemini"], geminiAt, { speak: speakGemini, embed: embedGemini }),
  foreign("vertex_ai", [], nowhere, { speak: speakVertex, embed: embedVertex }),
  foreign("bedrock", [], nowhere, { speak: speakBedrock, embed: embedBedrock }),
  foreign("cohere", ["rerank"], cohereAt, { speak: speakCohere, embed: embedCohere }),
];

function foreign(
  name: string,
  families: readonly Family[],
  endpointOf: (deployment: DeploymentConfig) => Endpoint,
  { speak, embed }: { readonly speak: Speak; readonly embed?: Embed },
): Provider {
  const there = (deployment: DeploymentConfig) => at(endpointOf(deployment), deployment);
  return {
    name,
    families,
    translated: {
      "/v1/chat/completions": (deployment, fetch) => speak(there(deployment), fetch),
      ...(embed === undefined
        ? {}
        : { "/v1/embeddings": (deployment, fetch) => embed(there(deployment), fetch) }),
    },
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
