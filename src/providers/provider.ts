/** What the data plane needs to know of a provider that speaks the OpenAI dialect. */

import type { DeploymentConfig } from "../config/config.ts";
import type { JsonObject } from "../platform/json.ts";

/** A call on its way to a provider. */
export interface Outbound {
  /** Scheme, host and port. */
  readonly origin: string;
  readonly path: string;
  readonly headers: Record<string, string>;
}

export interface Provider {
  readonly name: string;
  /** Where a call on `route` (`/chat/completions`) goes and with which credentials. */
  address(deployment: DeploymentConfig, route: string): Outbound;
  /** The name of the body field that bounds the output, if the client named none. */
  readonly outputBoundField: "max_tokens" | "max_completion_tokens";
  /** Whether `stream_options.include_usage` is understood. */
  readonly streamUsageOption: boolean;
}

/** The provider of this name, or undefined; configuration names the known ones. */
export type ProviderOf = (name: string) => Provider | undefined;

export type { JsonObject };
