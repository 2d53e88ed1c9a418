/** What the data plane needs to know of a provider. */

import type { DeploymentConfig } from "../config/config.ts";
import type { Speak } from "./language.ts";

/** Where a call goes, and with which credentials. */
interface Outbound {
  /** Scheme, host and port. */
  readonly origin: string;
  readonly path: string;
  /** Shared by all calls of the deployment. */
  readonly headers: Readonly<Record<string, string>>;
}

/** A language that clients speak. Rerank has no owner: Cohere began it, and others answer the same body. */
export type Family = "openai" | "anthropic" | "gemini" | "rerank";

export interface Provider {
  readonly name: string;
  /** Whose bodies it takes as they are; none of a provider with a language of its own. */
  readonly families: readonly Family[];
  /** The address of a route such as `/chat/completions`. Throws if the deployment cannot have one. */
  address(deployment: DeploymentConfig, route: string): Outbound;
  /** Where chat has to be translated for it. */
  readonly speak?: Speak;
  /** The name of the body field that bounds the output, if the client named none. */
  readonly outputBoundField: "max_tokens" | "max_completion_tokens";
  /** Whether streams report usage only when asked by `stream_options.include_usage`. */
  readonly streamUsageOption: boolean;
}
