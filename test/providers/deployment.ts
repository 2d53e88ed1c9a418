/** A deployment with nothing but what a test says. */

import type { DeploymentConfig } from "../../src/config/config.ts";

export function deploymentOf(given: Partial<DeploymentConfig>): DeploymentConfig {
  return {
    id: "deployment-1",
    modelName: "chat",
    provider: "openai",
    model: "gpt-4o",
    apiBase: null,
    apiKey: null,
    apiVersion: null,
    baseModel: null,
    outputTokensMax: null,
    inputTokensMax: null,
    share: null,
    region: null,
    timeoutMs: null,
    streamTimeoutMs: null,
    cloud: null,
    prices: [],
    ...given,
  };
}
