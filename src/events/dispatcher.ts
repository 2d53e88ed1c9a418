/** Makes deliveries of what happened, for everybody who wants to know it, and keeps a loop for each of them. */

import { ZERO_USD } from "../money/amount.ts";
import type { NewDelivery } from "../ledger/outbox.ts";
import { backoffMs, type Backoff } from "./backoff.ts";
import { Bell } from "../platform/bell.ts";
import { deliveriesOf } from "./fan-out.ts";
import { recipientOf, type Recipient } from "./recipient.ts";
import { RecipientLoop } from "./recipient-loop.ts";
import { timingOf, type Telling, type Timing } from "./telling.ts";
import { EVENT_RETENTION_MS } from "./verdict.ts";

/** After a wake: one look serves all calls that end in this time, where each would cost the database one of its own. */
const GATHER_MS = 20;

/** Events that are taken from the log at a time. */
const STEP_EVENTS_MAX = 250;

/** Twice what one step of the fan-out gets; short, because it is how long a dead instance is waited for. */
const LEASE_MS = 20_000;

/** Often, because each deletion holds up the writes behind it for as long as it has rows to delete. */
const PRUNE_INTERVAL_MS = 10_000;

const TROUBLE: Backoff = { firstMs: 1_000, maxMs: 30_000 };

const READER = "events";

export interface Dispatcher {
  /** There may be something new in the log. Costs nothing; for calling after every settle. */
  wake(): void;
  /** An endpoint was made or changed, or deliveries to it begin again. */
  wakeRecipient(id: string): void;
  /** Begins no more deliveries, and gives those under way a bounded time to finish. */
  stop(): Promise<void>;
}

/** Starts at once. */
export function startDispatcher(telling: Telling): Dispatcher {
  const loop = new DispatcherLoop(telling);
  loop.start();
  return loop;
}

class DispatcherLoop implements Dispatcher {
  readonly #telling: Telling;
  readonly #timing: Timing;
  readonly #loops = new Map<string, RecipientLoop>();
  /** Loops that are on their way out; a receiver that hangs then must not hold up the others. */
  readonly #leaving = new Set<Promise<void>>();
  readonly #work = new Bell();
  readonly #stop = new Bell();
  readonly #ended = new Bell();
  #leasedUntil = Number.NEGATIVE_INFINITY;
  #prunedAt = Number.NEGATIVE_INFINITY;

  constructor(telling: Telling) {
    this.#telling = telling;
    this.#timing = timingOf(telling);
  }

  /** The loop owns itself: it never rejects, and `stop` waits for its end. */
  start(): void {
    void this.#run();
  }

  /** Where nobody is told, the log is passed over now and then, and no call costs a look at it. */
  wake(): void {
    if (this.#loops.size > 0) this.#work.ring();
  }

  wakeRecipient(id: string): void {
    this.#loops.get(id)?.wake();
    this.#work.ring();
  }

  async stop(): Promise<void> {
    this.#stop.ring();
    this.#work.ring();
    await this.#ended.wait(this.#timing.stopMs);
    const stopping = [...this.#loops.values()].map((loop) => loop.stop());
    await Promise.all([...stopping, ...this.#leaving]);
    const { outbox, instance, log } = this.#telling;
    // A database that is away now finds out by the leases' end.
    await outbox.leases.leave(instance).catch((error: unknown) => {
      log.warn({ err: error }, "leases cannot be given back");
    });
  }

  async #run(): Promise<void> {
    let troubles = 0;
    while (!this.#stop.isRung) {
      const isFine = await this.#round();
      troubles = isFine ? 0 : troubles + 1;
      if (!isFine) await this.#stop.wait(backoffMs(troubles, TROUBLE, this.#telling.random));
      else {
        await this.#work.wait(this.#timing.pollMs);
        await this.#stop.wait(GATHER_MS);
      }
    }
    this.#ended.ring();
  }

  async #round(): Promise<boolean> {
    this.#work.silence();
    try {
      await this.#recipients();
      await this.#fanOut();
      await this.#prune();
      return true;
    } catch (error) {
      this.#telling.log.error({ err: error }, "the log of events cannot be read or written");
      return false;
    }
  }

  /** Read anew each time, so that a change is obeyed by every instance without being told; each has its loop then. */
  async #recipients(): Promise<readonly Recipient[]> {
    const { outbox, own, sealer } = this.#telling;
    const endpoints = await outbox.endpoints.list();
    const enabled = endpoints.filter(({ disabledAt }) => disabledAt === null);
    const recipients = [...own, ...enabled.map((endpoint) => recipientOf(endpoint, sealer))];
    this.#keepLoops(recipients);
    return recipients;
  }

  /** A loop's connections are to one address, so for another one there is another loop. */
  #keepLoops(recipients: readonly Recipient[]): void {
    const wanted = new Map(recipients.map((recipient) => [recipient.id, recipient]));
    for (const [id, loop] of this.#loops) {
      if (!loop.isOver && wanted.get(id)?.url === loop.url) continue;
      this.#loops.delete(id);
      const left = loop.stop().finally(() => this.#leaving.delete(left));
      this.#leaving.add(left);
    }
    for (const [id, recipient] of wanted) {
      const loop = this.#loops.get(id);
      if (loop === undefined) this.#loops.set(id, this.#begin(recipient));
      else loop.update(recipient);
    }
  }

  #begin(recipient: Recipient): RecipientLoop {
    const loop = new RecipientLoop(recipient, this.#telling);
    loop.start();
    return loop;
  }

  /** Deliveries are made before the place is moved on, so a crash between the two makes none twice and loses none. */
  async #fanOut(): Promise<void> {
    const { outbox, clock } = this.#telling;
    let { seq } = await outbox.readers.at(READER);
    while (!this.#stop.isRung) {
      const events = await outbox.events.read(seq, STEP_EVENTS_MAX);
      const last = events.at(-1);
      if (last === undefined || !(await this.#isOurs())) return;
      // Only now, because whoever was made before one of these events happened is to be told of it.
      const recipients = await this.#recipients();
      const times = { now: clock.now(), batchMs: this.#timing.batchMs };
      const deliveries = deliveriesOf(events, recipients, times);
      await outbox.deliveries.add(deliveries, "keep");
      const by = { seq: last.seq, rows: BigInt(events.length), charge: ZERO_USD };
      if (!(await outbox.readers.advance(READER, seq, by))) return;
      seq = last.seq;
      this.#wakeAll(deliveries);
      if (events.length < STEP_EVENTS_MAX) return;
    }
  }

  #wakeAll(deliveries: readonly NewDelivery[]): void {
    for (const id of new Set(deliveries.map(({ endpoint }) => endpoint)))
      this.#loops.get(id)?.wake();
  }

  async #isOurs(): Promise<boolean> {
    const { outbox, clock, instance } = this.#telling;
    const now = clock.now();
    if (now + LEASE_MS / 2 <= this.#leasedUntil) return true;
    const until = now + LEASE_MS;
    const isOurs = await outbox.leases.take("fan-out", { holder: instance, now, until });
    this.#leasedUntil = isOurs ? until : Number.NEGATIVE_INFINITY;
    return isOurs;
  }

  async #prune(): Promise<void> {
    const { outbox, clock } = this.#telling;
    const now = clock.now();
    if (now - this.#prunedAt < PRUNE_INTERVAL_MS) return;
    await outbox.deliveries.prune(now);
    await outbox.events.prune(now - EVENT_RETENTION_MS);
    this.#prunedAt = now;
  }
}
