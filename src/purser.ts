/** The composition root: puts the parts together once, and takes them apart in order. */

import type { AddressInfo } from "node:net";
import { Agent } from "undici";
import { healthRoutes } from "./admin/health.ts";
import { adminRoutes } from "./admin/routes.ts";
import { banner } from "./cli/banner.ts";
import type { FastifyInstance } from "fastify";
import type { Config, DeploymentConfig, WebhookConfig } from "./config/config.ts";
import { createDelivery, type Delivery } from "./events/outbox.ts";
import { callRoutes } from "./gateway/routes.ts";
import type { Deployment } from "./gateway/gateway.ts";
import { hashOf } from "./http/auth.ts";
import { createServer } from "./http/server.ts";
import type { Policy } from "./ledger/command.ts";
import type { LedgerStore, Outbox } from "./ledger/store.ts";
import { newId, systemClock as clock } from "./platform/clock.ts";
import { createLog, type Log } from "./platform/log.ts";
import { createMetrics, type Metrics } from "./platform/metrics.ts";
import { createPriceBook } from "./prices/book.ts";
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
  const delivery = deliveryTo(config.webhook, ledger.outbox, log);
  const fake = await fakeProviderFor(config.deployments);
  const upstream = new Agent({ connect: { timeout: CONNECT_TIMEOUT_MS } });
  const metrics = metricsOf(ledger, spool);
  const masterKeyHash = hashOf(config.masterKey);
  const inFlight = new Set<Promise<void>>();
  let stopping = false;

  const { requestBytesMax, budgets, deadlines, place } = config;
  const server = await createServer({ requestBytesMax, log }, [
    (app) =>
      callRoutes(app, {
        instance,
        masterKeyHash,
        requestBytesMax,
        budgets,
        deadlines,
        upstream,
        inFlight,
        clock,
        log,
        metrics,
        ledger: createCallLedger(ledger, spool, () => delivery?.wake()),
        deployments: deploymentsByModel(config.deployments, fake),
        prices: createPriceBook(config.deployments),
      }),
    (app) => adminRoutes(app, { masterKeyHash, ledger, place, clock, newId }),
    (app) => healthRoutes(app, { ledger, metrics, stopping: () => stopping }),
  ]);
  await server.listen({ host: config.host, port: config.port });
  const { port } = server.server.address() as AddressInfo;
  print(banner(config, port, demo));

  async function stop(): Promise<void> {
    stopping = true;
    log.info("stopping: calls in flight are finished first");
    await finishCalls(server, deadlines.shutdownMs);
    await Promise.all(inFlight);
    await delivery?.stop();
    await keeping.close();
    await Promise.all([upstream.close(), fake?.close()]);
    log.info("stopped");
  }
  return { port, stop };
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

function deliveryTo(webhook: WebhookConfig | null, outbox: Outbox, log: Log): Delivery | null {
  if (webhook === null) return null;
  return createDelivery({ outbox, webhook, clock, log, random: Math.random });
}

/** Calls in flight finish by themselves; those that have not by the deadline are cut off, and settled. */
async function finishCalls(server: FastifyInstance, shutdownMs: number): Promise<void> {
  const cutOff = setTimeout(() => server.server.closeAllConnections(), shutdownMs);
  const idle = setInterval(() => server.server.closeIdleConnections(), IDLE_CHECK_MS);
  await server.close();
  clearTimeout(cutOff);
  clearInterval(idle);
}

function metricsOf(ledger: LedgerStore, spool: Spool): Metrics {
  const metrics = createMetrics();
  metrics.gauge("purser_outbox_pending", "Events that wait for delivery.", async () =>
    Number(await ledger.outbox.pending()),
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

function policyOf({ budgets, webhook }: Config): Policy {
  const { defaultCustomerBudgetId, unsettledCharge } = budgets;
  return { defaultCustomerBudgetId, unsettledCharge, announce: webhook !== null };
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
  return { config, provider };
}
