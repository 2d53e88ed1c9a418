/** Signed thoughts, as LiteLLM's clients keep them: a tool's result is taken only with what was thought before it. */

import type {
  LanguageModelV4Content,
  LanguageModelV4ReasoningPart,
  SharedV4ProviderMetadata,
} from "@ai-sdk/provider";
import { isObject, type JsonObject } from "../../platform/json.ts";
import { textAt } from "../dialects/events.ts";

/** Null where the provider signed nothing. */
export function thoughtOf(
  text: string,
  signed: SharedV4ProviderMetadata | undefined,
): JsonObject | null {
  const { signature, redactedData } = signed?.["anthropic"] ?? signed?.["bedrock"] ?? {};
  if (typeof signature === "string") return { type: "thinking", thinking: text, signature };
  if (typeof redactedData === "string") return { type: "redacted_thinking", data: redactedData };
  return null;
}

export function thoughtsOf(content: readonly LanguageModelV4Content[]): readonly JsonObject[] {
  return content
    .map((part) => (part.type === "reasoning" ? thoughtOf(part.text, part.providerMetadata) : null))
    .filter((thought) => thought !== null);
}

/** Each of the two that sign looks for its own. */
export function thoughtsIn({
  thinking_blocks: blocks,
}: JsonObject): LanguageModelV4ReasoningPart[] {
  if (!Array.isArray(blocks)) return [];
  return blocks.filter(isObject).map((block) => {
    const isRedacted = block["type"] === "redacted_thinking";
    const signed = isRedacted
      ? { redactedData: textAt(block, "data") }
      : { signature: textAt(block, "signature") };
    const providerOptions = { anthropic: signed, bedrock: signed };
    return { type: "reasoning", text: textAt(block, "thinking"), providerOptions };
  });
}
