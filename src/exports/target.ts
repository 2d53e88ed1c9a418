/** What an export needs to know of a billing system. */

import type { ExportConfig } from "../config/config.ts";
import type { Charge, UsageRequest } from "./charge.ts";
import { lagoRequest, isLagoDuplicate } from "./lago.ts";
import { openmeterRequest } from "./openmeter.ts";
import { isStripeDuplicate, stripeRequest } from "./stripe.ts";

export interface Target {
  /** Its idempotency key is the posting's id. */
  readonly requestFor: (charge: Charge, config: ExportConfig) => UsageRequest;
  /** Whether a refusal says no more than that the event was there already. */
  readonly isDuplicate: (status: number, answer: string) => boolean;
}

export const TARGETS: Readonly<Record<ExportConfig["to"], Target>> = {
  stripe: {
    requestFor: stripeRequest,
    isDuplicate: isStripeDuplicate,
  },
  openmeter: {
    requestFor: openmeterRequest,
    isDuplicate: () => false,
  },
  lago: {
    requestFor: lagoRequest,
    isDuplicate: isLagoDuplicate,
  },
};
