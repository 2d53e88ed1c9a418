/** The routes that show what was spent. All of them add up the same rows. */

import type { FastifyInstance } from "fastify";
import type { Admin } from "./admin.ts";
import { dailyActivityRoutes } from "./daily-activity.ts";
import { spendCalculateRoutes } from "./spend-calculate.ts";
import { spendExportRoutes } from "./spend-export.ts";
import { spendLogRoutes } from "./spend-logs.ts";
import { spendReportRoutes } from "./spend-report.ts";
import { spendTotalRoutes } from "./spend-totals.ts";

export function spendRoutes(app: FastifyInstance, admin: Admin): void {
  dailyActivityRoutes(app, admin);
  spendLogRoutes(app, admin);
  spendExportRoutes(app, admin);
  spendTotalRoutes(app, admin);
  spendReportRoutes(app, admin);
  spendCalculateRoutes(app, admin);
}
