/** One call's exchange with a provider through its `@ai-sdk` package: its time, its end, and what goes wrong. */

import {
  APICallError,
  InvalidArgumentError,
  InvalidPromptError,
  UnsupportedFunctionalityError,
} from "@ai-sdk/provider";
import type { Dispatcher } from "undici";
import type { Deadlines } from "../../config/config.ts";
import { providerErrorBody } from "../../http/errors.ts";
import type { Fetch } from "../../providers/packages.ts";
import type { Client } from "../client.ts";
import { failureOf, toldInError, type Answer, type Failure, type Told } from "../forward.ts";
import type { Convention } from "../usage.ts";
import { Inflow } from "./inflow.ts";

/** What is translated waits for nothing. */
const NOTHING = Buffer.alloc(0);

type Whole = Extract<Answer, { kind: "whole" }>;
type Broken = Extract<Answer, { kind: "broken" }>;

/** What an answer had come to when it broke. */
export interface Made extends Pick<Broken, "told" | "produced" | "receivedBytes"> {
  /** By which an error may tell what it used; null where none does. */
  readonly convention: Convention | null;
}

/** What is said in it. */
export interface Talk {
  readonly isStream: boolean;
  answer(exchange: Exchange): Promise<Answer>;
  made(): Made;
}

/** Never rejects: what goes wrong is an answer too, because the hold has to end either way. */
export async function answered(
  talk: Talk,
  deadlines: Deadlines,
  upstream: Dispatcher,
  client: Client,
): Promise<Answer> {
  const exchange = new Exchange(talk.isStream, deadlines, upstream, client);
  try {
    return await talk.answer(exchange);
  } catch (error) {
    return exchange.failed(error, talk.made());
  } finally {
    exchange.end();
  }
}

export class Exchange {
  readonly #client: Client;
  readonly #inflow: Inflow;
  readonly #aborting = new AbortController();
  readonly #deadline: NodeJS.Timeout;
  #waiting: NodeJS.Timeout | undefined;
  #failure: Failure | undefined;

  constructor(isStream: boolean, deadlines: Deadlines, upstream: Dispatcher, client: Client) {
    this.#client = client;
    this.#inflow = new Inflow(upstream, isStream, () => this.abort("too_large"));
    this.#deadline = setTimeout(() => this.abort("timeout"), deadlines.callMs);
    client.once("close", this.#onClientClose);
    if (client.destroyed) this.abort("client_left");
    this.#wait(deadlines.headersMs);
  }

  get signal(): AbortSignal {
    return this.#aborting.signal;
  }

  get fetch(): Fetch {
    return this.#inflow.fetch;
  }

  /** Something was understood; the provider has this long to say something more. */
  heard(ms: number): void {
    this.#inflow.read();
    this.#wait(ms);
  }

  abort(failure: Failure): void {
    this.#failure ??= failure;
    this.#aborting.abort(new Error(failure));
  }

  /** What is still under way, beside a part that failed, is of no use any more. */
  end(): void {
    this.#aborting.abort(new Error("the exchange is over"));
    clearTimeout(this.#deadline);
    clearTimeout(this.#waiting);
    this.#client.off("close", this.#onClientClose);
  }

  /** What went wrong on the way, as an answer. */
  failed(error: unknown, { convention, ...made }: Made): Answer {
    const isClean = made.receivedBytes === 0 && !this.#client.headersSent;
    if (this.#failure === undefined && isClean) {
      if (APICallError.isInstance(error) && isError(error.statusCode)) {
        const refused = refusedBy(error.statusCode, error);
        return { ...refused, told: toldBy(error, convention) };
      }
      if (!this.#inflow.sent && error instanceof Error && isUnspeakable(error)) {
        return refusal(400, error.message);
      }
    }
    const failure = this.#failure ?? failureOf(causeOf(error));
    const { sent, received } = this.#inflow;
    const receivedBytes = made.receivedBytes + received;
    return { kind: "broken", failure, held: NOTHING, sent, ...made, receivedBytes };
  }

  #wait(ms: number): void {
    clearTimeout(this.#waiting);
    this.#waiting = setTimeout(() => this.abort("timeout"), ms);
  }

  readonly #onClientClose = (): void => this.abort("client_left");
}

function isError(status: number | undefined): status is number {
  return status !== undefined && status >= 300;
}

function toldBy(
  { statusCode = 0, responseBody = "" }: APICallError,
  convention: Convention | null,
): Told | null {
  const answer = toldInError(statusCode, Buffer.from(responseBody));
  return answer === null || convention === null ? null : { convention, answer };
}

/** The package found that its provider cannot do what was asked. */
function isUnspeakable(error: Error): boolean {
  return [UnsupportedFunctionalityError, InvalidPromptError, InvalidArgumentError].some((kind) =>
    kind.isInstance(error),
  );
}

/** Of the provider's headers only what tells when to come back is of use to a client of another dialect. */
function refusedBy(status: number, error: APICallError): Whole {
  const wait = error.responseHeaders?.["retry-after"];
  const answer = refusal(status, error.message);
  return wait === undefined
    ? answer
    : { ...answer, headers: { ...answer.headers, "retry-after": wait } };
}

function refusal(status: number, message: string): Whole {
  const body = Buffer.from(providerErrorBody(status, message));
  const headers = { "content-type": "application/json" };
  return { kind: "whole", status, headers, body, told: null };
}

function causeOf(error: unknown): Error {
  if (!(error instanceof Error)) return new Error(String(error));
  return error.cause instanceof Error ? causeOf(error.cause) : error;
}
