/** The models whose embeddings are translated, and what their packages call what is asked beside the texts. */

import type { EmbeddingModelV4, SharedV4ProviderOptions } from "@ai-sdk/provider";
import type { DeploymentConfig } from "../config/config.ts";
import { bedrock, cohere, google, vertex, type Fetch } from "./packages.ts";

export interface Embedder {
  readonly model: EmbeddingModelV4;
  /** Whether it wants to know what the texts are for. */
  readonly takesKind: boolean;
  readonly options: (kind: string, dimensions: number | null) => SharedV4ProviderOptions;
}

export type Embed = (deployment: DeploymentConfig, fetch: Fetch) => Promise<Embedder>;

export const embedGemini: Embed = async (deployment, fetch) =>
  plain((await google(deployment, fetch)).embeddingModel(deployment.model));

export const embedVertex: Embed = async (deployment, fetch) =>
  plain((await vertex(deployment, fetch)).embeddingModel(deployment.model));

export const embedBedrock: Embed = async (deployment, fetch) => {
  const model = (await bedrock(deployment, fetch)).embeddingModel(deployment.model);
  if (deployment.model.includes("cohere.")) return withKind(model, "bedrock");
  const field = deployment.model.includes("nova-") ? "embeddingDimension" : "dimensions";
  const options = (_kind: string, dimensions: number | null) => ({
    bedrock: dimensions === null ? {} : { [field]: dimensions },
  });
  return { model, takesKind: false, options };
};

export const embedCohere: Embed = async (deployment, fetch) =>
  withKind((await cohere(deployment, fetch)).embeddingModel(deployment.model), "cohere");

/** Its package knows the dimensions by that name. */
function plain(model: EmbeddingModelV4): Embedder {
  return { model, takesKind: false, options: () => ({}) };
}

function withKind(model: EmbeddingModelV4, provider: string): Embedder {
  const options = (inputType: string, dimensions: number | null) => ({
    [provider]: { inputType, ...(dimensions === null ? {} : { outputDimension: dimensions }) },
  });
  return { model, takesKind: true, options };
}
