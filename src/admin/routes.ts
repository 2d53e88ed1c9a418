/** The admin routes, and the one gate that stands before them. */

import type { FastifyInstance, FastifyRequest, RouteOptions } from "fastify";
import { authenticate, requireGood, roleOf, type Caller, type Role } from "../http/auth.ts";
import { schemaCompiler } from "../http/body.ts";
import { ApiError } from "../http/errors.ts";
import type { Admin } from "./admin.ts";
import { budgetRoutes } from "./budgets.ts";
import { customerRoutes } from "./customers.ts";

/** `own`: of the caller's own key and nobody else's, which the route itself sees to. */
type Access = "read" | "write" | "own";

declare module "fastify" {
  interface FastifyContextConfig {
    /** What the route does with the books; a route of the admin scope cannot be without it. */
    access?: Access;
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

export function adminRoutes(app: FastifyInstance, admin: Admin): void {
  app.setValidatorCompiler(schemaCompiler);
  app.setSerializerCompiler(() => JSON.stringify);
  app.addHook("onRoute", requireAccess);
  app.addHook("onRequest", (request) => gate(request, admin));
  customerRoutes(app, admin);
  budgetRoutes(app, admin);
}

function requireAccess({ url, config }: RouteOptions): void {
  if (config?.access === undefined) throw new Error(`${url} does not say who may use it`);
}

async function gate(request: FastifyRequest, admin: Admin): Promise<void> {
  const caller = await authenticate(request.headers, admin.keys);
  requireGood(caller, admin.clock.now());
  const { access } = request.routeOptions.config;
  if (access === undefined || !MAY[roleOf(caller)].includes(access))
    throw forbidden(request, caller);
  request.caller = caller;
}

/** LiteLLM's words, and its status. */
function forbidden({ routeOptions }: FastifyRequest, caller: Caller): ApiError {
  const message =
    "Authentication Error, Only proxy admin can be used to generate, delete, update info for new keys/users/teams. " +
    `Route=${routeOptions.url ?? ""}. Your role=${roleOf(caller)}. Your user_id=${masked(caller)}`;
  return new ApiError("authentication", message, { param: "None" });
}

/** The first six characters and the last two. */
function masked({ key }: Caller): string {
  const id = key?.userId ?? null;
  if (id === null) return "None";
  return id.length <= 8
    ? "*".repeat(id.length)
    : `${id.slice(0, 6)}${"*".repeat(id.length - 8)}${id.slice(-2)}`;
}
