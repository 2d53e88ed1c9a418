/** The body of a chat as `@ai-sdk` packages take it, or a clear refusal of what has no translation. */

import type {
  LanguageModelV4CallOptions,
  LanguageModelV4FunctionTool,
  LanguageModelV4ToolChoice,
} from "@ai-sdk/provider";
import { isObject, type Json, type JsonObject } from "../../platform/json.ts";
import { invalid, isSet } from "../dialects/fields.ts";
import { promptOf } from "./prompt.ts";

type Options = LanguageModelV4CallOptions;
type Schema = LanguageModelV4FunctionTool["inputSchema"];

/** An answer without them would not be the answer that was asked for. */
const UNTRANSLATED = [
  "audio",
  "function_call",
  "functions",
  "logit_bias",
  "logprobs",
  "prediction",
  "web_search_options",
];

const TRANSLATED = [
  "frequency_penalty",
  "max_completion_tokens",
  "max_tokens",
  "messages",
  "n",
  "parallel_tool_calls",
  "presence_penalty",
  "reasoning_effort",
  "response_format",
  "seed",
  "stop",
  "temperature",
  "tool_choice",
  "tools",
  "top_k",
  "top_p",
];

/** Meant for Purser, or no part of what is asked. */
const UNSAID = [
  "metadata",
  "model",
  "prompt_cache_key",
  "safety_identifier",
  "store",
  "stream",
  "stream_options",
  "user",
];

const KNOWN: ReadonlySet<string> = new Set([UNTRANSLATED, TRANSLATED, UNSAID].flat());

const EFFORTS = ["none", "minimal", "low", "medium", "high", "xhigh"] as const;

/** What a body asks for, in the packages' words. */
export interface Asked {
  readonly options: Options;
  readonly oneTool: boolean;
  /** Fields that there are no words for, and that an answer is an answer without. */
  readonly dropped: readonly string[];
}

/** Throws `invalid_request`. */
export function askedIn(body: JsonObject): Asked {
  for (const field of UNTRANSLATED) {
    if (isSet(body[field]) && body[field] !== false) {
      throw invalid(`${field} cannot be translated for this model's provider.`, field);
    }
  }
  if (isSet(body["n"]) && body["n"] !== 1) {
    throw invalid("n must be 1: this model's provider gives one answer.", "n");
  }
  return {
    options: optionsOf(body),
    oneTool: body["parallel_tool_calls"] === false,
    dropped: Object.keys(body).filter((field) => isSet(body[field]) && !KNOWN.has(field)),
  };
}

function optionsOf(body: JsonObject): Options {
  const messages = Array.isArray(body["messages"]) ? body["messages"].filter(isObject) : [];
  return {
    prompt: promptOf(messages),
    ...numbersIn(body),
    ...given("stopSequences", stopsIn(body["stop"])),
    ...given("tools", toolsIn(body["tools"])),
    ...given("toolChoice", toolChoiceIn(body["tool_choice"])),
    ...given("responseFormat", formatIn(body["response_format"])),
    ...given("reasoning", effortIn(body["reasoning_effort"])),
  };
}

function numbersIn(body: JsonObject) {
  const bounds = [body["max_completion_tokens"], body["max_tokens"]].filter(
    (value) => typeof value === "number",
  );
  return {
    ...given("maxOutputTokens", bounds.length === 0 ? undefined : Math.max(...bounds)),
    ...given("temperature", numberIn(body["temperature"])),
    ...given("topP", numberIn(body["top_p"])),
    ...given("topK", numberIn(body["top_k"])),
    ...given("presencePenalty", numberIn(body["presence_penalty"])),
    ...given("frequencyPenalty", numberIn(body["frequency_penalty"])),
    ...given("seed", numberIn(body["seed"])),
  };
}

function given<Name extends keyof Options>(
  name: Name,
  value: Options[Name] | undefined,
): Partial<Pick<Options, Name>> {
  return value === undefined ? {} : ({ [name]: value } as Pick<Options, Name>);
}

function numberIn(value: Json | undefined): number | undefined {
  return typeof value === "number" ? value : undefined;
}

function stopsIn(stop: Json | undefined): string[] | undefined {
  if (typeof stop === "string") return [stop];
  return Array.isArray(stop) ? stop.map(String) : undefined;
}

function toolsIn(tools: Json | undefined): LanguageModelV4FunctionTool[] | undefined {
  if (!Array.isArray(tools) || tools.length === 0) return undefined;
  return tools.map((tool) => {
    const made = isObject(tool) ? tool["function"] : undefined;
    if (!isObject(made) || typeof made["name"] !== "string") {
      throw invalid("Only tools of type function can be translated.", "tools");
    }
    const { name, description, parameters, strict } = made;
    return {
      type: "function",
      name,
      inputSchema: schemaOf(parameters ?? { type: "object", properties: {} }),
      ...(typeof description === "string" ? { description } : {}),
      ...(typeof strict === "boolean" ? { strict } : {}),
    };
  });
}

function toolChoiceIn(choice: Json | undefined): LanguageModelV4ToolChoice | undefined {
  if (!isSet(choice)) return undefined;
  if (choice === "auto" || choice === "none" || choice === "required") return { type: choice };
  const made = isObject(choice) ? choice["function"] : undefined;
  if (isObject(made) && typeof made["name"] === "string") {
    return { type: "tool", toolName: made["name"] };
  }
  throw invalid("tool_choice must be auto, none, required or a function.", "tool_choice");
}

function formatIn(format: Json | undefined): Options["responseFormat"] | undefined {
  if (!isObject(format) || format["type"] === "text") return undefined;
  if (format["type"] === "json_object") return { type: "json" };
  const described = format["json_schema"];
  if (format["type"] !== "json_schema" || !isObject(described)) {
    throw invalid("response_format must be text, json_object or json_schema.", "response_format");
  }
  const { name, description, schema } = described;
  return {
    type: "json",
    ...(isObject(schema) ? { schema: schemaOf(schema) } : {}),
    ...(typeof name === "string" ? { name } : {}),
    ...(typeof description === "string" ? { description } : {}),
  };
}

function effortIn(effort: Json | undefined): Options["reasoning"] | undefined {
  if (!isSet(effort)) return undefined;
  const known = EFFORTS.find((name) => name === effort);
  if (known === undefined) {
    throw invalid(`reasoning_effort must be one of ${EFFORTS.join(", ")}.`, "reasoning_effort");
  }
  return known;
}

/** The provider checks schemas; here they are JSON. */
function schemaOf(schema: Json): Schema {
  return schema as Schema;
}
