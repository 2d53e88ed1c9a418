/** Each provider's `@ai-sdk` package, loaded when it is first needed and told how a deployment is reached. */

import { NO_CLOUD } from "../config/cloud.ts";
import type { CloudConfig, DeploymentConfig } from "../config/config.ts";
import { googleClient } from "./google-sign-in.ts";

export type Fetch = typeof globalThis.fetch;

export async function anthropic(deployment: DeploymentConfig, fetch: Fetch) {
  const { createAnthropic } = await import("@ai-sdk/anthropic");
  return createAnthropic({ ...withKey(deployment), ...withBase(deployment), fetch });
}

export async function google(deployment: DeploymentConfig, fetch: Fetch) {
  const { createGoogle } = await import("@ai-sdk/google");
  return createGoogle({ ...withKey(deployment), ...withBase(deployment), fetch });
}

/** With a key, Google's cloud wants nothing else. */
export async function vertex(deployment: DeploymentConfig, fetch: Fetch) {
  const { createGoogleVertex } = await import("@ai-sdk/google-vertex");
  const signIn = deployment.apiKey === null ? await signedIn(deployment) : {};
  const settings = { ...vertexSettings(deployment), ...withKey(deployment), ...signIn };
  return createGoogleVertex({ ...settings, fetch });
}

/** It serves Claude as well, at another address, and to nobody who has but a key. */
export async function vertexClaude(deployment: DeploymentConfig, fetch: Fetch) {
  const { createGoogleVertexAnthropic } = await import("@ai-sdk/google-vertex/anthropic");
  const settings = { ...vertexSettings(deployment), ...(await signedIn(deployment)) };
  return createGoogleVertexAnthropic({ ...settings, fetch });
}

export async function bedrock(deployment: DeploymentConfig, fetch: Fetch) {
  const { createAmazonBedrock } = await import("@ai-sdk/amazon-bedrock");
  const settings = { ...bedrockSettings(deployment.cloud), ...withKey(deployment) };
  return createAmazonBedrock({ ...settings, ...withBase(deployment), fetch });
}

export async function cohere(deployment: DeploymentConfig, fetch: Fetch) {
  const { createCohere } = await import("@ai-sdk/cohere");
  return createCohere({ ...withKey(deployment), ...withBase(deployment), fetch });
}

/** Said even where there is none: the packages would take one from the environment, which is not for every host. */
function withKey({ apiKey }: DeploymentConfig) {
  return { apiKey: apiKey ?? "" };
}

function withBase({ apiBase }: DeploymentConfig) {
  return apiBase === null ? {} : { baseURL: apiBase.replace(/\/+$/, "") };
}

function vertexSettings(deployment: DeploymentConfig) {
  const { region, project } = deployment.cloud ?? NO_CLOUD;
  return {
    ...withBase(deployment),
    ...(region === null ? {} : { location: region }),
    ...(project === null ? {} : { project }),
  };
}

async function signedIn(deployment: DeploymentConfig) {
  return { googleAuthOptions: { authClient: await googleClient(deployment) } };
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
