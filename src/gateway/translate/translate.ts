/** Has a chat answered by a provider that speaks otherwise: there and back through its `@ai-sdk` package. */

import type { Client } from "../client.ts";
import {
  APICallError,
  InvalidArgumentError,
  InvalidPromptError,
  UnsupportedFunctionalityError,
  type LanguageModelV4FinishReason,
  type SharedV4Warning,
} from "@ai-sdk/provider";
import { fetch as fetchWith, type Dispatcher } from "undici";
import type { Deadlines, DeploymentConfig } from "../../config/config.ts";
import { providerErrorBody } from "../../http/errors.ts";
import type { Usage } from "../../money/usage.ts";
import { isObject, type JsonObject } from "../../platform/json.ts";
import type { Fetch, Language, Speak } from "../../providers/language.ts";
import { dataEvent } from "../dialects/events.ts";
import { failureOf, type Answer, type Failure, type Told } from "../forward.ts";
import type { Headers } from "../headers.ts";
import type { Produced } from "../meter.ts";
import { heard, usageOf } from "../usage.ts";
import { Chunks, completionOf, type Heading } from "./completion.ts";
import { droppedFields, fitted } from "./fitted.ts";
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
  readonly #upstream: Dispatcher;
  readonly #client: Client;
  readonly #aborting = new AbortController();
  readonly #deadline: NodeJS.Timeout;
  #waiting: NodeJS.Timeout | undefined;
  #failure: Failure | undefined;
  #sent = false;
  #convention: Language["convention"] | undefined;
  #told: JsonObject | null = null;
  #dropped: Headers = {};
  #events = 0;
  #bytes = 0;
  /** Kept back until there is something to follow it: up to then an error can be told by its status. */
  #opening = "";

  constructor(given: Translation, upstream: Dispatcher, client: Client) {
    this.#given = given;
    this.#upstream = upstream;
    this.#client = client;
    this.#deadline = setTimeout(() => this.#abort("timeout"), given.deadlines.callMs);
    client.once("close", this.#onClientClose);
    if (client.destroyed) this.#abort("client_left");
  }

  async whole(): Promise<Answer> {
    const { language, options, dropped } = await this.#prepare();
    const result = await language.model.doGenerate(options);
    const answer = result.response?.body;
    this.#told = isObject(answer) ? answer : (result.usage.raw ?? null);
    requireEnd(result.finishReason);
    const completion = completionOf(result, this.#counted(), this.#given.heading);
    const body = Buffer.from(JSON.stringify(completion));
    const headers = { "content-type": "application/json", ...told(dropped, result.warnings) };
    return { kind: "whole", status: 200, headers, body, told: this.#account() };
  }

  async streamed(): Promise<Answer> {
    const { language, options, dropped } = await this.#prepare();
    const chunks = new Chunks(this.#given.heading);
    const { stream } = await language.model.doStream({ ...options, includeRawChunks: true });
    for await (const part of stream) {
      this.#wait(this.#given.deadlines.idleMs);
      if (part.type === "error") throw part.error;
      if (part.type === "stream-start") this.#dropped = told(dropped, part.warnings);
      if (part.type === "raw") this.#hear(part.rawValue);
      if (part.type === "finish") {
        this.#told ??= part.usage.raw ?? null;
        requireEnd(part.finishReason);
        const counted = this.#given.wantsUsage ? this.#counted() : undefined;
        const usage = counted === undefined ? "" : dataEvent(chunks.usage(counted));
        return this.#finished(dataEvent(chunks.finish(part.finishReason)) + usage);
      }
      if ("delta" in part) this.#count(part.delta);
      await this.#show(chunks.of(part));
    }
    throw new Error("the stream broke off");
  }

  /** What went wrong on the way, as an answer. */
  failed(error: unknown): Answer {
    const { statusCode, responseBody = "" } = APICallError.isInstance(error)
      ? error
      : { statusCode: undefined };
    if (this.#failure === undefined && !this.#client.headersSent) {
      if (statusCode !== undefined && statusCode >= 300) {
        return refusedBy(statusCode, error as APICallError);
      }
      if (!this.#sent && error instanceof Error && isUnspeakable(error)) {
        return refusal(400, error.message);
      }
    }
    return {
      kind: "broken",
      failure: this.#failure ?? failureOf(causeOf(error)),
      told: this.#account(),
      produced: this.#given.stream && this.#events > 0 ? this.#produced() : null,
      sent: this.#sent,
      receivedBytes: responseBody.length,
    };
  }

  end(): void {
    clearTimeout(this.#deadline);
    clearTimeout(this.#waiting);
    this.#client.off("close", this.#onClientClose);
  }

  async #prepare() {
    const { speak, deployment, asked, outputTokens, deadlines } = this.#given;
    this.#wait(deadlines.headersMs);
    const language = await speak(deployment, this.#fetch);
    this.#convention = language.convention;
    const { options, dropped } = fitted(asked, outputTokens, language);
    return { language, dropped, options: { ...options, abortSignal: this.#aborting.signal } };
  }

  /** Through the pool that all calls share. The two types of `fetch` differ in name only. */
  readonly #fetch: Fetch = async (address, init) => {
    this.#sent = true;
    const options = { ...init, dispatcher: this.#upstream };
    const asked = fetchWith as unknown as (address: unknown, init: unknown) => Promise<Response>;
    return asked(address, options);
  };

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
    const headers = { "content-type": "text/event-stream", ...streamHeaders, ...this.#dropped };
    this.#client.writeHead(200, headers);
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

  #finished(tail: string): Answer {
    this.#open();
    const produced = this.#produced();
    const ends = { tail: Buffer.from(tail), done: DONE };
    return { kind: "streamed", ...ends, told: this.#account(), produced };
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

/** The package found that its provider cannot do what was asked. */
function isUnspeakable(error: Error): boolean {
  return [UnsupportedFunctionalityError, InvalidPromptError, InvalidArgumentError].some((kind) =>
    kind.isInstance(error),
  );
}

/** Where the provider gave no reason to end, or an error for one, the answer is none. */
function requireEnd({ unified, raw }: LanguageModelV4FinishReason): void {
  if (raw === undefined || unified === "error") throw new Error("the answer broke off");
}

/** Nothing is dropped in silence. */
function told(dropped: readonly string[], warnings: readonly SharedV4Warning[]): Headers {
  const fields = droppedFields(dropped, warnings);
  return fields === "" ? {} : { "x-purser-untranslated": fields };
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
