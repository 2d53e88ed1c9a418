/** Prometheus metrics of the process; no label ever names a customer or a key. */

import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from "prom-client";

/** Seconds; from an answer out of a cache to a reasoning model's quarter of an hour. */
const BUCKETS_S = [0.01, 0.05, 0.1, 0.5, 1, 5, 15, 60, 300, 900];

export interface Metrics {
  answered(route: string, status: number, seconds: number): void;
  refused(name: string): void;
  /** An answer was given once more under its name, for nothing. */
  replayed(route: string): void;
  priced(provider: string, figures: CostFigures): void;
  /** A number that is read when somebody looks. */
  gauge(name: string, help: string, read: () => Promise<number>): void;
  /** Prometheus' text format. */
  text(): Promise<string>;
}

/** Whose figure a cost is, and the two figures there may be, in nano-dollars. */
interface CostFigures {
  readonly origin: string;
  readonly statedCost: bigint | null;
  readonly bookCost: bigint | null;
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
  const replays = new Counter({
    name: "purser_replays_total",
    help: "Answers that were given once more under their Idempotency-Key, for nothing.",
    labelNames: ["route"],
    registers,
  });
  return {
    answered: (route, status, duration) => {
      calls.inc({ route, status: String(status) });
      seconds.observe({ route }, duration);
    },
    refused: (reason) => refusals.inc({ reason }),
    replayed: (route) => replays.inc({ route }),
    priced: costMeter(registers),
    gauge: (name, help, read) => addGauge(registry, { name, help, read }),
    text: () => registry.metrics(),
  };
}

/** Where a provider states its cost, the two sums drift apart as soon as the price book is wrong about it. */
function costMeter(registers: Registry[]): Metrics["priced"] {
  const calls = new Counter({
    name: "purser_priced_calls_total",
    help: "Calls by whose price was charged: the operator's, the provider's, the list's, the fallback, or nobody's.",
    labelNames: ["provider", "origin"],
    registers,
  });
  const dollars = new Counter({
    name: "purser_stated_cost_dollars_total",
    help: "Cost of calls whose provider stated it: by what it said, and by the price book.",
    labelNames: ["provider", "by"],
    registers,
  });
  return (provider, { origin, statedCost, bookCost }) => {
    calls.inc({ provider, origin });
    if (statedCost === null || bookCost === null) return;
    dollars.inc({ provider, by: "provider" }, Number(statedCost) / NANO_PER_DOLLAR);
    dollars.inc({ provider, by: "book" }, Number(bookCost) / NANO_PER_DOLLAR);
  };
}

const NANO_PER_DOLLAR = 1e9;

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
