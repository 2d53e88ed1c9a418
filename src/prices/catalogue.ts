/** Finds a model among the list prices of `@pydantic/genai-prices`, which come with the package and never change. */

import {
  findProvider,
  type MatchLogic,
  type ModelInfo,
  type Provider,
} from "@pydantic/genai-prices";

/** The catalogue's name of each provider that it lists; base models are written with either spelling. */
const LISTED_PROVIDERS: ReadonlyMap<string, string> = new Map([
  ["anthropic", "anthropic"],
  ["azure", "azure"],
  ["bedrock", "aws"],
  ["cerebras", "cerebras"],
  ["cohere", "cohere"],
  ["cohere_chat", "cohere"],
  ["deepseek", "deepseek"],
  ["fireworks", "fireworks"],
  ["fireworks_ai", "fireworks"],
  ["gemini", "google"],
  ["groq", "groq"],
  ["mistral", "mistral"],
  ["moonshot", "moonshotai"],
  ["novita", "novita"],
  ["openai", "openai"],
  ["openrouter", "openrouter"],
  ["perplexity", "perplexity"],
  ["together", "together"],
  ["together_ai", "together"],
  ["vertex_ai", "google"],
  ["voyage", "voyageai"],
  ["xai", "x-ai"],
]);

/** `-2024-08-06`, `-20250514`, Mistral's `-2506`, Vertex AI's `@20250929` and `-v2@20241022`, and `-latest`. */
const SNAPSHOT =
  /(?:-(?:\d{4}-\d{2}-\d{2}|\d{8}|2\d(?:0[1-9]|1[0-2])|latest)|(?:-v2)?@(?:\d{8}|latest))$/;

/** Bedrock's profile of a region, or none, where the catalogue has one price for all regions. */
const BEDROCK_REGION = /^(?:(?:us|us-gov|eu|apac|au|jp)\.)?(?=anthropic\.)/;

interface NamedModel {
  readonly provider: string;
  readonly model: string;
  readonly baseModel: string | null;
}

/**
 * The entry whose price applies, or undefined. `base_model` may name another provider, as in `openai/gpt-4o`; where it
 * is given it is the only name that counts, for a guess would be a wrong price that nobody sees.
 */
export function findListed({ provider, model, baseModel }: NamedModel): ModelInfo | undefined {
  if (baseModel === null) return findIn(provider, model);
  const [prefix = "", ...rest] = baseModel.split("/");
  return findIn(provider, baseModel) ?? findIn(prefix, rest.join("/"));
}

/** Names by which a model may be known, the most exact first: its own, and that of what it is a snapshot of. */
export function familyNames({ model, baseModel }: NamedModel): readonly string[] {
  const name = (baseModel ?? model).toLowerCase();
  const bare = name.slice(name.lastIndexOf("/") + 1);
  return [bare, bare.replace(SNAPSHOT, "")];
}

/** Azure's list continues in those of the companies whose models it sells. */
function findIn(provider: string, model: string): ModelInfo | undefined {
  const own = listOf(LISTED_PROVIDERS.get(provider));
  if (own === undefined) return undefined;
  const lists = [own, ...(own.fallback_model_providers ?? []).map(listOf)];
  return lists
    .map((list) => matchExactly(list?.models ?? [], model.toLowerCase()))
    .find((found) => found !== undefined);
}

function listOf(providerId: string | undefined): Provider | undefined {
  return providerId === undefined ? undefined : findProvider({ providerId });
}

/**
 * By id, or by an alternative that the catalogue spells out. Its prefixes and patterns are not trusted alone, as they
 * price every new variant like an old one; they do vouch for a snapshot, or a region, of a model that is named exactly.
 */
function matchExactly(models: readonly ModelInfo[], name: string): ModelInfo | undefined {
  const named = (wanted: string) => models.find((model) => namesOf(model).includes(wanted));
  const exact = named(name);
  if (exact !== undefined) return exact;
  const families = [name.replace(SNAPSHOT, ""), name.replace(BEDROCK_REGION, "regional.")];
  return families.map(named).find((family) => family !== undefined && covers(family.match, name));
}

function namesOf(model: ModelInfo): readonly string[] {
  return [model.id, ...spelledOut(model.match)].map((name) => name.toLowerCase());
}

function spelledOut(match: MatchLogic): readonly string[] {
  if ("or" in match) return match.or.flatMap(spelledOut);
  return "equals" in match ? [match.equals] : [];
}

function covers(match: MatchLogic, name: string): boolean {
  if ("or" in match) return match.or.some((part) => covers(part, name));
  if ("and" in match) return match.and.every((part) => covers(part, name));
  if ("equals" in match) return name === match.equals.toLowerCase();
  if ("starts_with" in match) return name.startsWith(match.starts_with.toLowerCase());
  if ("ends_with" in match) return name.endsWith(match.ends_with.toLowerCase());
  if ("contains" in match) return name.includes(match.contains.toLowerCase());
  return new RegExp(match.regex).test(name);
}
