/** Everything that an operator can decide, checked and frozen. */

import type { KeyObject } from "node:crypto";
import type { JsonObject } from "../platform/json.ts";
import type { NewCustomers, UnsettledCharge } from "../ledger/command.ts";
import type { EventType } from "../ledger/event.ts";
import type { NanoUsd } from "../money/amount.ts";
import type { Markup } from "../money/markup.ts";
import type { GivenRates } from "../money/price.ts";
import type { ServiceTier } from "../money/usage.ts";
import type { Place } from "../money/window.ts";
import type { Network } from "./network.ts";

export interface Config {
  readonly host: string;
  readonly port: number;
  readonly logLevel: string;
  readonly masterKey: string;
  readonly database: DatabaseConfig;
  readonly deployments: readonly DeploymentConfig[];
  readonly budgets: BudgetsConfig;
  readonly customers: CustomersConfig;
  readonly markup: MarkupConfig;
  /** What a unit costs on a deployment without a price; null leaves it without one. */
  readonly unpricedFallback: GivenRates | null;
  /** Whose midnight counts for a budget that names no zone of its own. */
  readonly place: Place;
  readonly events: EventsConfig;
  readonly exports: readonly ExportConfig[];
  readonly deadlines: Deadlines;
  readonly routing: RoutingConfig;
  readonly requestBytesMax: number;
  /** LiteLLM settings that were given and mean nothing here, each with the reason. */
  readonly ignored: readonly { readonly path: string; readonly reason: string }[];
  readonly warnings: readonly string[];
}

export type DatabaseConfig =
  | { readonly kind: "sqlite"; readonly file: string }
  | { readonly kind: "postgres"; readonly url: string };

/** One entry of `model_list`. */
export interface DeploymentConfig {
  /** `model_info.id`, else derived from the entry; unique. */
  readonly id: string;
  /** The name that clients ask for. */
  readonly modelName: string;
  /** What stands before the first slash of `litellm_params.model`, in its one known spelling. */
  readonly provider: string;
  /** What stands after it: the provider's own name for the model, or Azure's deployment. */
  readonly model: string;
  readonly apiBase: string | null;
  readonly apiKey: string | null;
  readonly apiVersion: string | null;
  /** The model whose list price applies, where `model` is a private name. */
  readonly baseModel: string | null;
  readonly outputTokensMax: number | null;
  /** The longest input; null if it is not known. */
  readonly inputTokensMax: number | null;
  /** Of the deployments of one name each gets its share: by `weight`, else by `rpm`, else by `tpm`. */
  readonly share: number | null;
  /** Where it runs, for customers that may be served from one region only. */
  readonly region: string | null;
  /** Milliseconds, in place of the deadlines of all: of a call in one piece, and until a stream begins. */
  readonly timeoutMs: number | null;
  readonly streamTimeoutMs: number | null;
  /** Of a provider that is a cloud. */
  readonly cloud: CloudConfig | null;
  /** In the order of their beginning, each in place of the one before; empty where the list price holds. */
  readonly prices: readonly PriceOverride[];
}

/** What the operator says of a deployment's price, from a time on. */
export interface PriceOverride extends GivenCard {
  /** Epoch milliseconds; null for always. */
  readonly from: number | null;
  /** Where the numbers come from, for whoever asks later. */
  readonly label: string;
  /** Of the list price, in millionths; null leaves it as it is. */
  readonly multiplierPpm: bigint | null;
  readonly services: Readonly<Partial<Record<ServiceTier, GivenService>>>;
}

interface GivenCard {
  readonly rates: GivenRates;
  /** In ascending order. */
  readonly tiers: readonly { readonly aboveInputTokens: number; readonly rates: GivenRates }[];
}

/** Of calls that the provider serves at another pace. */
interface GivenService extends GivenCard {
  /** Of the standard price, in millionths. */
  readonly multiplierPpm: bigint | null;
}

/** What is added to costs, by LiteLLM's `cost_margin_config`, and taken off prices, by `cost_discount_config`. */
export interface MarkupConfig {
  /** By provider; `global` is for the others. */
  readonly margins: Readonly<Record<string, Markup>>;
  /** By provider, in millionths. */
  readonly discountsPpm: Readonly<Record<string, bigint>>;
}

/** What Amazon's and Google's clouds ask for in place of one key. */
export interface CloudConfig {
  readonly region: string | null;
  /** Google's. */
  readonly project: string | null;
  /** Google's; null leaves them for its own library to find. */
  readonly credentials: GoogleCredentials | null;
  /** Amazon's. */
  readonly accessKeyId: string | null;
  readonly secretAccessKey: string | null;
  readonly sessionToken: string | null;
}

/** Whatever is no service account's is for Google's own library to understand. */
export type GoogleCredentials =
  | { readonly kind: "service_account"; readonly account: ServiceAccount }
  | { readonly kind: "other"; readonly json: JsonObject };

export interface ServiceAccount {
  readonly email: string;
  readonly key: KeyObject;
  readonly keyId: string | null;
  readonly project: string | null;
  /** Where a signed claim is taken, and whom it names. */
  readonly tokenUri: string;
}

export interface RoutingConfig {
  /** Further tries after a failure; null tries each other deployment of the model once, and two at most. */
  readonly retries: number | null;
  /** The least wait before a deployment is tried again. */
  readonly retryAfterMs: number;
  /** Within a minute; one more, and the deployment is left alone for `cooldownMs`. */
  readonly failuresAllowed: number;
  readonly cooldownMs: number;
  /** Whether a deployment whose context is too short for the input is passed over. */
  readonly checksContext: boolean;
  readonly fallbacks: FallbacksConfig;
}

/** Models that stand in for another one, in order. */
export interface FallbacksConfig {
  readonly general: ReadonlyMap<string, readonly string[]>;
  /** Where the input is too long. */
  readonly context: ReadonlyMap<string, readonly string[]>;
  /** Where the provider's filter refused it. */
  readonly policy: ReadonlyMap<string, readonly string[]>;
  /** For models that are named in none of these. */
  readonly fallback: readonly string[];
}

export interface BudgetsConfig {
  readonly defaultCustomerBudgetId: string | null;
  /** What everybody may spend for whom no budget is found. */
  readonly fallbackCustomerCap: NanoUsd | null;
  readonly newCustomers: NewCustomers;
  /** HTTP status of a refusal because a budget is spent. */
  readonly exceededStatus: 400 | 402 | 422 | 429;
  readonly unsettledCharge: UnsettledCharge;
  /** Refusals and headers tell amounts of money to whoever has the master key only. */
  readonly hideAmounts: boolean;
  /** A stream tells its cost, and what is left, in its usage, where it has one; else in a comment. */
  readonly costInUsage: boolean;
}

export interface EventsConfig {
  readonly webhook: WebhookConfig | null;
  readonly slack: { readonly url: string; readonly types: readonly EventType[] } | null;
  /** Besides the open Internet, for endpoints that were made through the API. */
  readonly networksAllowed: readonly Network[];
}

/** A billing system that is told of every charge. */
export interface ExportConfig {
  readonly to: "stripe" | "openmeter" | "lago";
  readonly apiBase: string;
  readonly apiKey: string;
  /** What the system calls what it counts: Stripe's event name, OpenMeter's event type, Lago's billable metric. */
  readonly meter: string;
}

/** LiteLLM's webhook. */
export interface WebhookConfig {
  readonly url: string;
  readonly types: readonly EventType[];
  /** The spelling of `event_group`. */
  readonly customerGroup: "customer" | "end_user";
  /** Standard Webhooks secret; null leaves deliveries unsigned. */
  readonly secret: string | null;
}

/** Milliseconds. */
export interface Deadlines {
  /** Until the provider's response headers. */
  readonly headersMs: number;
  /** Between two pieces of the provider's response body. */
  readonly idleMs: number;
  /** The whole call. */
  readonly callMs: number;
  /** What a call gets to finish whose client has left; null aborts it at once. */
  readonly drainMs: number | null;
  /** What calls in flight get to finish after SIGTERM. */
  readonly shutdownMs: number;
}

/** How calls name their customer, which names are taken, and what the provider is told of them. */
export interface CustomersConfig {
  /** Besides the two that always do, in lower case and in the order in which they are looked at. */
  readonly headers: readonly string[];
  readonly idCharsMax: number;
  /** What an id must match as a whole. */
  readonly idPattern: RegExp | null;
  /** Where the id stands in one that is a JSON text; without it such an id names nobody. */
  readonly idJsonPath: readonly string[] | null;
  /** A call's body must have `user`. */
  readonly enforceUser: boolean;
  /** An id that is not known names nobody, rather than being refused. */
  readonly dropsUnknown: boolean;
  /** Refused whatever the ledger says. */
  readonly blocked: ReadonlySet<string>;
  readonly upstreamUser: UpstreamUser;
}

/** What the provider gets to see of who the customer is. */
export type UpstreamUser =
  | { readonly mode: "pass" }
  | { readonly mode: "strip" }
  | { readonly mode: "hash"; readonly secret: string };
