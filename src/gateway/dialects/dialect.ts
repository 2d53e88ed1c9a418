/** What differs between the bodies that clients send, providers answer, and the meter reads. */

import type { ErrorBody } from "../../http/errors.ts";
import type { Family, Provider } from "../../providers/provider.ts";
import type { JsonObject } from "../../platform/json.ts";
import type { Usage } from "../../money/usage.ts";
import type { Upload } from "../form.ts";
import type { Convention } from "../usage.ts";

export interface Dialect {
  /** Who takes such a body as it is. */
  readonly family: Family;
  /** What Purser must know of a body. Throws `invalid_request`. */
  read(body: JsonObject, uploads: readonly Upload[]): Asked;
  /** The fields of the body that a provider is sent otherwise than the client sent them. */
  outbound(sent: Sent): JsonObject;
  /** How an answer tells what it used. */
  readonly convention: Convention;
  /** The part of an answer that an estimate counts. */
  producedIn(answer: JsonObject): unknown;
  /** Null where nothing is streamed. */
  readonly stream: StreamShape | null;
}

export interface Asked {
  readonly stream: boolean;
  /** The client asked for the usage chunk itself, so it is not kept from it. */
  readonly wantsUsage: boolean;
  /** The client's own bound of the output, per choice; null if it named none. */
  readonly outputTokensMax: number | null;
  readonly choices: number;
  /** What can be billed besides tokens, at most. */
  readonly units?: Usage;
  /** The provider cannot be told of an output bound, so the ceiling is all or nothing. */
  readonly isUnbounded?: true;
}

/** What a body is rewritten for. */
export interface Sent {
  readonly body: JsonObject;
  /** The provider's own name of the model. */
  readonly model: string;
  readonly provider: Provider;
  readonly bound: OutputBound | null;
  readonly asksForUsage: boolean;
}

/** A budget leans on the output being no longer than this. */
export interface OutputBound {
  readonly tokens: number;
  /** The provider would not keep to it by itself: it was clamped, or nobody has named one. */
  readonly mustBeTold: boolean;
}

/** How the meter finds its way in a stream of server-sent events. */
export interface StreamShape {
  /** An event that has none of these passes unread. */
  readonly markers: readonly Buffer[];
  /** An event that has none of these produced nothing; null if every event counts. */
  readonly text: Buffer | null;
  /** An event that has a marker. */
  kindOf(event: Buffer): EventKind;
  /** The output tokens that an event counts so far, where its events have many of them each. */
  countedIn?(event: Buffer): number;
  /** Where the usage stands in an event that tells it; absent where clients take no field that they do not know. */
  readonly usageAt?: readonly string[];
  /** Events beside those with text that a stream may have: roles, keep-alives, beginnings and ends. */
  readonly otherEventsMax: number;
  /** The event that tells the client of an error. */
  readonly errorEvent: (body: ErrorBody) => string;
}

/**
 * `plain`: none of the others. `running`: usage so far, which the next event outdoes. `told`: usage that the next one
 * adds to. `final`: usage, and it may be the last event. `usage`: nothing but usage. `done`: the stream's own full
 * stop. `error`: the provider failed.
 */
export type EventKind = "plain" | "running" | "told" | "final" | "usage" | "done" | "error";
