/** The messages of a chat as `@ai-sdk` packages take them. */

import type {
  LanguageModelV4FilePart,
  LanguageModelV4Message,
  LanguageModelV4Prompt,
  LanguageModelV4TextPart,
  LanguageModelV4ToolCallPart,
  LanguageModelV4ToolResultPart,
  SharedV4ProviderOptions,
} from "@ai-sdk/provider";
import { isObject, type Json, type JsonObject } from "../../platform/json.ts";
import { objectOf, textAt } from "../dialects/events.ts";
import { invalid } from "../dialects/fields.ts";
import { thoughtsIn } from "./thoughts.ts";

type Piece = LanguageModelV4TextPart | LanguageModelV4FilePart;

/** Throws `invalid_request` for what has no translation. */
export function promptOf(messages: readonly JsonObject[]): LanguageModelV4Prompt {
  const toolNames = new Map(messages.flatMap(toolCallsIn).map((call) => [call.id, call.name]));
  const prompt: LanguageModelV4Prompt = [];
  for (const message of messages) {
    const translated = messageOf(message, toolNames);
    const previous = prompt.at(-1);
    // The results of one turn's tools belong together.
    if (translated.role === "tool" && previous?.role === "tool") {
      previous.content.push(...translated.content);
    } else prompt.push(translated);
  }
  return prompt;
}

function messageOf(
  message: JsonObject,
  toolNames: ReadonlyMap<string, string>,
): LanguageModelV4Message {
  const { content } = message;
  const marked = optionsOf(message);
  switch (textAt(message, "role")) {
    case "system":
    case "developer":
      return { role: "system", content: textOf(content), ...marked };
    case "user":
      return { role: "user", content: piecesOf(content), ...marked };
    case "assistant":
      return { role: "assistant", content: assistantParts(message), ...marked };
    case "tool":
      return { role: "tool", content: [toolResult(message, toolNames)], ...marked };
    default:
      throw invalid("role must be system, developer, user, assistant or tool.", "messages");
  }
}

function assistantParts(message: JsonObject) {
  const { content } = message;
  const said = content === null || content === undefined || content === "" ? [] : piecesOf(content);
  return [...thoughtsIn(message), ...said, ...toolCallsIn(message).map(toolCallPart)];
}

interface ToolCall {
  readonly id: string;
  readonly name: string;
  readonly given: string;
  /** What the provider wants to see again beside the call, as Gemini its signature of a thought. */
  readonly extra: Json | undefined;
}

function toolCallsIn({ tool_calls: calls }: JsonObject): readonly ToolCall[] {
  if (!Array.isArray(calls)) return [];
  return calls.filter(isObject).map((call) => {
    const made = isObject(call["function"]) ? call["function"] : {};
    const extra = call["provider_specific_fields"];
    return {
      id: textAt(call, "id"),
      name: textAt(made, "name"),
      given: textAt(made, "arguments"),
      extra,
    };
  });
}

function toolCallPart({ id, name, given, extra }: ToolCall): LanguageModelV4ToolCallPart {
  const input = given.trim() === "" ? {} : objectOf(given);
  if (input === null) throw invalid("The arguments of a tool call must be JSON.", "messages");
  const call = { type: "tool-call", toolCallId: id, toolName: name, input } as const;
  return isObject(extra) ? { ...call, providerOptions: providerOptionsOf(extra) } : call;
}

function toolResult(
  message: JsonObject,
  toolNames: ReadonlyMap<string, string>,
): LanguageModelV4ToolResultPart {
  const toolCallId = textAt(message, "tool_call_id");
  const toolName = toolNames.get(toolCallId);
  if (toolName === undefined) {
    throw invalid("tool_call_id must be the id of an earlier tool call.", "messages");
  }
  const output = { type: "text", value: textOf(message["content"]) } as const;
  return { type: "tool-result", toolCallId, toolName, output };
}

function piecesOf(content: Json | undefined): Piece[] {
  if (typeof content === "string") return [{ type: "text", text: content }];
  if (!Array.isArray(content)) throw invalid("content must be text or an array.", "messages");
  return content.map((piece) => {
    if (!isObject(piece)) throw invalid("Each piece of content must be an object.", "messages");
    return { ...pieceOf(piece), ...optionsOf(piece) };
  });
}

function pieceOf(piece: JsonObject): Piece {
  switch (textAt(piece, "type")) {
    case "text":
    case "refusal":
      return { type: "text", text: textAt(piece, "text") || textAt(piece, "refusal") };
    case "image_url":
      return imageOf(piece["image_url"]);
    case "input_audio":
      return audioOf(piece["input_audio"]);
    case "file":
      return fileOf(piece["file"]);
    default:
      throw invalid(
        `There is no translation of content of type ${textAt(piece, "type")}.`,
        "messages",
      );
  }
}

function imageOf(image: Json | undefined): LanguageModelV4FilePart {
  const url = isObject(image) ? image["url"] : image;
  if (typeof url !== "string") throw invalid("image_url.url must be text.", "messages");
  return fromAddress(url, "image/*");
}

function audioOf(audio: Json | undefined): LanguageModelV4FilePart {
  const { data } = isObject(audio) ? audio : {};
  if (typeof data !== "string") throw invalid("input_audio.data must be base64.", "messages");
  return {
    type: "file",
    data: { type: "data", data },
    mediaType: `audio/${textAt(isObject(audio) ? audio : null, "format")}`,
  };
}

function fileOf(file: Json | undefined): LanguageModelV4FilePart {
  const { file_data: data, filename } = isObject(file) ? file : {};
  if (typeof data !== "string") throw invalid("A file must come as file_data.", "messages");
  const part = fromAddress(data, "application/pdf");
  return typeof filename === "string" ? { ...part, filename } : part;
}

/** What is not in the address itself is fetched by the provider or not at all; a gateway could be led anywhere. */
function fromAddress(address: string, mediaType: string): LanguageModelV4FilePart {
  const inline = /^data:([^;,]+)(?:;[^,]*)?;base64,(.*)$/s.exec(address);
  if (inline !== null) {
    const [, type = mediaType, data = ""] = inline;
    return { type: "file", data: { type: "data", data }, mediaType: type };
  }
  const url = URL.parse(address);
  if (url?.protocol !== "https:") {
    throw invalid("A picture or file must be a data: or https: address.", "messages");
  }
  return { type: "file", data: { type: "url", url }, mediaType };
}

function textOf(content: Json | undefined): string {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) throw invalid("content must be text or an array.", "messages");
  return content
    .map((piece) => {
      if (isObject(piece) && typeof piece["text"] === "string") return piece["text"];
      throw invalid("Systems and tools can be quoted in text only.", "messages");
    })
    .join("\n");
}

/** Anthropic's mark that asks for a cache, as LiteLLM's clients write it. */
function optionsOf(marked: JsonObject): { providerOptions?: SharedV4ProviderOptions } {
  const { cache_control: cacheControl } = marked;
  if (!isObject(cacheControl)) return {};
  const { type = null, ttl } = cacheControl;
  const mark = { type, ...(ttl === undefined ? {} : { ttl }) };
  return { providerOptions: providerOptionsOf({ anthropic: { cacheControl: mark } }) };
}

/** JSON from outside is JSON to the packages; their type of it differs in name only. */
function providerOptionsOf(options: JsonObject): SharedV4ProviderOptions {
  return options as SharedV4ProviderOptions;
}
