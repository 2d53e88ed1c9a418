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
  hideAmounts: false,
  /** Nobody pays for what nobody reads. */
  onDisconnect: "abort",
  costInUsage: true,
  newCustomers: { allowed: true, perMinuteMax: null },
  /** What the ledger takes at most. */
  customers: { idCharsMax: 256 },
  /** A long conversation with pictures in base64 is about 20 MiB; each call in flight may hold as much memory. */
  requestBytesMax: 32 * MIB,
  place: { zone: "UTC", resetTime: "00:00" },
  routing: {
    /** OpenAI's SDKs wait as long before their first retry. */
    retryAfterMs: 500,
    /** LiteLLM's numbers, as are the five seconds below. */
    failuresAllowed: 3,
    cooldownMs: 5_000,
  },
  deadlines: {
    /** A reasoning model that does not stream sends its headers after the last thought: minutes. */
    headersMs: 300_000,
    /** Longer than a model pauses in its answer, shorter than anyone waits for a dead connection. */
    idleMs: 120_000,
    /** Three times the wait for headers; bounds how long a call can hold its customer's headroom. */
    callMs: 900_000,
    /** Most answers are over by then; those of reasoning models may not be. */
    drainMs: 60_000,
    /** As long as Kubernetes waits by default before it kills; raise both for longer calls. */
    shutdownMs: 30_000,
  },
} as const satisfies Defaults;

type Defaults = Partial<Omit<Config, "customers" | "routing">> &
  Partial<Config["budgets"]> & {
    readonly customers: Partial<Config["customers"]>;
    readonly routing: Partial<Config["routing"]>;
    readonly onDisconnect: "abort" | "drain";
  };
