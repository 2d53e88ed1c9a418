/** Has a chat answered by a provider that speaks otherwise: there and back through its `@ai-sdk` package. */

import type { Client } from "../client.ts";
import type { LanguageModelV4FinishReason } from "@ai-sdk/provider";
import type { Dispatcher } from "undici";
import type { Deadlines, DeploymentConfig } from "../../config/config.ts";
import type { Usage } from "../../money/usage.ts";
import { isObject, type JsonObject } from "../../platform/json.ts";
import type { Language, Speak } from "../../providers/language.ts";
import { dataEvent } from "../dialects/events.ts";
import type { Answer, Told } from "../forward.ts";
import type { Headers } from "../headers.ts";
import type { Produced } from "../meter.ts";
import { heard, usageOf } from "../usage.ts";
import { Chunks, completionOf, type Heading } from "./completion.ts";
import { answered, type Exchange, type Made, type Talk } from "./exchange.ts";
import { fitted, untranslated } from "./fitted.ts";
import type { Asked } from "./options.ts";

export interface Translation {
  readonly asked: Asked;
  readonly speak: Speak;
  readonly deployment: DeploymentConfig;
  readonly heading: Heading;
  readonly stream: boolean;
  readonly wantsUsage: boolean;
  /** The output bound that a hold leans on; null if none does. */
  readonly outputTokens: number | null;
  readonly eventsMax: number | null;
  readonly streamHeaders: Headers;
  readonly deadlines: Deadlines;
}

const DONE = Buffer.from("data: [DONE]\n\n");

/** Never rejects: what goes wrong is an answer too, because the hold has to end either way. */
export function translate(
  given: Translation,
  upstream: Dispatcher,
  client: Client,
): Promise<Answer> {
  return answered(new Conversation(given, client), given.deadlines, upstream, client);
}

class Conversation implements Talk {
  readonly #given: Translation;
  readonly #client: Client;
  #convention: Language["convention"] | undefined;
  #told: JsonObject | null = null;
  #dropped: Headers = {};
  #events = 0;
  #bytes = 0;
  /** Kept back until there is something to follow it: up to then an error can be told by its status. */
  #opening = "";

  constructor(given: Translation, client: Client) {
    this.#given = given;
    this.#client = client;
  }

  get isStream(): boolean {
    return this.#given.stream;
  }

  answer(exchange: Exchange): Promise<Answer> {
    return this.isStream ? this.#streamed(exchange) : this.#whole(exchange);
  }

  made(): Made {
    const produced = this.isStream && this.#events > 0 ? this.#produced() : null;
    const convention = this.#convention ?? null;
    return { told: this.#account(), produced, receivedBytes: 0, convention };
  }

  async #whole(exchange: Exchange): Promise<Answer> {
    const { language, options, dropped } = await this.#prepare(exchange);
    const result = await language.model.doGenerate(options);
    const answer = result.response?.body;
    this.#told = isObject(answer) ? answer : (result.usage.raw ?? null);
    requireEnd(result.finishReason);
    const completion = completionOf(result, this.#counted(), this.#given.heading);
    const body = Buffer.from(JSON.stringify(completion));
    const headers = {
      "content-type": "application/json",
      ...untranslated(dropped, result.warnings),
    };
    return { kind: "whole", status: 200, headers, body, told: this.#account() };
  }

  async #streamed(exchange: Exchange): Promise<Answer> {
    const { language, options, dropped } = await this.#prepare(exchange);
    const chunks = new Chunks(this.#given.heading);
    const { stream } = await language.model.doStream({ ...options, includeRawChunks: true });
    for await (const part of stream) {
      exchange.heard(this.#given.deadlines.idleMs);
      if (part.type === "error") throw part.error;
      if (part.type === "stream-start") this.#dropped = untranslated(dropped, part.warnings);
      if (part.type === "raw") this.#hear(part.rawValue);
      if (part.type === "finish") {
        this.#told ??= part.usage.raw ?? null;
        requireEnd(part.finishReason);
        const counted = this.#given.wantsUsage ? this.#counted() : undefined;
        const usage = counted === undefined ? "" : dataEvent(chunks.usage(counted));
        return this.#finished(dataEvent(chunks.finish(part.finishReason)), usage);
      }
      if ("delta" in part) this.#count(part.delta, exchange);
      await this.#show(chunks.of(part), exchange);
    }
    throw new Error("the stream broke off");
  }

  async #prepare(exchange: Exchange) {
    const { speak, deployment, asked, outputTokens } = this.#given;
    const language = await speak(deployment, exchange.fetch);
    this.#convention = language.convention;
    const { options, dropped } = fitted(asked, outputTokens, language);
    return { language, dropped, options: { ...options, abortSignal: exchange.signal } };
  }

  /** Bedrock and Cohere wrap what they tell of usage once more. */
  #hear(value: unknown): void {
    if (!isObject(value)) return;
    const { metadata, delta } = value;
    if (isObject(metadata) && isObject(metadata["usage"])) this.#told = heard(this.#told, metadata);
    else if (isObject(delta) && isObject(delta["usage"])) this.#told = heard(this.#told, delta);
    else if (USAGE.some((name) => name in value)) this.#told = heard(this.#told, value);
  }

  #count(delta: string, exchange: Exchange): void {
    this.#events += 1;
    this.#bytes += Buffer.byteLength(delta);
    const { eventsMax } = this.#given;
    if (eventsMax === null || this.#events <= eventsMax) return;
    exchange.abort("over_bound");
    throw new Error("the answer ran past its bound");
  }

  async #show(chunk: unknown, exchange: Exchange): Promise<void> {
    if (chunk === null) return;
    const event = dataEvent(chunk);
    if (this.#events === 0) {
      this.#opening += event;
      return;
    }
    this.#open();
    if (!this.#client.write(event)) await this.#drained(exchange.signal);
  }

  #open(): void {
    if (this.#client.headersSent) return;
    const { streamHeaders } = this.#given;
    const headers = { "content-type": "text/event-stream", ...streamHeaders, ...this.#dropped };
    this.#client.writeHead(200, headers);
    this.#client.write(this.#opening);
  }

  /** The client is written to as fast as it reads, and the provider is read no faster. */
  #drained(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const over = (): void => {
        this.#client.off("drain", over);
        signal.removeEventListener("abort", over);
        resolve();
      };
      this.#client.once("drain", over);
      signal.addEventListener("abort", over);
    });
  }

  #finished(tail: string, usage: string): Answer {
    this.#open();
    const produced = this.#produced();
    const ends = { tail: Buffer.from(tail), usage: Buffer.from(usage), done: DONE };
    return { kind: "streamed", ends, told: this.#account(), produced };
  }

  #account(): Told | null {
    if (this.#told === null || this.#convention === undefined) return null;
    return { convention: this.#convention, answer: this.#told };
  }

  #counted(): Usage | undefined {
    const { provider } = this.#given.deployment;
    const told = this.#account();
    return told === null ? undefined : usageOf({ ...told, provider, request: {} })?.usage;
  }

  #produced(): Produced {
    return { events: this.#events, bytes: this.#bytes, eventBytesMin: 0 };
  }
}

/** Where the provider gave no reason to end, or an error for one, the answer is none. */
function requireEnd({ unified, raw }: LanguageModelV4FinishReason): void {
  if (raw === undefined || unified === "error") throw new Error("the answer broke off");
}

/** What an event that tells usage has. */
const USAGE = ["usage", "usageMetadata", "message"];
