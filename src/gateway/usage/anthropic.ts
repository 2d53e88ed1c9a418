/** Anthropic's convention: what the cache gave and took is beside `input_tokens`, thinking inside the output. */

import { isObject, type Json, type JsonObject } from "../../platform/json.ts";
import { count, countOrNone, objectIn, split, type Reading } from "./counted.ts";
import { tierNamed } from "./openai.ts";

export function readAnthropic(answer: JsonObject, request: JsonObject): Reading | undefined {
  const block = objectIn(answer["usage"]);
  const input = count(block["input_tokens"]);
  if (input === undefined) return undefined;
  const output = count(block["output_tokens"]);
  const { thinking_tokens: thinking } = objectIn(block["output_tokens_details"]);
  const { web_search_requests: searches } = objectIn(block["server_tool_use"]);
  return {
    usage: {
      input,
      cacheRead: countOrNone(block["cache_read_input_tokens"]),
      ...cacheWrites(block, request),
      ...split(output ?? 0, { reasoning: countOrNone(thinking) }, "output"),
      searches: countOrNone(searches),
    },
    final: output !== undefined,
    serviceTier: tierNamed(block["service_tier"]),
  };
}

/** Older models tell one number for both lifetimes; then the request knows which it was. */
function cacheWrites(
  block: JsonObject,
  request: JsonObject,
): { readonly cacheWrite5m: number; readonly cacheWrite1h: number } {
  const byLifetime = objectIn(block["cache_creation"]);
  const cacheWrite5m = countOrNone(byLifetime["ephemeral_5m_input_tokens"]);
  const cacheWrite1h = countOrNone(byLifetime["ephemeral_1h_input_tokens"]);
  const total = countOrNone(block["cache_creation_input_tokens"]);
  const untold = Math.max(0, total - cacheWrite5m - cacheWrite1h);
  if (untold === 0) return { cacheWrite5m, cacheWrite1h };
  return asksForAnHour(request)
    ? { cacheWrite5m, cacheWrite1h: cacheWrite1h + untold }
    : { cacheWrite5m: cacheWrite5m + untold, cacheWrite1h };
}

/** Any mark of an hour counts for all of it: the dearer of the two lifetimes. */
function asksForAnHour(value: Json | undefined): boolean {
  if (Array.isArray(value)) return value.some(asksForAnHour);
  if (!isObject(value)) return false;
  const mark = value["cache_control"];
  if (isObject(mark) && mark["ttl"] === "1h") return true;
  return Object.values(value).some(asksForAnHour);
}
