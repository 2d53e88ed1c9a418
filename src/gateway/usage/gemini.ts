/** Gemini's convention: cached tokens inside the prompt, thoughts and what tools read beside, modalities in lists. */

import type { Json, JsonObject } from "../../platform/json.ts";
import { count, countOrNone, objectIn, objectsIn, split, type Reading } from "./counted.ts";
import { tierNamed } from "./openai.ts";

/** Documents are shown to the model as images of their pages. */
const IMAGES = ["IMAGE", "DOCUMENT"];
const AUDIO = ["AUDIO"];

export function readGemini(answer: JsonObject): Reading | undefined {
  const block = objectIn(answer["usageMetadata"]);
  const prompt = count(block["promptTokenCount"]);
  if (prompt === undefined) return undefined;
  const toolPrompt = countOrNone(block["toolUsePromptTokenCount"]);
  const thoughts = countOrNone(block["thoughtsTokenCount"]);
  const others = prompt + toolPrompt + thoughts;
  const candidates = Math.max(
    countOrNone(block["candidatesTokenCount"]),
    countOrNone(block["totalTokenCount"]) - others,
  );
  const said = block["candidatesTokensDetails"];
  const saidParts = { outputAudio: tokensOf(said, AUDIO), outputImage: tokensOf(said, IMAGES) };
  return {
    usage: {
      ...inputParts(prompt + toolPrompt, block),
      ...split(candidates, saidParts, "output"),
      reasoning: thoughts,
      searches: searchesIn(answer),
    },
    serviceTier: tierNamed(block["serviceTier"]) ?? tierOfTraffic(block["trafficType"]),
  };
}

function inputParts(total: number, block: JsonObject) {
  const cached = countOrNone(block["cachedContentTokenCount"]);
  const fromCache = block["cacheTokensDetails"];
  const cacheReadAudio = Math.min(tokensOf(fromCache, AUDIO), cached);
  const shown = (modalities: readonly string[]): number =>
    tokensOf(block["promptTokensDetails"], modalities) +
    tokensOf(block["toolUsePromptTokensDetails"], modalities) -
    tokensOf(fromCache, modalities);
  return split(
    total,
    {
      cacheReadAudio,
      cacheRead: cached - cacheReadAudio,
      inputAudio: Math.max(0, shown(AUDIO)),
      inputImage: Math.max(0, shown(IMAGES)),
    },
    "input",
  );
}

function tokensOf(details: Json | undefined, modalities: readonly string[]): number {
  return objectsIn(details)
    .filter(({ modality }) => typeof modality === "string" && modalities.includes(modality))
    .reduce((total, { tokenCount }) => total + countOrNone(tokenCount), 0);
}

/** Up to Gemini 2.5 a grounded answer is billed once, however often it searched; since then every query is. */
function searchesIn(answer: JsonObject): number {
  const queries = objectsIn(answer["candidates"]).flatMap(({ groundingMetadata }) => {
    const { webSearchQueries } = objectIn(groundingMetadata);
    return Array.isArray(webSearchQueries) ? webSearchQueries.filter((query) => query !== "") : [];
  });
  const { modelVersion } = answer;
  const once = typeof modelVersion === "string" && /^gemini-[12]\b/.test(modelVersion);
  return once ? Math.min(1, queries.length) : new Set(queries).size;
}

/** Vertex AI's `ON_DEMAND_FLEX` and `ON_DEMAND_PRIORITY`. */
function tierOfTraffic(traffic: Json | undefined) {
  return typeof traffic === "string" ? tierNamed(traffic.replace(/^ON_DEMAND_/, "")) : null;
}
