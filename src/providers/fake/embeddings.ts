/** OpenAI's embeddings: vectors that mean nothing, but are the same for the same text. */

import { createHash } from "node:crypto";
import type { JsonObject } from "../../platform/json.ts";
import { askedInTexts, numberIn, type Form } from "./answer.ts";

const DIMENSIONS = 8;

/** As many as the largest of OpenAI's have. */
const DIMENSIONS_MAX = 3072;

export const embeddings: Form = {
  read: ({ input }) => askedInTexts(input),
  whole({ body, model, tokens }) {
    const { texts } = askedInTexts(body["input"]) ?? { texts: [] };
    const usage = tokens && { prompt_tokens: tokens.input, total_tokens: tokens.input };
    return JSON.stringify({
      object: "list",
      model,
      data: texts.map((text, index) => ({
        object: "embedding",
        index,
        embedding: written(vectorOf(text, dimensionsIn(body)), body),
      })),
      ...(usage === null ? {} : { usage }),
    });
  },
};

function dimensionsIn(body: JsonObject): number {
  const asked = Math.floor(numberIn(body, "dimensions") ?? DIMENSIONS);
  return Math.min(Math.max(asked, 1), DIMENSIONS_MAX);
}

/** From −1 to 1. */
function vectorOf(text: string, dimensions: number): Float32Array {
  const bytes = createHash("shake256", { outputLength: dimensions }).update(text).digest();
  return Float32Array.from(bytes, (byte) => byte / 127.5 - 1);
}

/** OpenAI's own clients ask for the bytes. */
function written(vector: Float32Array, { encoding_format: format }: JsonObject) {
  if (format === "base64") return Buffer.from(vector.buffer).toString("base64");
  return [...vector];
}
