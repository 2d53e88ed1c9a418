/** Sends a call to its provider and brings the answer back: streams pass through, all but their tail. */

import type { IncomingHttpHeaders } from "node:http";
import type { Client } from "./client.ts";
import type { Dispatcher } from "undici";
import type { JsonObject } from "../platform/json.ts";
import type { Deadlines } from "../config/config.ts";
import { firstHeader } from "../http/auth.ts";
import type { StreamShape } from "./dialects/dialect.ts";
import { objectOf } from "./dialects/events.ts";
import { StreamMeter, type Ends, type Produced } from "./meter.ts";
import { tellsUsage, type Convention } from "./usage.ts";
import { passedOn } from "./headers.ts";

/** An answer that is not streamed is held in memory, to be metered before any of it leaves. */
export const ANSWER_BYTES_MAX = 64 * 1024 * 1024;

const NOTHING = Buffer.alloc(0);

export type Failure =
  | "unreachable"
  | "timeout"
  | "broke_off"
  | "client_left"
  /** The provider ignored the output bound that the hold pays for. */
  | "over_bound"
  | "too_large";

/** What a provider has told of usage, and by whose convention. */
export interface Told {
  readonly convention: Convention;
  /** The answer itself, or what was collected of a stream. */
  readonly answer: JsonObject;
}

export type Answer =
  | {
      readonly kind: "whole";
      readonly status: number;
      readonly headers: IncomingHttpHeaders;
      readonly body: Buffer;
      readonly told: Told | null;
    }
  | {
      readonly kind: "streamed";
      readonly ends: Ends;
      readonly told: Told | null;
      readonly produced: Produced;
    }
  /** `produced` is null where no stream had begun. */
  | {
      readonly kind: "broken";
      /** Of a stream, the event that waited for its posting; else empty. */
      readonly held: Buffer;
      readonly failure: Failure;
      readonly told: Told | null;
      readonly produced: Produced | null;
      /** Whether the provider can have seen anything of the call. */
      readonly sent: boolean;
      /** Of a successful answer in one piece. */
      readonly receivedBytes: number;
    };

export interface Sending {
  readonly origin: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Buffer;
  readonly convention: Convention;
  /** Null where the route is never streamed. */
  readonly shape: StreamShape | null;
  /** The usage chunk was asked for by us, not by the client, and is kept from it. */
  readonly keepsUsage: boolean;
  /** Headers of Purser's own for a streamed answer. */
  readonly streamHeaders: Readonly<Record<string, string>>;
  /** A stream with more events, or tokens by its own count, has run past its hold; null if none leans on a bound. */
  readonly eventsMax: number | null;
  readonly deadlines: Deadlines;
}

/** Never rejects: what goes wrong is an answer too, because the hold has to end either way. */
export function forward(sending: Sending, upstream: Dispatcher, client: Client): Promise<Answer> {
  return new Promise((resolve) => {
    const exchange = new Exchange(sending, client, resolve);
    const { origin, path, headers, body, deadlines } = sending;
    const { headersMs: headersTimeout, idleMs: bodyTimeout } = deadlines;
    const options = { origin, path, method: "POST", headers, body } as const;
    upstream.dispatch({ ...options, headersTimeout, bodyTimeout }, exchange);
  });
}

/** One call's conversation with its provider, as undici drives it. */
class Exchange implements Dispatcher.DispatchHandler {
  readonly #sending: Sending;
  readonly #client: Client;
  readonly #resolve: (answer: Answer) => void;
  readonly #deadline: NodeJS.Timeout;
  #controller: Dispatcher.DispatchController | undefined;
  #failure: Failure | undefined;
  #sent = false;
  #status = 0;
  #headers: IncomingHttpHeaders = {};
  #body: Buffer[] = [];
  #bytes = 0;
  #meter: StreamMeter | undefined;

  constructor(sending: Sending, client: Client, resolve: (answer: Answer) => void) {
    this.#sending = sending;
    this.#client = client;
    this.#resolve = resolve;
    this.#deadline = setTimeout(() => this.#abort("timeout"), sending.deadlines.callMs);
    client.once("close", this.#onClientClose);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#client.destroyed) this.#abort("client_left");
    else if (this.#failure !== undefined) this.#abort(this.#failure);
    else this.#sent = true;
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: IncomingHttpHeaders,
  ): void {
    this.#status = status;
    this.#headers = headers;
    const streams = /^text\/event-stream\b/i.test(firstHeader(headers, "content-type") ?? "");
    const { shape, keepsUsage } = this.#sending;
    if (status !== 200 || !streams || shape === null) return;
    this.#meter = new StreamMeter(shape, keepsUsage);
    this.#client.writeHead(200, { ...passedOn(headers), ...this.#sending.streamHeaders });
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#meter === undefined) this.#collect(chunk);
    else this.#stream(this.#meter, controller, chunk);
  }

  onResponseEnd(): void {
    const meter = this.#meter;
    if (meter !== undefined) {
      const ends = meter.finish();
      this.#end({ kind: "streamed", ends, told: this.#told(), produced: meter.produced });
      return;
    }
    const body = Buffer.concat(this.#body);
    const status = this.#status;
    const answer = status < 300 ? this.#read(body) : toldInError(status, body);
    this.#end({ kind: "whole", status, headers: this.#headers, body, told: this.#toldIn(answer) });
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    const { produced = null, held = NOTHING } = this.#meter ?? {};
    const told = this.#told();
    const failure = this.#failure ?? failureOf(error);
    const receivedBytes = this.#status >= 200 && this.#status < 300 ? this.#bytes : 0;
    const sent = this.#sent;
    this.#end({ kind: "broken", failure, held, told, produced, sent, receivedBytes });
  }

  /** The client is written to as fast as it reads, and the provider is read no faster. */
  #stream(meter: StreamMeter, controller: Dispatcher.DispatchController, chunk: Buffer): void {
    const out = meter.push(chunk);
    if (out.length > 0 && !this.#client.write(out)) {
      controller.pause();
      this.#client.once("drain", () => controller.resume());
    }
    const { eventsMax } = this.#sending;
    if (eventsMax !== null && meter.length > eventsMax) this.#abort("over_bound");
  }

  #collect(chunk: Buffer): void {
    this.#body.push(chunk);
    this.#bytes += chunk.length;
    if (this.#bytes > ANSWER_BYTES_MAX) this.#abort("too_large");
  }

  /** Speech is bytes, and what was asked to be said is what is billed. */
  #read(body: Buffer): JsonObject | null {
    const spoken = this.#sending.convention === "openai_speech" ? {} : null;
    return objectOf(body.toString("utf8")) ?? spoken;
  }

  #told(): Told | null {
    return this.#toldIn(this.#meter?.told ?? null);
  }

  #toldIn(answer: JsonObject | null): Told | null {
    return answer === null ? null : { convention: this.#sending.convention, answer };
  }

  readonly #onClientClose = (): void => this.#abort("client_left");

  #abort(failure: Failure): void {
    this.#failure ??= failure;
    this.#controller?.abort(new Error(this.#failure));
  }

  #end(answer: Answer): void {
    clearTimeout(this.#deadline);
    this.#client.off("close", this.#onClientClose);
    this.#resolve(answer);
  }
}

/** An error is billed only where it tells its usage. */
export function toldInError(status: number, body: Buffer): JsonObject | null {
  const answer = status < 400 ? null : objectOf(body.toString("utf8"));
  return answer !== null && tellsUsage(answer) ? answer : null;
}

const TIMEOUTS = new Set([
  "UND_ERR_CONNECT_TIMEOUT",
  "UND_ERR_HEADERS_TIMEOUT",
  "UND_ERR_BODY_TIMEOUT",
]);
const UNREACHABLE = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
]);

export function failureOf(error: Error & { code?: string }): Failure {
  const code = error.code ?? "";
  if (TIMEOUTS.has(code)) return "timeout";
  return UNREACHABLE.has(code) ? "unreachable" : "broke_off";
}
