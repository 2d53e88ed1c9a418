/** The admin routes, and the one gate that stands before them. */

import type { FastifyInstance } from "fastify";
import { authenticate } from "../http/auth.ts";
import type { Admin } from "./admin.ts";
import { customerRoutes } from "./customers.ts";

export function adminRoutes(app: FastifyInstance, admin: Admin): void {
  app.addHook("onRequest", (request, _reply, done) => {
    authenticate(request.headers, admin.masterKeyHash);
    done();
  });
  customerRoutes(app, admin);
}
