/** Cohere's convention: what is billed stands apart from what was counted, and reranking is billed by the search. */

import type { JsonObject } from "../../platform/json.ts";
import { count, countOrNone, objectIn, split, type Reading } from "./counted.ts";

/** Chat and embeddings: `usage` in version 2 of the API, `meta` in version 1 and in embeddings. */
export function readCohere(answer: JsonObject): Reading | undefined {
  const block = objectIn(answer["usage"] ?? answer["meta"]);
  const billed = objectIn(block["billed_units"] ?? block["tokens"]);
  const input = count(billed["input_tokens"]);
  const inputImage = countOrNone(billed["image_tokens"]);
  if (input === undefined && inputImage === 0) return undefined;
  return {
    usage: {
      ...split(input ?? 0, { cacheRead: countOrNone(block["cached_tokens"]) }, "input"),
      inputImage,
      output: countOrNone(billed["output_tokens"]),
      searches: countOrNone(billed["search_units"]),
    },
  };
}

/** Cohere and its hosts bill a rerank by the search; Voyage and Jina by the token. */
export function readRerank(answer: JsonObject): Reading | undefined {
  const { search_units } = objectIn(objectIn(answer["meta"])["billed_units"]);
  const searches = count(search_units);
  if (searches !== undefined) return { usage: { searches } };
  const input = count(objectIn(answer["usage"])["total_tokens"]);
  return input === undefined ? undefined : { usage: { input } };
}
