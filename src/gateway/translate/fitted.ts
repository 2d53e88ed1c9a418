/** Fits what was asked to the language of one model, and says what that language has no words for. */

import type {
  LanguageModelV4CallOptions,
  SharedV4ProviderOptions,
  SharedV4Warning,
} from "@ai-sdk/provider";
import type { Language } from "../../providers/language.ts";
import type { Headers } from "../headers.ts";
import type { Asked } from "./options.ts";

type Options = LanguageModelV4CallOptions;

/** As it is put to a model. */
interface Fitted {
  readonly options: Options;
  readonly dropped: readonly string[];
}

/** `tokens` is the bound that the hold pays for; null leaves the client's own, which thoughts do not exceed either. */
export function fitted(asked: Asked, tokens: number | null, language: Language): Fitted {
  const { reasoning, ...rest } = asked.options;
  const bound = tokens ?? rest.maxOutputTokens ?? null;
  const thinking = reasoning === undefined ? undefined : language.thinking(reasoning, bound);
  const format = formatFor(rest, language);
  const oneTool = asked.oneTool ? language.oneTool : undefined;
  const given = [thinking?.providerOptions, format.providerOptions, oneTool ?? undefined];
  return {
    options: {
      ...rest,
      ...(bound === null ? {} : { maxOutputTokens: bound }),
      ...thinking,
      ...format,
      providerOptions: given.reduce<SharedV4ProviderOptions>(merged, {}),
    },
    dropped: [
      ...asked.dropped,
      ...(thinking === null ? ["reasoning_effort"] : []),
      ...(oneTool === null ? ["parallel_tool_calls"] : []),
    ],
  };
}

/** Tells the fields that an answer was made without, or not as they came: nothing is dropped in silence. */
export function untranslated(
  dropped: readonly string[],
  warnings: readonly SharedV4Warning[],
): Headers {
  const warned = warnings.flatMap((warning) => ("feature" in warning ? [warning.feature] : []));
  const fields = new Set([...dropped, ...warned.map(fieldOf)]);
  return fields.size === 0
    ? {}
    : { "x-purser-untranslated": [...fields].map(printable).join(", ") };
}

/** Any object, which only a tool may be asked for: a bound output would be held to have no properties. */
function formatFor({ responseFormat: format }: Options, { wantsSchema }: Language) {
  if (!wantsSchema || format?.type !== "json" || format.schema !== undefined) return {};
  return {
    responseFormat: { ...format, schema: { type: "object" } },
    providerOptions: { anthropic: { structuredOutputMode: "jsonTool" } },
  } satisfies Partial<Options>;
}

function merged(
  options: SharedV4ProviderOptions,
  more: SharedV4ProviderOptions = {},
): SharedV4ProviderOptions {
  const providers = Object.entries(more).map(([provider, given]) => [
    provider,
    { ...options[provider], ...given },
  ]);
  return { ...options, ...Object.fromEntries(providers) };
}

const FIELDS: Readonly<Record<string, string>> = {
  maxOutputTokens: "max_tokens",
  reasoning: "reasoning_effort",
  stopSequences: "stop",
};

function fieldOf(feature: string): string {
  return FIELDS[feature] ?? feature.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** A header holds ASCII only, and names of fields come from clients. */
function printable(field: string): string {
  return field.replaceAll(/[^\x21-\x24\x26-\x2b\x2d-\x7e]/gu, encodeURIComponent);
}
