/** The HTTP server: ids, bodies, the error answer, and an orderly stop. Routes are given to it. */

import type { Socket } from "node:net";
import fastify, { type FastifyError, type FastifyInstance, type FastifyReply } from "fastify";
import { newId } from "../platform/clock.ts";
import type { Log } from "../platform/log.ts";
import { ApiError, errorResponse, type ErrorResponse } from "./errors.ts";
import { describeRoutes } from "./openapi.ts";

export interface ServerOptions {
  readonly requestBytesMax: number;
  readonly log: Log;
}

/** Adds routes to a scope of their own: parsers and hooks of one do not touch the others. */
export type Routes = (app: FastifyInstance) => void;

export async function createServer(
  { requestBytesMax, log }: ServerOptions,
  scopes: readonly Routes[],
): Promise<FastifyInstance> {
  const app = fastify({
    bodyLimit: requestBytesMax,
    genReqId: newId,
    logger: false,
    // A request that arrives on a kept-alive connection while the server stops is still answered.
    return503OnClosing: false,
    forceCloseConnections: "idle",
    routerOptions: { maxParamLength: PATH_PARAM_CHARS_MAX },
    frameworkErrors: (error, request, reply) => {
      void send(reply, new ApiError("invalid_request", error.message), request.id);
    },
    clientErrorHandler: refuseUnparsed,
    // Hostile keys in a body are data like any other: they are copied, never merged.
    onProtoPoisoning: "ignore",
    onConstructorPoisoning: "ignore",
  });
  app.addHook("onSend", (request, reply, payload, done) => {
    reply.headers(idHeaders(request.id));
    done(null, payload);
  });
  app.setErrorHandler((error: FastifyError, request, reply) => {
    const known = named(error);
    if (!(known instanceof ApiError)) log.error({ id: request.id, err: error }, "request failed");
    return send(reply, known, request.id);
  });
  app.setNotFoundHandler((request, reply) =>
    send(reply, new ApiError("not_found", "There is no such route."), request.id),
  );
  await describeRoutes(app);
  for (const routes of scopes) {
    await app.register((scope, _options, done) => {
      routes(scope);
      done();
    });
  }
  return app;
}

/** Both names carry the one id of the request. */
export function idHeaders(id: string): Record<string, string> {
  return { "x-request-id": id, "x-litellm-call-id": id };
}

/** Of an error that is written past Fastify. */
export function errorHeaders({ headers, body }: ErrorResponse, id: string) {
  return { ...idHeaders(id), ...headers, "content-length": Buffer.byteLength(body) };
}

/** Longer than any model or URL-encoded id, so that an overlong one is told so and not that the route is missing. */
const PATH_PARAM_CHARS_MAX = 4096;

/** What is not HTTP, or too much of it, never becomes a request; it is answered on the bare socket. */
function refuseUnparsed(_error: unknown, socket: Socket): void {
  if (!socket.writable) return;
  const id = newId();
  const message = "The request is not well-formed HTTP, or its headers are too large.";
  const { status, body } = errorResponse(new ApiError("invalid_request", message), id);
  const head = [
    `HTTP/1.1 ${String(status)} Bad Request`,
    `x-request-id: ${id}`,
    `x-litellm-call-id: ${id}`,
    "content-type: application/json",
    `content-length: ${String(Buffer.byteLength(body))}`,
    "connection: close",
  ];
  socket.end(`${head.join("\r\n")}\r\n\r\n${body}`);
}

/** Fastify's own refusals, in our words. */
function named(error: FastifyError): unknown {
  if (error instanceof ApiError) return error;
  switch (error.code) {
    case "FST_ERR_CTP_BODY_TOO_LARGE":
      return new ApiError("body_too_large", "The request body is too large.");
    case "FST_ERR_CTP_INVALID_MEDIA_TYPE":
      return new ApiError("invalid_request", "The body must be application/json.");
    case "FST_ERR_CTP_EMPTY_JSON_BODY":
    case "FST_ERR_CTP_INVALID_JSON_BODY":
      return new ApiError("invalid_request", "The body is not valid JSON.");
    default:
      return error.statusCode === 400 ? new ApiError("invalid_request", error.message) : error;
  }
}

function send(reply: FastifyReply, error: unknown, requestId: string): FastifyReply {
  const { status, headers, body } = errorResponse(error, requestId);
  return reply
    .code(status)
    .headers({ ...headers, ...idHeaders(requestId) })
    .send(body);
}
