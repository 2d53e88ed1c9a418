/** What the admin routes are made of. */

import type { DeploymentConfig, MarkupConfig } from "../config/config.ts";
import type { Keys } from "../http/auth.ts";
import type { Policy } from "../ledger/command.ts";
import type { LedgerStore } from "../ledger/store.ts";
import type { NanoUsd } from "../money/amount.ts";
import type { Place } from "../money/window.ts";
import type { PriceBook } from "../prices/book.ts";
import type { Clock } from "../platform/clock.ts";
import type { Json } from "../platform/json.ts";
import type { Exports } from "./exports.ts";
import type { Webhooks } from "./webhooks.ts";

/** A prompt, or the usage block of an answer. */
export type CostQuestion = { readonly model: string } & (
  { readonly messages: Json } | { readonly usage: Json }
);

export interface Admin {
  readonly keys: Keys;
  readonly ledger: Pick<LedgerStore, "apply" | "read">;
  readonly webhooks: Webhooks;
  readonly exports: Exports;
  readonly policy: Policy;
  /** The names that clients may ask for. */
  readonly models: readonly string[];
  /** Whose midnight ends a budget's day. */
  readonly place: Place;
  /** What a prompt or an answer costs; throws where the model is not known or has no price. */
  readonly costOf: (question: CostQuestion) => Promise<NanoUsd>;
  readonly deployments: readonly DeploymentConfig[];
  readonly prices: PriceBook;
  /** By provider; `global` is for the others. */
  readonly margins: MarkupConfig["margins"];
  readonly clock: Clock;
  readonly newId: () => string;
  /** Of a new key. */
  readonly newSecret: () => string;
  /** What customer tokens are signed with, by the hash of the key's secret. */
  readonly signingSecret: (secretHash: string) => string;
}
