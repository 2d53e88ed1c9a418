/** Delivers what waits in the outbox, each event at least once, apart from the calls that put it there. */

import type { WebhookConfig } from "../config/config.ts";
import type { Outbox, QueuedEvent } from "../ledger/store.ts";
import type { Clock } from "../platform/clock.ts";
import type { Log } from "../platform/log.ts";
import { backoffMs, type Backoff } from "./backoff.ts";
import { Bell } from "./bell.ts";
import { closeEndpoint, deliver, openEndpoint, type Attempt, type Endpoint } from "./deliver.ts";
import { litellmBody } from "./litellm-body.ts";

/** Deliveries at once: enough to hide a receiver's latency, few enough for one that is small. */
const LANES_MAX = 16;

/** One round's events, which are all that the process ever holds in memory. */
const BATCH_EVENTS_MAX = 128;

const ATTEMPT_TIMEOUT_MS = 10_000;

/** After this a round begins no more attempts, so that a slow receiver cannot hold up what became due meanwhile. */
const ROUND_MS = 10_000;

/** For taking a batch and writing down what became of it, beside a busy database. */
const RECORDING_MS = 10_000;

/** Without a wake: a retry that is due, or the event of another instance that died. */
const POLL_MS = 1_000;

/** After a wake: one take serves all calls that end in this time, where each would cost the database one of its own. */
const GATHER_MS = 20;

/** Of one event. There is no last try: billing must not lose an event because a receiver was away for a week. */
const RETRY: Backoff = { firstMs: 1_000, maxMs: 3_600_000 };

/** Of the whole loop. Short, because it is also how late a receiver that came back is noticed. */
const TROUBLE: Backoff = { firstMs: 1_000, maxMs: 30_000 };

/** As many failures with no success between them mean that the receiver is down, not that it dislikes an event. */
const DOWN_AFTER_FAILURES = LANES_MAX;

/** Delivered events are kept for a look at what was sent. The postings keep the facts for good. */
const RETENTION_MS = 86_400_000;

/** Often, because each deletion holds up the writes behind it for as long as it has rows to delete. */
const PRUNE_INTERVAL_MS = 10_000;

/** What deliveries under way get to finish when the process stops. */
const STOP_MS = 5_000;

/** What the loop then gets to write down that they were broken off; without it they are due when their lease ends. */
const STOP_RECORDING_MS = 1_000;

export interface DeliveryOptions {
  readonly outbox: Outbox;
  readonly webhook: WebhookConfig;
  readonly clock: Clock;
  /** Numbers from 0 up to 1. */
  readonly random: () => number;
  readonly log: Log;
  readonly timeoutMs?: number;
  readonly pollMs?: number;
  readonly stopMs?: number;
}

export interface Delivery {
  /** There may be something new in the outbox. Costs nothing; for calling after every settle. */
  wake(): void;
  /** Begins no more deliveries, and gives those under way a bounded time to finish. */
  stop(): Promise<void>;
}

/** Starts at once. */
export function createDelivery(options: DeliveryOptions): Delivery {
  const loop = new DeliveryLoop(options);
  loop.start();
  return loop;
}

/** What to do after a round. */
type Next = "go_on" | "wait_for_work" | "back_off";

class DeliveryLoop implements Delivery {
  readonly #options: DeliveryOptions;
  readonly #endpoint: Endpoint;
  readonly #timeoutMs: number;
  readonly #work = new Bell();
  readonly #stop = new Bell();
  readonly #ended = new Bell();
  /** Attempts that failed since the last one that did not. */
  #failuresInRow = 0;
  #prunedAt = Number.NEGATIVE_INFINITY;

  constructor(options: DeliveryOptions) {
    this.#options = options;
    this.#timeoutMs = options.timeoutMs ?? ATTEMPT_TIMEOUT_MS;
    const bounds = { timeoutMs: this.#timeoutMs, connectionsMax: LANES_MAX };
    this.#endpoint = openEndpoint(options.webhook, bounds);
  }

  /** The loop owns itself: it never rejects, and `stop` waits for its end. */
  start(): void {
    void this.#run();
  }

  wake(): void {
    this.#work.ring();
  }

  async stop(): Promise<void> {
    this.#stop.ring();
    this.#work.ring();
    await this.#ended.wait(this.#options.stopMs ?? STOP_MS);
    await closeEndpoint(this.#endpoint);
    await this.#ended.wait(STOP_RECORDING_MS);
  }

  async #run(): Promise<void> {
    let troubles = 0;
    while (!this.#stop.isRung) {
      const next = await this.#round();
      troubles = next === "back_off" ? troubles + 1 : 0;
      if (next === "back_off") {
        await this.#stop.wait(backoffMs(troubles, TROUBLE, this.#options.random));
      } else if (next === "wait_for_work") {
        await this.#work.wait(this.#options.pollMs ?? POLL_MS);
        await this.#stop.wait(GATHER_MS);
      }
    }
    this.#ended.ring();
  }

  async #round(): Promise<Next> {
    this.#work.silence();
    try {
      const eventsMax = this.#isReceiverDown ? 1 : BATCH_EVENTS_MAX;
      const taken = await this.#deliverBatch(eventsMax);
      await this.#prune();
      if (this.#isReceiverDown) return "back_off";
      return taken === eventsMax ? "go_on" : "wait_for_work";
    } catch (error) {
      this.#options.log.error({ err: error }, "the outbox cannot be read or written");
      return "back_off";
    }
  }

  /** Resolves with how many events were due. */
  async #deliverBatch(eventsMax: number): Promise<number> {
    const { outbox, clock } = this.#options;
    const now = clock.now();
    const leaseMs = ROUND_MS + this.#timeoutMs + RECORDING_MS;
    const events = await outbox.take(eventsMax, now, leaseMs);
    const lines = linesOf(events);
    const next = lines.values();
    const lanes = lines.slice(0, LANES_MAX).map(() => this.#lane(next, now + ROUND_MS));
    this.#report(await allOf(lanes));
    return events.length;
  }

  /** Takes one customer after the other. Events that it does not get to stay leased, and are due when that ends. */
  async #lane(
    lines: Iterable<readonly QueuedEvent[]>,
    beginsUntil: number,
  ): Promise<readonly Attempt[]> {
    const attempts: Attempt[] = [];
    for (const line of lines) {
      for (const event of line) {
        attempts.push(await this.#attempt(event));
        const isLate = this.#options.clock.now() >= beginsUntil;
        if (isLate || this.#stop.isRung || this.#isReceiverDown) return attempts;
      }
    }
    return attempts;
  }

  async #attempt(event: QueuedEvent): Promise<Attempt> {
    const { outbox, clock, random } = this.#options;
    const message = { id: event.id, at: clock.now(), body: litellmBody(event) };
    const attempt = await deliver(message, this.#endpoint);
    if (attempt.kind === "delivered") {
      this.#failuresInRow = 0;
      await outbox.delivered(event.id, clock.now());
    } else {
      this.#failuresInRow += 1;
      const retryAt = clock.now() + backoffMs(event.attempts + 1, RETRY, random);
      await outbox.failed(event.id, retryAt, attempt.reason);
    }
    return attempt;
  }

  /** While it is down one event at a time finds out whether it is back, and the database is left to the calls. */
  get #isReceiverDown(): boolean {
    return this.#failuresInRow >= DOWN_AFTER_FAILURES;
  }

  /** One line a round, however many fail; the outbox keeps the reason of each. */
  #report(attempts: readonly Attempt[]): void {
    const failed = attempts.filter((attempt) => attempt.kind === "failed");
    const reason = failed.at(-1)?.reason;
    if (reason === undefined) return;
    const facts = { failed: failed.length, attempts: attempts.length, reason };
    this.#options.log.warn(facts, "webhook deliveries failed and will be tried again");
  }

  async #prune(): Promise<void> {
    const now = this.#options.clock.now();
    if (now - this.#prunedAt < PRUNE_INTERVAL_MS) return;
    await this.#options.outbox.prune(now - RETENTION_MS);
    this.#prunedAt = now;
  }
}

/** A line per customer, so that its events leave in the order that they happened in. */
function linesOf(events: readonly QueuedEvent[]): readonly (readonly QueuedEvent[])[] {
  return [...Map.groupBy(events, (event) => event.customer).values()];
}

/** Waits for every lane, so that none runs on beside the next round, and throws if one was broken by the database. */
async function allOf(lanes: readonly Promise<readonly Attempt[]>[]): Promise<readonly Attempt[]> {
  const settled = await Promise.allSettled(lanes);
  for (const lane of settled) {
    if (lane.status === "rejected") throw new Error("a lane broke off", { cause: lane.reason });
  }
  return settled.flatMap((lane) => (lane.status === "fulfilled" ? lane.value : []));
}
