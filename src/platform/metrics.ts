/** Prometheus metrics of the process; no label ever names a customer or a key. */

import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from "prom-client";

/** Seconds; from an answer out of a cache to a reasoning model's quarter of an hour. */
const BUCKETS_S = [0.01, 0.05, 0.1, 0.5, 1, 5, 15, 60, 300, 900];

export interface Metrics {
  answered(route: string, status: number, seconds: number): void;
  refused(name: string): void;
  /** A number that is read when somebody looks. */
  gauge(name: string, help: string, read: () => Promise<number>): void;
  /** Prometheus' text format. */
  text(): Promise<string>;
}

export function createMetrics(): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const calls = new Counter({
    name: "purser_calls_total",
    help: "Calls answered, by route and HTTP status.",
    labelNames: ["route", "status"],
    registers,
  });
  const seconds = new Histogram({
    name: "purser_call_seconds",
    help: "From the request's arrival to the last byte of its answer.",
    labelNames: ["route"],
    buckets: BUCKETS_S,
    registers,
  });
  const refusals = new Counter({
    name: "purser_refusals_total",
    help: "Calls that the ledger refused, by reason.",
    labelNames: ["reason"],
    registers,
  });
  return {
    answered: (route, status, duration) => {
      calls.inc({ route, status: String(status) });
      seconds.observe({ route }, duration);
    },
    refused: (reason) => refusals.inc({ reason }),
    gauge: (name, help, read) => addGauge(registry, { name, help, read }),
    text: () => registry.metrics(),
  };
}

/** A figure that cannot be had is left out, so that a database that is away does not take the metrics with it. */
function addGauge(
  registry: Registry,
  { name, help, read }: { name: string; help: string; read: () => Promise<number> },
): void {
  const gauge: Gauge = new Gauge({
    name,
    help,
    registers: [],
    collect: () =>
      read().then(
        (value) => gauge.set(value),
        () => gauge.remove(),
      ),
  });
  registry.registerMetric(gauge);
}
