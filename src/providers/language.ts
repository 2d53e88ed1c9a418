/** Providers with a language of their own, as `@ai-sdk` packages speak it; each is loaded when it is first needed. */

import type { LanguageModelV4, SharedV4ProviderOptions } from "@ai-sdk/provider";
import type { CloudConfig, DeploymentConfig } from "../config/config.ts";

/** A model that chat is translated for. */
export interface Language {
  readonly model: LanguageModelV4;
  /** How its provider tells usage. */
  readonly convention: "anthropic" | "gemini" | "bedrock" | "cohere";
  /** For models that may think for this long beside the output bound, which would then be none. */
  readonly thinkingFor?: (tokens: number) => SharedV4ProviderOptions;
}

export type Fetch = typeof globalThis.fetch;
export type Speak = (deployment: DeploymentConfig, fetch: Fetch) => Promise<Language>;

export const speakAnthropic: Speak = async (deployment, fetch) => {
  const { createAnthropic } = await import("@ai-sdk/anthropic");
  const provider = createAnthropic({ ...withKey(deployment), ...withBase(deployment), fetch });
  return claude(provider(deployment.model));
};

export const speakGemini: Speak = async (deployment, fetch) => {
  const { createGoogle } = await import("@ai-sdk/google");
  const provider = createGoogle({ ...withKey(deployment), ...withBase(deployment), fetch });
  return { model: provider(deployment.model), convention: "gemini" };
};

/** Google's cloud serves Claude as well, at another address. */
export const speakVertex: Speak = async (deployment, fetch) => {
  const settings = { ...vertexSettings(deployment), ...withBase(deployment), fetch };
  if (deployment.model.startsWith("claude")) {
    const { createGoogleVertexAnthropic } = await import("@ai-sdk/google-vertex/anthropic");
    return claude(createGoogleVertexAnthropic(settings)(deployment.model));
  }
  const { createGoogleVertex } = await import("@ai-sdk/google-vertex");
  const provider = createGoogleVertex({ ...settings, ...withKey(deployment) });
  return { model: provider(deployment.model), convention: "gemini" };
};

export const speakBedrock: Speak = async (deployment, fetch) => {
  const { createAmazonBedrock } = await import("@ai-sdk/amazon-bedrock");
  const settings = { ...bedrockSettings(deployment.cloud), ...withKey(deployment) };
  const provider = createAmazonBedrock({ ...settings, ...withBase(deployment), fetch });
  const model = provider(modelOf(deployment.model));
  return { model, convention: "bedrock", thinkingFor: novaOrClaude };
};

export const speakCohere: Speak = async (deployment, fetch) => {
  const { createCohere } = await import("@ai-sdk/cohere");
  const provider = createCohere({ ...withKey(deployment), ...withBase(deployment), fetch });
  return { model: provider(deployment.model), convention: "cohere" };
};

function claude(model: LanguageModelV4): Language {
  return { model, convention: "anthropic", thinkingFor: claudeAlone };
}

function claudeAlone(budgetTokens: number): SharedV4ProviderOptions {
  return { anthropic: { thinking: { type: "enabled", budgetTokens } } };
}

function novaOrClaude(budgetTokens: number): SharedV4ProviderOptions {
  return { bedrock: { reasoningConfig: { type: "enabled", budgetTokens } } };
}

/** LiteLLM's `bedrock/converse/<model>` names the API that is spoken anyway. */
function modelOf(model: string): string {
  return model.replace(/^converse\//, "");
}

function withKey({ apiKey }: DeploymentConfig) {
  return apiKey === null ? {} : { apiKey };
}

function withBase({ apiBase }: DeploymentConfig) {
  return apiBase === null ? {} : { baseURL: apiBase.replace(/\/+$/, "") };
}

function vertexSettings({ cloud }: DeploymentConfig) {
  const { region, project, credentials } = cloud ?? NO_CLOUD;
  return {
    ...(region === null ? {} : { location: region }),
    ...(project === null ? {} : { project }),
    ...(credentials === null
      ? {}
      : { googleAuthOptions: { credentials: JSON.parse(credentials) as Record<string, string> } }),
  };
}

function bedrockSettings(cloud: CloudConfig | null) {
  const { region, accessKeyId, secretAccessKey, sessionToken } = cloud ?? NO_CLOUD;
  return {
    ...(region === null ? {} : { region }),
    ...(accessKeyId === null ? {} : { accessKeyId }),
    ...(secretAccessKey === null ? {} : { secretAccessKey }),
    ...(sessionToken === null ? {} : { sessionToken }),
  };
}

const NO_CLOUD: CloudConfig = {
  region: null,
  project: null,
  credentials: null,
  accessKeyId: null,
  secretAccessKey: null,
  sessionToken: null,
};
