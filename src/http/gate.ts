/** The one gate before every route that reads or writes the books. */

import type { FastifyInstance, FastifyRequest, RouteOptions } from "fastify";
import type { Clock } from "../platform/clock.ts";
import { authenticate, requireGood, roleOf, type Caller, type Keys, type Role } from "./auth.ts";
import { schemaCompiler } from "./body.ts";
import { forbidden, notAdmin } from "./forbidden.ts";

/** `own`: of the caller's own key and nobody else's, which the route itself sees to. */
type Access = "read" | "write" | "own";

declare module "fastify" {
  interface FastifyContextConfig {
    /** What the route does with the books; a guarded route cannot be without it. */
    access?: Access;
    /** Others are refused in LiteLLM's other words, `Admin-only endpoint`. */
    adminOnly?: true;
  }
  interface FastifyRequest {
    caller: Caller;
  }
}

/** Every role and what it may do. What is not listed is refused. */
const MAY: Readonly<Record<Role, readonly Access[]>> = {
  admin: ["read", "write", "own"],
  viewer: ["read", "own"],
  inference: ["own"],
};

export interface Guarding {
  readonly keys: Keys;
  readonly clock: Clock;
}

/** Everything that is added to this scope from here on is checked: who may use it, and what he sends. */
export function guard(app: FastifyInstance, guarding: Guarding): void {
  emptyBodyIsNone(app);
  app.setValidatorCompiler(schemaCompiler);
  app.setSerializerCompiler(() => JSON.stringify);
  app.addHook("onRoute", requireAccess);
  app.addHook("onRequest", (request) => gate(request, guarding));
}

/** Clients say `application/json` of every request, also of one without a body; Fastify would call that malformed. */
function emptyBodyIsNone(app: FastifyInstance): void {
  const parse = app.getDefaultJsonParser("ignore", "ignore");
  app.addContentTypeParser("application/json", { parseAs: "string" }, (request, body, done) => {
    if (body === "") done(null, null);
    else void parse(request, String(body), done);
  });
}

function requireAccess({ url, config }: RouteOptions): void {
  if (config?.access === undefined) throw new Error(`${url} does not say who may use it`);
}

async function gate(request: FastifyRequest, { keys, clock }: Guarding): Promise<void> {
  const caller = await authenticate(request.headers, keys);
  requireGood(caller, clock.now());
  const { access, adminOnly } = request.routeOptions.config;
  if (access === undefined || !MAY[roleOf(caller)].includes(access)) {
    if (adminOnly === true) throw notAdmin(caller);
    throw forbidden(request.routeOptions.url ?? "", caller);
  }
  request.caller = caller;
}
