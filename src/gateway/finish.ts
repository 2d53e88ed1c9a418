/** Lets the rest of the answer go, once its posting is durable. */

import type { Client } from "./client.ts";
import { ApiError, errorBody, ERRORS } from "../http/errors.ts";
import { formatUsd, jsonUsd, type NanoUsd } from "../money/amount.ts";
import type { StreamShape } from "./dialects/dialect.ts";
import { withFields } from "./dialects/events.ts";
import type { Answer, Failure } from "./forward.ts";
import { passedOn, type Headers } from "./headers.ts";
import type { Ends } from "./meter.ts";

export interface Finished {
  readonly answer: Answer;
  /** Purser's own, with what the call cost: an error tells that as an answer does. */
  readonly headers: Headers;
  /** Null where the model has no price: that is not the same as 0. */
  readonly charge: NanoUsd | null;
  /** Of the customer's budget; null where there is none, or it is not to be seen. */
  readonly left: NanoUsd | null;
  /** The provider's key, which no answer may repeat. */
  readonly secret: string | null;
  /** How the client's dialect tells of an error in a stream. */
  readonly errorEvent: StreamShape["errorEvent"];
  /** Where in its last event a stream tells the cost; null where it shall not. */
  readonly usageAt: readonly string[] | null;
}

/** Throws an `ApiError` where nothing has been sent yet and the provider gave no answer to pass on. */
export function finish(client: Client, finished: Finished): void {
  const { answer } = finished;
  if (client.destroyed) return;
  switch (answer.kind) {
    case "whole":
      return finishWhole(client, finished, answer);
    case "streamed":
      return finishStream(client, finished, answer.ends);
    case "broken":
      return finishBroken(client, finished, answer);
  }
}

/** The headers left before the cost was known, so it is told in the event with the usage. */
function finishStream(client: Client, finished: Finished, { tail, usage, done }: Ends): void {
  if (finished.usageAt === null || usage.length === 0) {
    client.write(withComment(Buffer.concat([tail, usage]), finished.charge));
  } else client.write(Buffer.concat([tail, withCost(usage, finished)]));
  client.end(done);
}

function withCost(usage: Buffer, { charge, left, usageAt }: Finished): Buffer {
  if (usageAt === null || usage.length === 0) return usage;
  const cost = charge === null ? null : jsonUsd(charge);
  const fields = { cost, ...(left === null ? {} : { budget_remaining: jsonUsd(left) }) };
  return withFields(usage, usageAt, fields);
}

/** Every reader of server-sent events skips a comment. */
function withComment(tail: Buffer, charge: NanoUsd | null): Buffer {
  // After an event that lacks its blank line a comment would become part of it.
  if (tail.length > 0 && tail.at(-1) !== LF) return tail;
  const cost = charge === null ? "unpriced" : formatUsd(charge);
  return Buffer.concat([tail, Buffer.from(`: cost=${cost}\n\n`)]);
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
function finishBroken(
  client: Client,
  finished: Finished,
  { failure, held }: Extract<Answer, { kind: "broken" }>,
): void {
  if (failure === "client_left") {
    client.destroy();
    return;
  }
  const { error, message } = failureError(failure);
  const known = new ApiError(error, message, { headers: finished.headers });
  if (!client.headersSent) throw known;
  const body = errorBody(known, ERRORS[error].status);
  if (held.length > 0) client.write(withCost(held, finished));
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
