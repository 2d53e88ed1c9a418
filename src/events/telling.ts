/** What the parts that deliver events are given. */

import type { Network } from "../config/network.ts";
import type { Outbox } from "../ledger/outbox.ts";
import type { Clock } from "../platform/clock.ts";
import type { Log } from "../platform/log.ts";
import type { Resolve } from "./address.ts";
import type { Recipient } from "./recipient.ts";
import type { Sealer } from "./seal.ts";

export interface Telling {
  readonly outbox: Outbox;
  /** The operator's own. */
  readonly own: readonly Recipient[];
  readonly sealer: Sealer;
  readonly networksAllowed: readonly Network[];
  /** Unlike that of any other process. */
  readonly instance: string;
  readonly clock: Clock;
  /** Numbers from 0 up to 1. */
  readonly random: () => number;
  readonly resolve: Resolve;
  readonly log: Log;
  readonly timing?: Partial<Timing>;
}

export interface Timing {
  /** For a whole attempt. */
  readonly attemptMs: number;
  /** Between two looks without a wake. */
  readonly pollMs: number;
  /** What deliveries under way get to finish when the process stops. */
  readonly stopMs: number;
  /** How long spend events of a batch are gathered. */
  readonly batchMs: number;
}

const TIMING: Timing = { attemptMs: 10_000, pollMs: 1_000, stopMs: 5_000, batchMs: 5_000 };

export function timingOf({ timing }: Telling): Timing {
  return { ...TIMING, ...timing };
}
