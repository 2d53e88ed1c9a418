/** Whether this process lives, whether it can take calls, and how it fares. */

import type { FastifyInstance } from "fastify";
import type { LedgerStore } from "../ledger/store.ts";
import type { Metrics } from "../platform/metrics.ts";

export interface Health {
  readonly ledger: Pick<LedgerStore, "read">;
  readonly metrics: Metrics;
  /** True from the moment that the process was told to stop. */
  stopping(): boolean;
}

/** Without a key: orchestrators have none, and the answers tell nothing about customers. */
export function healthRoutes(app: FastifyInstance, health: Health): void {
  for (const path of ["/health/liveliness", "/health/liveness"]) {
    app.get(path, { schema: { ...OPEN, summary: "Whether the process lives" } }, () => ({
      status: "alive",
    }));
  }
  const metrics = { ...OPEN, summary: "Prometheus' metrics", response: { 200: METRICS } };
  app.get("/metrics", { schema: metrics }, async (_request, reply) =>
    reply.type("text/plain; version=0.0.4").send(await health.metrics.text()),
  );
  const readiness = { ...OPEN, summary: "Whether it can take calls: 200, or 503" };
  app.get("/health/readiness", { schema: readiness }, async (_request, reply) => {
    if (health.stopping()) return reply.code(503).send({ status: "stopping" });
    const answers = await health.ledger.read.ping().then(
      () => true,
      () => false,
    );
    return answers
      ? { status: "healthy", db: "connected" }
      : reply.code(503).send({ status: "unhealthy", db: "unreachable" });
  });
}

const METRICS = {
  description: "Its text format. No label names a customer or a key.",
  content: { "text/plain": { schema: { type: "string" } } },
};

const OPEN = { tags: ["health"], security: [] };
