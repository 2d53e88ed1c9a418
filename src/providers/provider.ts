/** What the data plane needs to know of a provider that speaks the OpenAI dialect. */

import type { DeploymentConfig } from "../config/config.ts";

/** Where a call goes, and with which credentials. */
interface Outbound {
  /** Scheme, host and port. */
  readonly origin: string;
  readonly path: string;
  /** Shared by all calls of the deployment. */
  readonly headers: Readonly<Record<string, string>>;
}

export interface Provider {
  readonly name: string;
  /** The address of a route such as `/chat/completions`. Throws if the deployment cannot have one. */
  address(deployment: DeploymentConfig, route: string): Outbound;
  /** The name of the body field that bounds the output, if the client named none. */
  readonly outputBoundField: "max_tokens" | "max_completion_tokens";
  /** Whether streams report usage only when asked by `stream_options.include_usage`. */
  readonly streamUsageOption: boolean;
}
