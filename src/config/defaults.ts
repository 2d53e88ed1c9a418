/** What applies where the operator decided nothing. */

import type { Config } from "./config.ts";

const MIB = 1024 * 1024;

export const DEFAULTS = {
  /** Whoever wants to be reached from elsewhere has to say so. */
  host: "127.0.0.1",
  port: 4000,
  logLevel: "info",
  database: { kind: "sqlite", file: "purser.db" },
  exceededStatus: 429,
  unsettledCharge: "input",
  /** A long conversation with pictures in base64 is about 20 MiB; each call in flight may hold as much memory. */
  requestBytesMax: 32 * MIB,
  place: { zone: "UTC", resetTime: "00:00" },
  deadlines: {
    /** A reasoning model that does not stream sends its headers after the last thought: minutes. */
    headersMs: 300_000,
    /** Providers send comments or empty chunks while they think, at least each minute. */
    idleMs: 120_000,
    /** Longer than the longest answers measured, so that only calls that will never end are cut. */
    callMs: 900_000,
    /** What Kubernetes grants before it kills. */
    shutdownMs: 30_000,
  },
} as const satisfies Partial<Config> & Partial<Config["budgets"]>;
