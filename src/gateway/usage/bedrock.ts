/** The convention of Amazon Bedrock's Converse: what the cache gave and took is beside `inputTokens`. */

import type { JsonObject } from "../../platform/json.ts";
import { count, countOrNone, objectIn, objectsIn, split, type Reading } from "./counted.ts";
import { tierNamed } from "./openai.ts";

export function readBedrock(answer: JsonObject): Reading | undefined {
  const block = objectIn(answer["usage"]);
  const input = count(block["inputTokens"]);
  const output = count(block["outputTokens"]);
  if (input === undefined || output === undefined) return undefined;
  const anHour = objectsIn(block["cacheDetails"])
    .filter(({ ttl }) => ttl === "1h")
    .reduce((total, { inputTokens }) => total + countOrNone(inputTokens), 0);
  return {
    usage: {
      input,
      cacheRead: countOrNone(block["cacheReadInputTokens"]),
      ...split(
        countOrNone(block["cacheWriteInputTokens"]),
        { cacheWrite1h: anHour },
        "cacheWrite5m",
      ),
      output,
    },
    serviceTier: tierNamed(objectIn(answer["serviceTier"])["type"]),
  };
}
