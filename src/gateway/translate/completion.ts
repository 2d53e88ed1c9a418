/** What an `@ai-sdk` package gives, as OpenAI's chat completion and its chunks. */

import type {
  LanguageModelV4Content,
  LanguageModelV4FinishReason,
  LanguageModelV4GenerateResult,
  LanguageModelV4StreamPart,
  LanguageModelV4ToolCall,
} from "@ai-sdk/provider";
import { inputTokens, outputTokens, type Usage } from "../../money/usage.ts";
import { thoughtOf, thoughtsOf } from "./thoughts.ts";

type Thought = Pick<
  Extract<LanguageModelV4StreamPart, { type: "reasoning-start" }>,
  "id" | "providerMetadata"
>;

/** What every piece of an answer says of itself. */
export interface Heading {
  readonly id: string;
  readonly model: string;
  /** Seconds. */
  readonly created: number;
}

const FINISH_REASONS: Readonly<Record<LanguageModelV4FinishReason["unified"], string>> = {
  stop: "stop",
  length: "length",
  "content-filter": "content_filter",
  "tool-calls": "tool_calls",
  error: "stop",
  interrupted: "stop",
  other: "stop",
};

export function completionOf(
  { content, finishReason }: LanguageModelV4GenerateResult,
  usage: Usage | undefined,
  heading: Heading,
): unknown {
  const text = textOf(content, "text");
  const reasoning = textOf(content, "reasoning");
  const thoughts = thoughtsOf(content);
  const calls = content.filter((part) => part.type === "tool-call").filter(isOwn);
  const message = {
    role: "assistant",
    content: text === "" && calls.length > 0 ? null : text,
    ...(reasoning === "" ? {} : { reasoning_content: reasoning }),
    ...(thoughts.length === 0 ? {} : { thinking_blocks: thoughts }),
    ...(calls.length === 0 ? {} : { tool_calls: calls.map((call) => toolCallOf(call)) }),
  };
  const finish_reason = FINISH_REASONS[finishReason.unified];
  return {
    ...heading,
    object: "chat.completion",
    choices: [{ index: 0, message, finish_reason }],
    ...(usage === undefined ? {} : { usage: totalsOf(usage) }),
  };
}

/** Makes the chunks of one stream; a tool's call comes in pieces that count on. */
export class Chunks {
  readonly #heading: Heading;
  readonly #calls = new Map<string, number>();
  readonly #thoughts = new Map<string, string>();

  constructor(heading: Heading) {
    this.#heading = heading;
  }

  /** Null where a part has nothing to show. */
  of(part: LanguageModelV4StreamPart): unknown {
    const { type } = part;
    if (type === "stream-start") return this.#delta({ role: "assistant", content: "" });
    if (type === "text-delta") return this.#delta({ content: part.delta });
    if (type === "reasoning-start") return this.#thought(part, "");
    if (type === "reasoning-delta") return this.#thought(part, part.delta);
    if (type === "tool-input-delta") return this.#continue(part.id, part.delta);
    if (type === "tool-call") return this.#whole(part);
    if (type !== "tool-input-start" || part.providerExecuted === true) return null;
    return this.#begin(part.id, part.toolName);
  }

  finish(reason: LanguageModelV4FinishReason): unknown {
    return this.#chunk([{ index: 0, delta: {}, finish_reason: FINISH_REASONS[reason.unified] }]);
  }

  usage(usage: Usage): unknown {
    return { ...this.#chunk([]), usage: totalsOf(usage) };
  }

  /** What is signed is told once more as a whole, to be sent back. */
  #thought({ id, providerMetadata }: Thought, more: string): unknown {
    const text = (this.#thoughts.get(id) ?? "") + more;
    this.#thoughts.set(id, text);
    const signed = thoughtOf(text, providerMetadata);
    if (more === "" && signed === null) return null;
    return this.#delta({
      ...(more === "" ? {} : { reasoning_content: more }),
      ...(signed === null ? {} : { thinking_blocks: [signed] }),
    });
  }

  #begin(id: string, name: string): unknown {
    const index = this.#calls.size;
    this.#calls.set(id, index);
    const call = { index, id, type: "function", function: { name, arguments: "" } };
    return this.#delta({ tool_calls: [call] });
  }

  #continue(id: string, given: string): unknown {
    const index = this.#calls.get(id);
    if (index === undefined) return null;
    return this.#delta({ tool_calls: [{ index, function: { arguments: given } }] });
  }

  /** A call that came in pieces has been told already, but for what its provider wants to see again. */
  #whole(call: LanguageModelV4ToolCall): unknown {
    if (!isOwn(call)) return null;
    const known = this.#calls.get(call.toolCallId);
    if (known === undefined) {
      const index = this.#calls.size;
      this.#calls.set(call.toolCallId, index);
      return this.#delta({ tool_calls: [{ index, ...toolCallOf(call) }] });
    }
    const { providerMetadata: extra } = call;
    if (extra === undefined) return null;
    return this.#delta({ tool_calls: [{ index: known, provider_specific_fields: extra }] });
  }

  #delta(delta: object): unknown {
    return this.#chunk([{ index: 0, delta, finish_reason: null }]);
  }

  #chunk(choices: readonly unknown[]): object {
    return { ...this.#heading, object: "chat.completion.chunk", choices };
  }
}

/** Tools that the provider runs by itself are no affair of the client's. */
function isOwn({ providerExecuted }: LanguageModelV4ToolCall): boolean {
  return providerExecuted !== true;
}

function toolCallOf(call: LanguageModelV4ToolCall) {
  const { toolCallId: id, toolName: name, input, providerMetadata: extra } = call;
  return {
    id,
    type: "function",
    function: { name, arguments: input },
    ...(extra === undefined ? {} : { provider_specific_fields: extra }),
  };
}

function textOf(content: readonly LanguageModelV4Content[], type: "text" | "reasoning"): string {
  return content.map((part) => (part.type === type ? part.text : "")).join("");
}

/** The very numbers that are charged. */
function totalsOf(usage: Usage) {
  const prompt = inputTokens(usage);
  const completion = outputTokens(usage);
  const cached = (usage.cacheRead ?? 0) + (usage.cacheReadAudio ?? 0);
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    prompt_tokens_details: { cached_tokens: cached },
    completion_tokens_details: { reasoning_tokens: usage.reasoning ?? 0 },
  };
}
