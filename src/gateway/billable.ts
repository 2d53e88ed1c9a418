/** What a request allows its provider to bill besides tokens of text. */

import type { ServiceTier, Usage } from "../money/usage.ts";
import { isObject, type Json, type JsonObject } from "../platform/json.ts";
import { tierNamed } from "./usage/openai.ts";

/**
 * Nothing bounds how often a model searches unless the request does. No answer has been seen with more; should one
 * come, what it costs beyond its ceiling is posted in full.
 */
const SEARCHES_MAX = 20;

/** Names under which providers offer searches of the web, and of stored files. */
const WEB_SEARCH = /web_search|google_?search|grounding|^web$/i;
const FILE_SEARCH = /file_search/i;

const MEDIA_TYPE = /image|audio|file|document|video/;
const MEDIA_FIELDS = ["inlineData", "inline_data", "fileData", "file_data"];

export function billableSearches(body: JsonObject): Usage {
  const tools = [...listOf(body["tools"]), ...listOf(body["plugins"])];
  const most = bound(body["max_tool_calls"]);
  const searches = isObject(body["web_search_options"])
    ? SEARCHES_MAX
    : searchesOf(tools, WEB_SEARCH);
  return {
    searches: Math.min(searches, most),
    fileSearches: Math.min(searchesOf(tools, FILE_SEARCH), most),
  };
}

/** A request for flex may be served as standard; one that names nothing gets what the provider's project is set to. */
export function possibleServiceTiers(body: JsonObject): readonly ServiceTier[] | null {
  const asked = body["service_tier"] ?? body["serviceTier"];
  if (typeof asked !== "string" || asked.toLowerCase() === "auto") return null;
  const tier = tierNamed(asked);
  return tier === null ? [] : [tier];
}

/** Whether anything in the body is more than text. */
export function holdsMedia(value: Json | undefined): boolean {
  if (Array.isArray(value)) return value.some(holdsMedia);
  if (!isObject(value)) return false;
  const { type } = value;
  if (typeof type === "string" && MEDIA_TYPE.test(type)) return true;
  if (MEDIA_FIELDS.some((field) => field in value)) return true;
  for (const field in value) if (holdsMedia(value[field])) return true;
  return false;
}

function searchesOf(tools: readonly JsonObject[], kind: RegExp): number {
  return tools
    .filter((tool) => offers(tool, kind))
    .reduce((total, tool) => total + Math.min(SEARCHES_MAX, bound(tool["max_uses"])), 0);
}

/** By its type or id, or as Gemini has it, by its only field. */
function offers(tool: JsonObject, kind: RegExp): boolean {
  const { type, id } = tool;
  const names = [type, id, ...Object.keys(tool)];
  return names.some((name) => typeof name === "string" && kind.test(name));
}

function listOf(value: Json | undefined): readonly JsonObject[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}

function bound(value: Json | undefined): number {
  const isBound = typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
  return isBound ? value : Number.MAX_SAFE_INTEGER;
}
