/** Puts the table of routes on the server, and around each call its id, its error answer, its line in the log. */

import type { IncomingMessage, ServerResponse } from "node:http";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { authenticate, requireGood, type Caller } from "../http/auth.ts";
import { errorResponse } from "../http/errors.ts";
import { allowsModel } from "../ledger/right.ts";
import { complete, type CallRequest } from "./complete.ts";
import { callSchema, describeOnly, modelsSchema } from "./describe.ts";
import type { Gateway } from "./gateway.ts";
import { errorHeaders } from "../http/server.ts";
import { Refused } from "./refusal.ts";
import { ROUTES } from "./routes.ts";
import { storedRoutes } from "./stored.ts";

/** Whoever leaves is answered by nobody; the number is nginx's. */
const CLIENT_LEFT_STATUS = 499;

export function callRoutes(app: FastifyInstance, gateway: Gateway): void {
  describeOnly(app);
  // The body is read by `complete`, after the caller is known; Fastify must not read it first.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", (_request, _payload, done) => {
    done(null);
  });
  for (const route of ROUTES) {
    for (const path of route.paths) {
      app.post(pattern(path), { schema: callSchema(path, route) }, (request, reply) => {
        reply.hijack();
        const { id, raw } = request;
        const call = { id, raw, route, pathModel: modelOf(request), query: queryOf(request) };
        return tracked(serve(call, reply, gateway), gateway.inFlight);
      });
    }
  }
  storedRoutes(app, gateway);
  for (const path of ["/v1/models", "/models"]) {
    app.get(path, { schema: modelsSchema(path) }, async (request) => {
      const caller = await authenticate(request.headers, gateway.keyRing.fresh);
      requireGood(caller, gateway.clock.now());
      return modelList(caller, gateway);
    });
  }
}

/** In Fastify's words: a colon begins a name, and two are a colon. */
function pattern(path: string): string {
  return path
    .replaceAll(":", "::")
    .replace("{model}", path.includes(":") ? ":model(^[^:]+)" : ":model");
}

/** A client that leaves takes its connection along, but not the settling of its call, which a stop must wait for. */
async function tracked(call: Promise<void>, inFlight: Set<Promise<void>>): Promise<void> {
  inFlight.add(call);
  await call.finally(() => inFlight.delete(call));
}

async function serve(request: CallRequest, reply: FastifyReply, gateway: Gateway): Promise<void> {
  const client = reply.raw;
  const started = gateway.clock.now();
  let failed: number | null = null;
  client.once("close", () => {
    const seconds = (gateway.clock.now() - started) / 1000;
    const status = failed ?? (client.writableEnded ? client.statusCode : CLIENT_LEFT_STATUS);
    gateway.metrics.answered(request.route.name, status, seconds);
    gateway.log.debug({ id: request.id, status, seconds }, "call");
  });
  try {
    await complete(request, client, gateway);
  } catch (error) {
    failed = fail(request, client, error, gateway);
  }
}

/** Gives the status, for the log and the metrics: it may be too late for the client to hear of it. */
function fail(
  request: CallRequest,
  client: ServerResponse,
  error: unknown,
  gateway: Gateway,
): number {
  // Here, because only the last word on a call is a call refused.
  if (error instanceof Refused) gateway.metrics.refused(error.refusal.name);
  const response = errorResponse(error, request.id);
  if (response.status === 500) gateway.log.error({ id: request.id, err: error }, "call failed");
  // Cut off rather than ended: the client must not take half an answer for a whole one.
  if (client.headersSent || client.destroyed) {
    client.destroy();
    return response.status;
  }
  const unread = !request.raw.complete;
  client.writeHead(response.status, {
    ...errorHeaders(response, request.id),
    // What is left of the body is not read, so the connection cannot carry another request.
    ...(unread ? { connection: "close" } : {}),
  });
  client.end(response.body);
  if (unread) discard(request.raw);
  return response.status;
}

/** Lets the answer reach a client that is still sending, then drops the connection. */
function discard(raw: IncomingMessage): void {
  const timer = setTimeout(() => raw.destroy(), UNREAD_GRACE_MS);
  raw.once("close", () => clearTimeout(timer));
}

/** Long enough for a refused client to read why; a connection that is reset at once may lose the answer. */
const UNREAD_GRACE_MS = 1000;

function modelOf({ params }: FastifyRequest): string | undefined {
  const { model } = params as { readonly model?: string };
  return model;
}

/** Of a query only Gemini's choice of a stream's form is passed on: what else clients send there are keys. */
function queryOf({ query }: FastifyRequest): string {
  const { alt } = query as { readonly alt?: unknown };
  return alt === "sse" ? "?alt=sse" : "";
}

/** OpenAI's list: what the key may ask for. */
function modelList({ key }: Caller, { deployments }: Gateway): unknown {
  const allowed = [...deployments.keys()].filter((id) => allowsModel(key?.models ?? [], id));
  const data = allowed.map((id) => ({
    id,
    object: "model",
    created: 0,
    owned_by: "purser",
  }));
  return { object: "list", data };
}
