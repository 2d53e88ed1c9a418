/** The admin routes, all behind the gate. */

import type { FastifyInstance } from "fastify";
import { guard } from "../http/gate.ts";
import type { Admin } from "./admin.ts";
import { budgetRoutes } from "./budgets.ts";
import { customerRoutes } from "./customers.ts";
import { deliveryRoutes } from "./deliveries.ts";
import { endpointRoutes } from "./endpoints.ts";
import { exportRoutes } from "./exports.ts";
import { keyRoutes } from "./keys.ts";
import { priceRoutes } from "./prices.ts";
import { spendRoutes } from "./spend.ts";

export function adminRoutes(app: FastifyInstance, admin: Admin): void {
  guard(app, admin);
  customerRoutes(app, admin);
  budgetRoutes(app, admin);
  keyRoutes(app, admin);
  priceRoutes(app, admin);
  spendRoutes(app, admin);
  endpointRoutes(app, admin);
  deliveryRoutes(app, admin);
  exportRoutes(app, admin);
}
