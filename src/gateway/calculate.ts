/** What a prompt or an answer costs, by the prices and the tokenizer that calls are charged by. */

import { ApiError } from "../http/errors.ts";
import type { NanoUsd } from "../money/amount.ts";
import { priced, type Consumed } from "../money/pricing.ts";
import type { Json } from "../platform/json.ts";
import type { Deployment, Gateway } from "./gateway.ts";
import { estimatedInputTokens } from "./tokens.ts";
import { usageOf } from "./usage.ts";

/** A prompt, or the usage block of an answer. */
type CostQuestion = { readonly model: string } & (
  { readonly messages: Json } | { readonly usage: Json }
);

type Pricing = Pick<Gateway, "deployments" | "prices" | "clock">;

/** Throws `model_not_found` and `unpriced_model` as a call would. */
export async function costOf(question: CostQuestion, pricing: Pricing): Promise<NanoUsd> {
  const { model } = question;
  const deployment = deploymentOf(model, pricing);
  if (deployment === undefined) {
    const message = `The model "${model.slice(0, 100)}" does not exist. See GET /v1/models.`;
    throw new ApiError("model_not_found", message, { param: "model" });
  }
  const at = pricing.clock.now();
  const consumed = await consumedIn(question, deployment.config.provider);
  const price = pricing.prices.priceOf(deployment.config, at);
  const { cost, pricing: figures } = priced({ ...consumed, at }, price);
  if (figures.origin !== "none") return cost;
  throw new ApiError("unpriced_model", `The model "${model}" has no price.`, { param: "model" });
}

/** By the name that clients ask for, else by the provider's, which is what an answer bears. */
function deploymentOf(model: string, { deployments }: Pricing): Deployment | undefined {
  const [named] = deployments.get(model) ?? [];
  return named ?? [...deployments.values()].flat().find(({ config }) => config.model === model);
}

async function consumedIn(question: CostQuestion, provider: string): Promise<Omit<Consumed, "at">> {
  if ("messages" in question) {
    const input = await estimatedInputTokens({ messages: question.messages });
    return { usage: { input }, serviceTier: null, statedCost: null };
  }
  const { usage: answer } = question;
  const counted = usageOf({ convention: "openai_chat", provider, answer, request: {} });
  if (counted !== undefined) return counted;
  throw new ApiError("invalid_request", "The answer has no usage", {
    param: "completion_response",
  });
}
