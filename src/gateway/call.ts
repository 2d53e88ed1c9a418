/** A call as the data plane sees it, once its body has been read and understood. */

import type { JsonObject } from "../platform/json.ts";

export interface Call {
  readonly id: string;
  /** The route's canonical path: `/v1/chat/completions`. */
  readonly route: string;
  /** What follows the provider's base address: `/chat/completions`. */
  readonly upstreamPath: string;
  readonly model: string;
  readonly customer: string | null;
  readonly stream: boolean;
  /** The client asked for the usage chunk itself, so it is not kept from it. */
  readonly wantsUsage: boolean;
  /** The client's own bound of the output, per choice; null if it named none. */
  readonly outputTokensMax: number | null;
  readonly choices: number;
  readonly body: JsonObject;
}
