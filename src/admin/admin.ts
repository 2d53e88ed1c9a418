/** What the admin routes are made of. */

import type { LedgerStore } from "../ledger/store.ts";
import type { Place } from "../money/window.ts";
import type { Clock } from "../platform/clock.ts";

export interface Admin {
  readonly masterKeyHash: string;
  readonly ledger: Pick<LedgerStore, "apply" | "read">;
  /** Whose midnight ends a budget's day. */
  readonly place: Place;
  readonly clock: Clock;
  readonly newId: () => string;
}
