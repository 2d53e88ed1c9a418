/** The composition root: puts the parts together once, and takes them apart in order. */

import type { AddressInfo } from "node:net";
import { Agent } from "undici";
import type { Admin, CostQuestion } from "./admin/admin.ts";
import { healthRoutes } from "./admin/health.ts";
import { adminRoutes } from "./admin/routes.ts";
import { banner } from "./cli/banner.ts";
import type { FastifyInstance } from "fastify";
import type { Config, DeploymentConfig } from "./config/config.ts";
import { checkRoutes } from "./gateway/check.ts";
import { costOf } from "./gateway/calculate.ts";
import { Cooldowns } from "./gateway/cooldowns.ts";
import { startEvents } from "./events/events.ts";
import { Exports } from "./exports/exports.ts";
import { callRoutes } from "./gateway/serve.ts";
import type { Deployment } from "./gateway/gateway.ts";
import { KeyRing } from "./gateway/key-ring.ts";
import { hashOf, signingSecretOf, type Keys } from "./http/auth.ts";
import { createServer } from "./http/server.ts";
import type { Budget } from "./ledger/book.ts";
import type { Policy } from "./ledger/command.ts";
import type { LedgerStore } from "./ledger/store.ts";
import type { NanoUsd } from "./money/amount.ts";
import { newId, newSecret, systemClock as clock } from "./platform/clock.ts";
import { createLog, type Log } from "./platform/log.ts";
import { createMetrics, type Metrics } from "./platform/metrics.ts";
import { createPriceBook, type PriceBook } from "./prices/book.ts";
import { lackOfPrice } from "./prices/preview.ts";
import { startFakeProvider, type FakeProvider } from "./providers/fake.ts";
import { providerNamed } from "./providers/providers.ts";
import { createCallLedger } from "./store/call-ledger.ts";
import { startCaretaker } from "./store/caretaker.ts";
import { openStore } from "./store/open.ts";
import { openSpool, type Spool } from "./store/spool.ts";

export interface Purser {
  readonly port: number;
  /** Finishes the calls in flight, up to the deadline, and what they left to do. */
  stop(): Promise<void>;
}

export interface Surroundings {
  /** No configuration was given: the banner then tells the demo's key. */
  readonly demo: boolean;
  readonly print: (text: string) => void;
}

export async function startPurser(config: Config, { demo, print }: Surroundings): Promise<Purser> {
  const log = createLog(config.logLevel);
  const instance = newId();
  const keeping = await openBooks(config, instance, log);
  const { ledger, spool } = keeping;
  const { events, exports } = startTelling(config, { ledger, instance, log });
  const fake = await fakeProviderFor(config.deployments);
  const upstream = new Agent({ connect: { timeout: CONNECT_TIMEOUT_MS } });
  const metrics = metricsOf(ledger, spool);
  const prices = createPriceBook(config.deployments, config);
  const inFlight = new Set<Promise<void>>();
  let stopping = false;

  const { requestBytesMax, deadlines } = config;
  const keys = keysOf(config, ledger);
  const deployments = deploymentsByModel(config.deployments, fake);
  const priced = (question: CostQuestion) => costOf(question, { deployments, prices, clock });
  const parts = { instance, deployments, prices, upstream, inFlight, clock, log, metrics };
  const gateway = {
    ...config,
    ...parts,
    keyRing: new KeyRing(keys),
    signingSecret: signerOf(config),
    cooldowns: new Cooldowns(config.routing),
    random: Math.random,
    ledger: createCallLedger(ledger, spool, () => events.wake()),
    answers: ledger.answers,
  };
  const books = { ledger, keys, webhooks: events.webhooks, exports };
  const server = await createServer({ requestBytesMax, log }, [
    (app) => callRoutes(app, gateway),
    (app) => checkRoutes(app, gateway),
    (app) => adminRoutes(app, { ...adminOf(config, prices), ...books, costOf: priced }),
    (app) => healthRoutes(app, { ledger, metrics, stopping: () => stopping }),
  ]);
  const port = await listen(server, config);
  const warnings = [...config.warnings, ...(await warningsAtStart(config, ledger, prices))];
  print(banner({ ...config, port, warnings }, demo));

  async function stop(): Promise<void> {
    stopping = true;
    log.info("stopping: calls in flight are finished first");
    await finishCalls(server, deadlines.shutdownMs, inFlight);
    await Promise.all([events.stop(), exports.stop()]);
    await keeping.close();
    await Promise.all([upstream.close(), fake?.close()]);
    log.info("stopped");
  }
  return { port, stop };
}

/** Those who tell others what the ledger holds, each in a loop of its own. */
function startTelling(
  config: Config,
  { ledger, instance, log }: { ledger: LedgerStore; instance: string; log: Log },
) {
  const telling = { outbox: ledger.outbox, instance, clock, random: Math.random, log, newId };
  return {
    events: startEvents(config, telling),
    exports: new Exports(config.exports, { ...telling, holder: `exports ${instance}` }),
  };
}

function keysOf({ masterKey }: Config, ledger: LedgerStore): Keys {
  return {
    masterKeyHash: hashOf(masterKey),
    find: (secretHash) => ledger.read.keyBySecret(secretHash),
    byHash: (hash) => ledger.read.key(hash),
  };
}

function signerOf({ masterKey }: Config): (secretHash: string) => string {
  return (secretHash) => signingSecretOf(masterKey, secretHash);
}

type AdminParts = Pick<Admin, "ledger" | "keys" | "webhooks" | "exports" | "costOf">;

function adminOf(config: Config, prices: PriceBook): Omit<Admin, keyof AdminParts> {
  const { deployments, place, markup } = config;
  const models = [...new Set(deployments.map(({ modelName }) => modelName))];
  const priced = { deployments, prices, margins: markup.margins };
  const made = { newId, newSecret, signingSecret: signerOf(config) };
  return { policy: policyOf(config), models, place, ...priced, clock, ...made };
}

/** The port, which the system chose if it was given as 0. */
async function listen(server: FastifyInstance, { host, port }: Config): Promise<number> {
  await server.listen({ host, port });
  return (server.server.address() as AddressInfo).port;
}

/** The ledger, and what keeps it: opened, migrated, and rid of what an earlier run left open. */
async function openBooks(config: Config, instance: string, log: Log): Promise<Books> {
  const ledger = await openStore(config.database, policyOf(config));
  const spool = await openSpool(spoolFile(config, instance));
  const caretaker = await startCaretaker({ instance, ledger, spool, clock, log });
  return {
    ledger,
    spool,
    async close() {
      await caretaker.stop();
      await spool.close();
      await ledger.close();
    },
  };
}

interface Books {
  readonly ledger: LedgerStore;
  readonly spool: Spool;
  close(): Promise<void>;
}

/** What is allowed and yet not what most operators want, as far as only a start can tell. */
async function warningsAtStart(
  { deployments, budgets }: Config,
  ledger: LedgerStore,
  prices: PriceBook,
): Promise<string[]> {
  const now = clock.now();
  const { defaultCustomerBudgetId: id, fallbackCustomerCap } = budgets;
  const instead = fallbackCustomerCap === null ? "no limit" : "max_end_user_budget";
  const isMissing = id !== null && (await ledger.read.budget(id)) === undefined;
  return [
    ...deployments.flatMap((deployment) => lackOfPrice(deployment, prices, now)),
    ...(isMissing ? [`there is no budget ${id} yet: customers without one have ${instead}`] : []),
  ];
}

/** Calls in flight finish by themselves; those that have not by the deadline are cut off, and settled. */
async function finishCalls(
  server: FastifyInstance,
  shutdownMs: number,
  inFlight: ReadonlySet<Promise<void>>,
): Promise<void> {
  const cutOff = setTimeout(() => server.server.closeAllConnections(), shutdownMs);
  const idle = setInterval(() => server.server.closeIdleConnections(), IDLE_CHECK_MS);
  await server.close();
  clearTimeout(cutOff);
  clearInterval(idle);
  // A client that left took its connection along, but not the settling of its call.
  await Promise.all(inFlight);
}

function metricsOf(ledger: LedgerStore, spool: Spool): Metrics {
  const metrics = createMetrics();
  metrics.gauge("purser_outbox_pending", "Deliveries of events that wait.", async () =>
    Number(await ledger.outbox.deliveries.waiting()),
  );
  metrics.gauge("purser_spool_pending", "Settled calls that wait for the database.", () =>
    Promise.resolve(spool.pending),
  );
  return metrics;
}

/** A connection whose last call ends while the server stops would else be kept alive for another minute. */
const IDLE_CHECK_MS = 50;

/** A provider that does not take a connection by then is away. */
const CONNECT_TIMEOUT_MS = 10_000;

function policyOf({ budgets }: Config): Policy {
  const { defaultCustomerBudgetId, fallbackCustomerCap, newCustomers, unsettledCharge } = budgets;
  return {
    defaultCustomerBudgetId,
    fallbackCustomerBudget:
      fallbackCustomerCap === null ? null : lifetimeBudget(fallbackCustomerCap),
    newCustomers,
    unsettledCharge,
  };
}

/** The budget that `max_end_user_budget` stands for: it has no row, and its name is that of the setting. */
function lifetimeBudget(cap: NanoUsd): Budget {
  const limit = { meter: "usd", model: null, cap, period: null, soft: false } as const;
  const written = { createdAt: 0, updatedAt: 0, revision: "" };
  return {
    id: "max_end_user_budget",
    period: null,
    limits: [limit],
    thresholds: null,
    ...written,
    enforcement: "hard",
    markup: null,
    owner: null,
  };
}

/** Beside the database where that is a file; else named for the port, which on one machine is one process's. */
function spoolFile({ database, port }: Config, instance: string): string {
  if (database.kind === "sqlite") return `${database.file}.spool`;
  return `purser-${port === 0 ? instance : String(port)}.spool`;
}

async function fakeProviderFor(
  deployments: readonly DeploymentConfig[],
): Promise<FakeProvider | null> {
  const wanted = deployments.some(({ provider }) => provider === "fake");
  return wanted ? startFakeProvider() : null;
}

function deploymentsByModel(
  configs: readonly DeploymentConfig[],
  fake: FakeProvider | null,
): ReadonlyMap<string, readonly Deployment[]> {
  const deployments = configs.map((config) => deploymentOf(config, fake));
  return Map.groupBy(deployments, (deployment) => deployment.config.modelName);
}

/** Throws where the deployment's address cannot be made out, so that it shows at the start and not in a call. */
function deploymentOf(given: DeploymentConfig, fake: FakeProvider | null): Deployment {
  const provider = providerNamed(given.provider);
  if (provider === undefined) throw new Error(`${given.modelName}: no provider ${given.provider}`);
  const config = given.provider === "fake" ? { ...given, apiBase: fake?.origin ?? null } : given;
  provider.address(config, "/chat/completions");
  if (!/^[\x21-\x7e]+$/.test(given.id)) {
    throw new Error(
      `model_info.id "${given.id}" travels in a header: use printable ASCII, no spaces`,
    );
  }
  return { config, provider };
}
