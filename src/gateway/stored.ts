/** Responses that a provider has stored: whoever has a key may read and delete them, and neither costs anything. */

import type { FastifyInstance, FastifyRequest } from "fastify";
import type { Dispatcher } from "undici";
import { authenticate, requireCalls, requireGood } from "../http/auth.ts";
import { ApiError } from "../http/errors.ts";
import { storedSchema } from "./describe.ts";
import { passedOn, type Headers } from "./headers.ts";
import type { Deployment, Gateway } from "./gateway.ts";

const PATHS = ["/v1/responses/:id", "/responses/:id"];

const SUMMARIES = { GET: "Read a stored response", DELETE: "Delete a stored response" } as const;
type Method = keyof typeof SUMMARIES;

interface StoredAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Buffer;
}

export function storedRoutes(app: FastifyInstance, gateway: Gateway): void {
  for (const path of PATHS) {
    for (const method of ["GET", "DELETE"] as const) {
      app.route({
        method,
        url: path,
        schema: storedSchema(path, SUMMARIES[method]),
        handler: async (request, reply) => {
          const id = await idOf(method, request, gateway);
          const { status, headers, body } = await ask(method, id, gateway);
          return reply.code(status).headers(headers).send(body);
        },
      });
    }
  }
}

/** A key that only reads may read. */
async function idOf(method: Method, request: FastifyRequest, gateway: Gateway): Promise<string> {
  const caller = await authenticate(request.headers, gateway.keyRing.fresh);
  requireGood(caller, gateway.clock.now());
  if (method === "DELETE") requireCalls(caller, "/v1/responses");
  const { id } = request.params as { readonly id: string };
  return id;
}

/** A response's id does not say whose it is, so each account is asked until one knows it. */
async function ask(method: Method, id: string, gateway: Gateway): Promise<StoredAnswer> {
  for (const deployment of accountsOf(gateway)) {
    const answer = await askOne(method, id, deployment, gateway);
    if (answer.status < 400) return answer;
  }
  throw new ApiError("not_found", "There is no such response.");
}

async function askOne(
  method: Method,
  id: string,
  { config, provider }: Deployment,
  gateway: Gateway,
): Promise<StoredAnswer> {
  const { origin, path, headers } = provider.address(
    config,
    `/responses/${encodeURIComponent(id)}`,
  );
  const { headersMs: headersTimeout, idleMs: bodyTimeout } = gateway.deadlines;
  const options: Dispatcher.RequestOptions = { origin, path, method, headersTimeout, bodyTimeout };
  try {
    const answer = await gateway.upstream.request({ ...options, headers });
    const body = Buffer.from(await answer.body.arrayBuffer());
    return { status: answer.statusCode, headers: passedOn(answer.headers), body };
  } catch {
    return { status: 502, headers: {}, body: Buffer.alloc(0) };
  }
}

/** Deployments with the same address and key see the same responses. */
function accountsOf({ deployments }: Gateway): readonly Deployment[] {
  const speaking = [...deployments.values()]
    .flat()
    .filter(({ provider }) => provider.families.includes("openai"));
  const accounts = speaking.map((deployment) => {
    const { provider, apiBase, apiKey } = deployment.config;
    return [JSON.stringify([provider, apiBase, apiKey]), deployment] as const;
  });
  return [...new Map(accounts).values()];
}
