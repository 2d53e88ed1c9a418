/** What the data plane is made of; the composition root puts it together once. */

import type { Dispatcher } from "undici";
import type {
  BudgetsConfig,
  CustomersConfig,
  Deadlines,
  DeploymentConfig,
  MarkupConfig,
  RoutingConfig,
} from "../config/config.ts";
import type { Refusal } from "../ledger/command.ts";
import type { Answers, CallLedger } from "../ledger/store.ts";
import type { Pricing } from "../money/pricing.ts";
import type { PriceBook } from "../prices/book.ts";
import type { Provider } from "../providers/provider.ts";
import type { Clock } from "../platform/clock.ts";
import type { Log } from "../platform/log.ts";
import type { Cooldowns } from "./cooldowns.ts";
import type { KeyRing } from "./key-ring.ts";

export interface Gateway {
  readonly instance: string;
  readonly keyRing: KeyRing;
  readonly requestBytesMax: number;
  readonly budgets: BudgetsConfig;
  readonly customers: CustomersConfig;
  /** What customer tokens are signed with, by the hash of the key's secret. */
  readonly signingSecret: (secretHash: string) => string;
  readonly deadlines: Deadlines;
  readonly ledger: CallLedger;
  readonly answers: Answers;
  /** By the name that clients ask for. */
  readonly deployments: ReadonlyMap<string, readonly Deployment[]>;
  readonly prices: PriceBook;
  readonly markup: MarkupConfig;
  readonly routing: RoutingConfig;
  readonly cooldowns: Cooldowns;
  /** From 0 to 1. */
  readonly random: () => number;
  /** Connections to the providers. */
  readonly upstream: Dispatcher;
  /** Calls that have not ended yet, with or without a client that still waits. */
  readonly inFlight: Set<Promise<void>>;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: CallMetrics;
}

/** One configured upstream. */
export interface Deployment {
  readonly config: DeploymentConfig;
  readonly provider: Provider;
}

export interface CallMetrics {
  answered(route: string, status: number, seconds: number): void;
  refused(name: Refusal["name"]): void;
  /** An answer was given once more under its name, for nothing. */
  replayed(route: string): void;
  /** A call has a cost, by somebody's figures. */
  priced(provider: string, pricing: Pricing): void;
}
