/** Lets the rest of the answer go, once its posting is durable. */

import type { Client } from "./client.ts";
import { ApiError, errorBody, ERRORS } from "../http/errors.ts";
import { formatUsd, type NanoUsd } from "../money/amount.ts";
import type { StreamShape } from "./dialects/dialect.ts";
import type { Answer, Failure } from "./forward.ts";
import { passedOn, type Headers } from "./headers.ts";

export interface Finished {
  readonly answer: Answer;
  /** Purser's own, with what the call cost: an error tells that as an answer does. */
  readonly headers: Headers;
  /** Null where the model has no price: that is not the same as 0. */
  readonly charge: NanoUsd | null;
  /** The provider's key, which no answer may repeat. */
  readonly secret: string | null;
  /** How the client's dialect tells of an error in a stream. */
  readonly errorEvent: StreamShape["errorEvent"];
}

/** Throws an `ApiError` where nothing has been sent yet and the provider gave no answer to pass on. */
export function finish(client: Client, finished: Finished): void {
  const { answer } = finished;
  if (client.destroyed) return;
  switch (answer.kind) {
    case "whole":
      return finishWhole(client, finished, answer);
    case "streamed":
      finishStream(client, answer, finished.charge);
      return;
    case "broken":
      return finishBroken(client, finished, answer.failure);
  }
}

/** The cost goes in a comment, which every reader of server-sent events skips: the headers left before it was known. */
function finishStream(
  client: Client,
  { tail, done }: Extract<Answer, { kind: "streamed" }>,
  charge: NanoUsd | null,
): void {
  const cost = charge === null ? "unpriced" : formatUsd(charge);
  client.write(tail);
  // After an event that lacks its blank line a comment would become part of it.
  if (tail.length === 0 || tail.at(-1) === LF) client.write(`: cost=${cost}\n\n`);
  client.end(done);
}

const LF = 0x0a;

function finishWhole(
  client: Client,
  { headers, secret }: Finished,
  answer: Extract<Answer, { kind: "whole" }>,
): void {
  const passes = answer.status < 300 || (answer.status >= 400 && answer.status < 500);
  if (!passes) {
    throw new ApiError("upstream_error", `The provider answered ${String(answer.status)}.`, {
      headers,
    });
  }
  const body = answer.status >= 400 ? redacted(answer.body, secret) : answer.body;
  client.writeHead(answer.status, {
    ...passedOn(answer.headers),
    ...headers,
    "content-length": body.length,
  });
  client.end(body);
}

/** After the first byte the status is out, so the error travels in the stream; OpenAI's SDKs raise it from there. */
function finishBroken(client: Client, finished: Finished, failure: Failure): void {
  if (failure === "client_left") {
    client.destroy();
    return;
  }
  const { error, message } = failureError(failure);
  const known = new ApiError(error, message, { headers: finished.headers });
  if (!client.headersSent) throw known;
  const body = errorBody(known, ERRORS[error].status);
  client.end(finished.errorEvent(body));
}

function failureError(failure: Exclude<Failure, "client_left">): ApiError {
  switch (failure) {
    case "unreachable":
      return new ApiError("upstream_error", "The provider could not be reached.");
    case "timeout":
      return new ApiError("upstream_timeout", "The provider did not answer within the deadline.");
    case "broke_off":
      return new ApiError("upstream_error", "The provider broke off its answer.");
    case "over_bound":
      return new ApiError("upstream_error", "The provider's answer ran past its token limit.");
    case "too_large":
      return new ApiError("upstream_error", "The provider's answer is too large.");
  }
}

/** Providers quote a rejected key in their errors. */
function redacted(body: Buffer, secret: string | null): Buffer {
  if (secret === null || secret === "" || !body.includes(secret)) return body;
  return Buffer.from(body.toString("utf8").replaceAll(secret, "[redacted]"));
}
