/** The configuration from its parts: each notes its own mistakes, and none keeps the others from being read. */

import type { JsonObject } from "../platform/json.ts";
import type { BudgetsConfig, Config, DatabaseConfig, Deadlines } from "./config.ts";
import { customersOf, newCustomersOf } from "./customers.ts";
import { DEFAULTS } from "./defaults.ts";
import { DEMO_MASTER_KEY } from "./demo.ts";
import { readDeployments, type Timeouts } from "./deployment.ts";
import { readEvents } from "./events.ts";
import { readExports } from "./exports.ts";
import type { Key, Values } from "./key.ts";
import { FLAGS } from "./flags.ts";
import { VARIABLES, type KEYS } from "./keys.ts";
import { readMarkup } from "./markup.ts";
import { readFallback } from "./prices.ts";
import { addMistake, addWarning, inside, variable } from "./scope.ts";
import type { Scope, Variables } from "./scope.ts";
import { checkFallbacks, routingOf } from "./routing.ts";
import { readKey, readSection, readVariable } from "./section.ts";
import { parseVariable } from "./settings.ts";

/** As they stand on the command line; null where they do not. */
export interface Flags {
  readonly host: string | null;
  readonly port: string | null;
}

type General = Values<(typeof KEYS)["general_settings"]>;
type Litellm = Values<(typeof KEYS)["litellm_settings"]>;
type Router = Values<(typeof KEYS)["router_settings"]>;

const FILE_VARIABLE: Key<string> = { parse: parseVariable, about: "A variable.", secret: true };
const MASTER_KEY_VARIABLES = ["PURSER_MASTER_KEY", "LITELLM_MASTER_KEY"] as const;
const LOOPBACK = /^(127\.\d+\.\d+\.\d+|::1|localhost)$/;

/** Null where a part without a default is missing; what is wrong stands in the findings. */
export function assemble(document: JsonObject, flags: Flags, root: Scope): Config | null {
  const file = readSection("config", document, root);
  const scope = { ...root, variables: variablesOf(file.environment_variables ?? {}, root) };
  const { general, litellm, router } = readSettings(file, scope);
  const timeouts = timeoutsOf(router, litellm);
  const deployments = readDeployments(file.model_list ?? [], timeouts, inside(scope, "model_list"));
  const routing = routingOf(router, litellm);
  const names = new Set(deployments.map(({ modelName }) => modelName));
  checkFallbacks(routing, names, inside(scope, "router_settings"));
  const events = readEvents(general, scope);
  const here = inside(inside(scope, "general_settings"), "exports");
  const exports = readExports(general.exports ?? [], here);
  const database = readDatabase(general, scope);
  const host = readKey(FLAGS.host, flags.host, { ...scope, path: "--host" });
  const port = readKey(FLAGS.port, flags.port, { ...scope, path: "--port" });
  const logLevel = general.log_level ?? readVariable("LOG_LEVEL", VARIABLES.LOG_LEVEL, scope);
  const masterKey = readMasterKey(general, scope);
  if (masterKey === null) return null;
  warnOfExposure(masterKey, host ?? DEFAULTS.host, scope);
  return {
    host: host ?? DEFAULTS.host,
    port: port ?? DEFAULTS.port,
    logLevel: logLevel ?? DEFAULTS.logLevel,
    masterKey,
    database,
    deployments,
    budgets: budgetsOf(general, litellm),
    customers: customersOf(general, litellm, scope),
    markup: readMarkup(litellm, inside(scope, "litellm_settings")),
    unpricedFallback: readFallback(general.unpriced_fallback, inside(scope, "general_settings")),
    place: {
      zone: litellm.timezone ?? DEFAULTS.place.zone,
      resetTime: litellm.budget_reset_time ?? DEFAULTS.place.resetTime,
    },
    events,
    exports,
    deadlines: deadlinesOf(general),
    routing,
    requestBytesMax: general.request_bytes_max ?? DEFAULTS.requestBytesMax,
    ignored: scope.findings.ignored,
    warnings: scope.findings.warnings,
  };
}

/** LiteLLM puts them into its environment, where they replace what was there. */
function variablesOf(given: JsonObject, root: Scope): Variables {
  const scope = inside(root, "environment_variables");
  const entries = Object.entries(given).flatMap(([name, value]) => {
    const text = readKey(FILE_VARIABLE, value ?? null, inside(scope, name));
    return text === null ? [] : [[name, text] as const];
  });
  return { ...root.variables, ...Object.fromEntries(entries) };
}

function readSettings(file: Values<(typeof KEYS)["config"]>, scope: Scope) {
  const at = (name: string) => inside(scope, name);
  const { general_settings, litellm_settings, router_settings } = file;
  const general = readSection("general_settings", general_settings ?? {}, at("general_settings"));
  const litellm = readSection("litellm_settings", litellm_settings ?? {}, at("litellm_settings"));
  const router = readSection("router_settings", router_settings ?? {}, at("router_settings"));
  return { general, litellm, router };
}

function readMasterKey(general: General, scope: Scope): string | null {
  if (general.master_key !== null) return general.master_key;
  const name = MASTER_KEY_VARIABLES.find((each) => variable(scope.variables, each) !== undefined);
  if (name !== undefined) return readVariable(name, VARIABLES[name], scope);
  const here = inside(inside(scope, "general_settings"), "master_key");
  addMistake(here, "is missing", `add it, or set ${MASTER_KEY_VARIABLES[0]}`);
  return null;
}

function readDatabase(general: General, scope: Scope): DatabaseConfig {
  const database =
    general.database_url ??
    readVariable("DATABASE_URL", VARIABLES.DATABASE_URL, scope) ??
    DEFAULTS.database;
  if (database.kind === "sqlite" && database.file === ":memory:") {
    const here = inside(inside(scope, "general_settings"), "database_url");
    addWarning(here, "the ledger is kept in memory and is lost when Purser stops");
  }
  return database;
}

function budgetsOf(general: General, litellm: Litellm): BudgetsConfig {
  return {
    defaultCustomerBudgetId: litellm.max_end_user_budget_id,
    fallbackCustomerCap: litellm.max_end_user_budget,
    newCustomers: newCustomersOf(general, litellm),
    exceededStatus: general.budget_exceeded_status ?? DEFAULTS.exceededStatus,
    unsettledCharge: general.unsettled_charge ?? DEFAULTS.unsettledCharge,
    hideAmounts: general.hide_amounts ?? DEFAULTS.hideAmounts,
    costInUsage: litellm.include_cost_in_streaming_usage ?? DEFAULTS.costInUsage,
  };
}

function deadlinesOf(general: General): Deadlines {
  const { deadlines } = DEFAULTS;
  const drains = (general.on_disconnect ?? DEFAULTS.onDisconnect) === "drain";
  return {
    headersMs: general.headers_timeout ?? deadlines.headersMs,
    idleMs: general.idle_timeout ?? deadlines.idleMs,
    callMs: general.call_timeout ?? deadlines.callMs,
    drainMs: drains ? (general.drain_timeout ?? deadlines.drainMs) : null,
    shutdownMs: general.shutdown_timeout ?? deadlines.shutdownMs,
  };
}

/** Of deployments that name none of their own. */
function timeoutsOf(router: Router, litellm: Litellm): Timeouts {
  const timeoutMs = router.timeout ?? litellm.request_timeout;
  return { timeoutMs, streamTimeoutMs: router.stream_timeout ?? timeoutMs };
}

function warnOfExposure(masterKey: string, host: string, scope: Scope): void {
  if (masterKey !== DEMO_MASTER_KEY || LOOPBACK.test(host)) return;
  const here = { ...scope, path: "--host" };
  addWarning(here, `whoever reaches ${host} knows the master key ${DEMO_MASTER_KEY}; set another`);
}
