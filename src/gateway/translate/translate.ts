/** Has a chat answered by a provider that speaks otherwise: there and back through its `@ai-sdk` package. */

import type { Client } from "../client.ts";
import { APICallError, type LanguageModelV4CallOptions } from "@ai-sdk/provider";
import type { Dispatcher } from "undici";
import type { Deadlines, DeploymentConfig } from "../../config/config.ts";
import { providerErrorBody } from "../../http/errors.ts";
import { isObject, type JsonObject } from "../../platform/json.ts";
import type { Language, Speak } from "../../providers/language.ts";
import { dataEvent } from "../dialects/events.ts";
import { failureOf, type Answer, type Failure, type Told } from "../forward.ts";
import type { Headers } from "../headers.ts";
import type { Produced } from "../meter.ts";
import { heard } from "../usage.ts";
import { Chunks, completionOf, type Heading } from "./completion.ts";
import { Inflow } from "./inflow.ts";
import { bounded } from "./options.ts";

export interface Translation {
  readonly options: LanguageModelV4CallOptions;
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
export async function translate(
  given: Translation,
  upstream: Dispatcher,
  client: Client,
): Promise<Answer> {
  const conversation = new Conversation(given, upstream, client);
  try {
    return given.stream ? await conversation.streamed() : await conversation.whole();
  } catch (error) {
    return conversation.failed(error);
  } finally {
    conversation.end();
  }
}

class Conversation {
  readonly #given: Translation;
  readonly #client: Client;
  readonly #aborting = new AbortController();
  readonly #inflow: Inflow;
  readonly #deadline: NodeJS.Timeout;
  #waiting: NodeJS.Timeout | undefined;
  #failure: Failure | undefined;
  #convention: Language["convention"] | undefined;
  #told: JsonObject | null = null;
  #events = 0;
  #bytes = 0;
  /** Kept back until there is something to follow it: up to then an error can be told by its status. */
  #opening = "";

  constructor(given: Translation, upstream: Dispatcher, client: Client) {
    this.#given = given;
    this.#client = client;
    this.#inflow = new Inflow(upstream, given.stream, () => this.#abort("too_large"));
    this.#deadline = setTimeout(() => this.#abort("timeout"), given.deadlines.callMs);
    client.once("close", this.#onClientClose);
    if (client.destroyed) this.#abort("client_left");
  }

  async whole(): Promise<Answer> {
    const { language, options } = await this.#prepare();
    const result = await language.model.doGenerate(options);
    const body = Buffer.from(JSON.stringify(completionOf(result, this.#given.heading)));
    const answer = result.response?.body;
    this.#told = isObject(answer) ? answer : (result.usage.raw ?? null);
    const headers = { "content-type": "application/json" };
    return { kind: "whole", status: 200, headers, body, told: this.#account() };
  }

  async streamed(): Promise<Answer> {
    const { language, options } = await this.#prepare();
    const chunks = new Chunks(this.#given.heading);
    const { stream } = await language.model.doStream({ ...options, includeRawChunks: true });
    for await (const part of stream) {
      this.#wait(this.#given.deadlines.idleMs);
      this.#inflow.read();
      if (part.type === "error") throw part.error;
      if (part.type === "raw") this.#hear(part.rawValue);
      if (part.type === "finish") {
        if (part.finishReason.unified === "interrupted") throw new Error("the stream broke off");
        this.#told ??= part.usage.raw ?? null;
        const told = this.#given.wantsUsage ? dataEvent(chunks.usage(part.usage)) : "";
        return this.#finished(dataEvent(chunks.finish(part.finishReason)), told);
      }
      if ("delta" in part) this.#count(part.delta);
      await this.#show(chunks.of(part));
    }
    throw new Error("the stream broke off");
  }

  /** What went wrong on the way, as an answer. */
  failed(error: unknown): Answer {
    const statusCode = APICallError.isInstance(error) ? error.statusCode : undefined;
    if (this.#failure === undefined && !this.#client.headersSent) {
      if (statusCode !== undefined && statusCode >= 300) {
        return refusedBy(statusCode, error as APICallError);
      }
      // The package found that its provider cannot do what was asked.
      if (!this.#inflow.sent)
        return refusal(400, String(error instanceof Error ? error.message : error));
    }
    return {
      kind: "broken",
      failure: this.#failure ?? failureOf(causeOf(error)),
      told: this.#account(),
      produced: this.#given.stream && this.#events > 0 ? this.#produced() : null,
      sent: this.#inflow.sent,
      receivedBytes: this.#inflow.received,
    };
  }

  end(): void {
    clearTimeout(this.#deadline);
    clearTimeout(this.#waiting);
    this.#client.off("close", this.#onClientClose);
  }

  async #prepare() {
    const { speak, deployment, options, outputTokens, deadlines } = this.#given;
    this.#wait(deadlines.headersMs);
    const language = await speak(deployment, this.#inflow.fetch);
    this.#convention = language.convention;
    const asked = outputTokens === null ? options : bounded(options, outputTokens, language);
    return { language, options: { ...asked, abortSignal: this.#aborting.signal } };
  }

  /** Bedrock and Cohere wrap what they tell of usage once more. */
  #hear(value: unknown): void {
    if (!isObject(value)) return;
    const { metadata, delta } = value;
    if (isObject(metadata) && isObject(metadata["usage"])) this.#told = heard(this.#told, metadata);
    else if (isObject(delta) && isObject(delta["usage"])) this.#told = heard(this.#told, delta);
    else if (USAGE.some((name) => name in value)) this.#told = heard(this.#told, value);
  }

  #count(delta: string): void {
    this.#events += 1;
    this.#bytes += Buffer.byteLength(delta);
    const { eventsMax } = this.#given;
    if (eventsMax === null || this.#events <= eventsMax) return;
    this.#abort("over_bound");
    throw new Error("the answer ran past its bound");
  }

  async #show(chunk: unknown): Promise<void> {
    if (chunk === null) return;
    const event = dataEvent(chunk);
    if (this.#events === 0) {
      this.#opening += event;
      return;
    }
    this.#open();
    if (!this.#client.write(event)) await this.#drained();
  }

  #open(): void {
    if (this.#client.headersSent) return;
    const { streamHeaders } = this.#given;
    this.#client.writeHead(200, { "content-type": "text/event-stream", ...streamHeaders });
    this.#client.write(this.#opening);
  }

  /** The client is written to as fast as it reads, and the provider is read no faster. */
  #drained(): Promise<void> {
    return new Promise((resolve) => {
      const over = (): void => {
        this.#client.off("drain", over);
        this.#aborting.signal.removeEventListener("abort", over);
        resolve();
      };
      this.#client.once("drain", over);
      this.#aborting.signal.addEventListener("abort", over);
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

  #produced(): Produced {
    return { events: this.#events, bytes: this.#bytes, eventBytesMin: 0 };
  }

  #wait(ms: number): void {
    clearTimeout(this.#waiting);
    this.#waiting = setTimeout(() => this.#abort("timeout"), ms);
  }

  readonly #onClientClose = (): void => this.#abort("client_left");

  #abort(failure: Failure): void {
    this.#failure ??= failure;
    this.#aborting.abort(new Error(failure));
  }
}

/** What an event that tells usage has. */
const USAGE = ["usage", "usageMetadata", "message"];

/** Of the provider's headers only what tells when to come back is of use to a client of another dialect. */
function refusedBy(status: number, error: APICallError): Answer {
  const wait = error.responseHeaders?.["retry-after"];
  const answer = refusal(status, error.message);
  return wait === undefined
    ? answer
    : { ...answer, headers: { ...answer.headers, "retry-after": wait } };
}

function refusal(status: number, message: string): Extract<Answer, { kind: "whole" }> {
  const body = Buffer.from(providerErrorBody(status, message));
  return {
    kind: "whole",
    status,
    headers: { "content-type": "application/json" },
    body,
    told: null,
  };
}

function causeOf(error: unknown): Error {
  if (!(error instanceof Error)) return new Error(String(error));
  return error.cause instanceof Error ? causeOf(error.cause) : error;
}
