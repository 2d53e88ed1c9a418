/** The delivery of events as the tests run it: over a real database, on a clock of theirs, stopped when they end. */

import type { TestContext } from "node:test";
import { openStore } from "../../src/store/open.ts";
import { ownRecipients, type Recipient } from "../../src/events/recipient.ts";
import { createSealer } from "../../src/events/seal.ts";
import { startDispatcher, type Dispatcher } from "../../src/events/dispatcher.ts";
import type { Telling } from "../../src/events/telling.ts";
import { Webhooks } from "../../src/events/webhooks.ts";
import { parseNetwork } from "../../src/config/network.ts";
import type { LedgerStore } from "../../src/ledger/store.ts";
import { newId, type Clock } from "../../src/platform/clock.ts";
import { createLog } from "../../src/platform/log.ts";
import { sqliteFile } from "../support/databases.ts";
import { POLICY, reserve, settle } from "../support/ledger.ts";
import { SK_1234_HASH } from "./event.ts";

/** No test waits for the loops to look by themselves, unless it says so. */
export const NEVER_MS = 600_000;

/** Longer than any lease. */
export const LEASE_END_MS = 120_000;

export const MASTER_KEY = "sk-1234";

/** When the clock of a test begins, and when its calls are made. */
export const START = 1_700_000_000_000;

export class TestClock implements Clock {
  #now: number;

  constructor(now = START) {
    this.#now = now;
  }

  now(): number {
    return this.#now;
  }

  advance(ms: number): void {
    this.#now += ms;
  }
}

/** `sqlite:<file>` or an address of PostgreSQL; a file of its own without one. */
export async function openBooks(t: TestContext, address = sqliteFile()): Promise<LedgerStore> {
  const file = /^sqlite:(.*)/.exec(address)?.[1];
  const store = await openStore(
    file === undefined ? { kind: "postgres", url: address } : { kind: "sqlite", file },
    POLICY,
  );
  t.after(async () => {
    await Promise.all((started.get(store) ?? []).map((part) => part.stop()));
    await store.close();
  });
  return store;
}

/** Hooks run in the order in which they were added, and a store is opened before what is to end before it. */
const started = new Map<LedgerStore, Stopping[]>();

interface Stopping {
  stop(): Promise<void>;
}

/** For what works on a store until it is stopped. */
export function stopBefore(store: LedgerStore, part: Stopping): void {
  started.set(store, [...(started.get(store) ?? []), part]);
}

/** The operator's webhook, as LiteLLM has it. */
export function ownWebhook(url: string, secret: string | null = null): readonly Recipient[] {
  const types = ["customer.spend_tracked", "budget.crossed"] as const;
  const webhook = { url, secret, types, customerGroup: "customer" } as const;
  return ownRecipients({ webhook, slack: null, networksAllowed: [] });
}

export interface Told {
  readonly dispatcher: Dispatcher;
  readonly webhooks: Webhooks;
  readonly clock: TestClock;
}

type Options = Partial<Omit<Telling, "clock">> & { readonly clock?: TestClock };

/** Endpoints may be on loopback, where the receivers of the tests are. */
export function startTelling(store: LedgerStore, options: Options = {}): Told {
  const clock = options.clock ?? new TestClock();
  const loopback = parseNetwork("127.0.0.1");
  const telling: Telling = {
    outbox: store.outbox,
    own: [],
    sealer: createSealer(MASTER_KEY),
    networksAllowed: loopback.ok ? [loopback.value] : [],
    instance: newId(),
    random: () => 0,
    resolve: () => Promise.reject(new Error("no name is looked up")),
    log: createLog("silent"),
    ...options,
    clock,
    timing: { pollMs: NEVER_MS, stopMs: 0, batchMs: 1, ...options.timing },
  };
  const dispatcher = startDispatcher(telling);
  stopBefore(store, dispatcher);
  return { dispatcher, webhooks: new Webhooks(telling, dispatcher, newId), clock };
}

/** Calls that are settled one after another, which makes a spend event each: `evt_<id>`. */
export async function charge(
  store: LedgerStore,
  customer: string,
  ids: readonly string[],
  amount = 1n,
): Promise<void> {
  const key = { hash: SK_1234_HASH, revision: null };
  const at = START;
  await store.apply(
    ids.flatMap((id) => [reserve(id, { at, customer, key }), settle(id, amount, { at })]),
  );
}

/** `<customer>_<number>`, for each number below `count`. */
export function callsOf(customer: string, count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => `${customer}_${String(index)}`);
}

export const WISH = { description: "", types: null, customers: null, batch: false } as const;
