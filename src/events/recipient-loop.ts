/** The loop of one recipient: sends what is due, in each customer's order, and writes down what became of it. */

import type { DueDelivery } from "../ledger/outbox.ts";
import { backoffMs, type Backoff } from "./backoff.ts";
import { Bell } from "../platform/bell.ts";
import { closeChannel, deliver, openChannel, type Attempt, type Channel } from "./deliver.ts";
import { parcelBody, seqsOf, sortOut, type Parcel } from "./parcel.ts";
import type { Recipient } from "./recipient.ts";
import { timingOf, type Telling, type Timing } from "./telling.ts";
import { verdict } from "./verdict.ts";

/** Deliveries at once: enough to hide a receiver's latency, few enough for one that is small. */
const LANES_MAX = 16;

/** One round's deliveries, which are all that the loop ever holds in memory; more than a batch has. */
const ROUND_DELIVERIES_MAX = 128;

/** After this a round begins no more attempts, so that a slow receiver cannot hold up what became due meanwhile. */
const ROUND_MS = 10_000;

/** For writing down what became of an attempt, beside a busy database. */
const RECORDING_MS = 5_000;

/** Of the whole loop. Short, because it is also how late a receiver that came back is noticed. */
const TROUBLE: Backoff = { firstMs: 1_000, maxMs: 30_000 };

/** As many failures with no success between them mean that the receiver is down, not that it dislikes an event. */
const DOWN_AFTER_FAILURES = LANES_MAX;

/** An endpoint that took nothing for this long will not come back by itself. */
const DISABLE_AFTER_MS = 5 * 86_400_000;

/** The status by which a receiver says that it wants no more. */
const GONE = 410;

/** What the loop gets to write down that deliveries were broken off. */
const STOP_RECORDING_MS = 1_000;

/** What to do after a round. */
type Next = "go_on" | "wait_for_work" | "back_off";

export class RecipientLoop {
  readonly #telling: Telling;
  readonly #timing: Timing;
  readonly #channel: Channel;
  readonly #work = new Bell();
  readonly #stop = new Bell();
  readonly #ended = new Bell();
  #recipient: Recipient;
  #leasedUntil = Number.NEGATIVE_INFINITY;
  /** Attempts that failed since the last one that did not. */
  #failuresInRow = 0;
  #failingSince: number | null;

  constructor(recipient: Recipient, telling: Telling) {
    this.#telling = telling;
    this.#timing = timingOf(telling);
    this.#recipient = recipient;
    this.#failingSince = recipient.failing?.since ?? null;
    const { networksAllowed, resolve } = telling;
    const { attemptMs: timeoutMs } = this.#timing;
    const bounds = { timeoutMs, connectionsMax: LANES_MAX, networksAllowed, resolve };
    this.#channel = openChannel(recipient, bounds);
  }

  /** The loop owns itself: it never rejects, and `stop` waits for its end. */
  start(): void {
    void this.#run();
  }

  /** Secrets and filters may change on the way; the address may not. */
  update(recipient: Recipient): void {
    this.#recipient = recipient;
  }

  get url(): string {
    return this.#recipient.url;
  }

  /** It was stopped, or has disabled its endpoint. */
  get isOver(): boolean {
    return this.#stop.isRung;
  }

  wake(): void {
    this.#work.ring();
  }

  async stop(): Promise<void> {
    this.#stop.ring();
    this.#work.ring();
    await this.#ended.wait(this.#timing.stopMs);
    await closeChannel(this.#channel);
    await this.#ended.wait(STOP_RECORDING_MS);
  }

  async #run(): Promise<void> {
    let troubles = 0;
    while (!this.#stop.isRung) {
      const next = await this.#round();
      troubles = next === "back_off" ? troubles + 1 : 0;
      if (next === "back_off") {
        await this.#stop.wait(backoffMs(troubles, TROUBLE, this.#telling.random));
      } else if (next === "wait_for_work") {
        await this.#work.wait(this.#timing.pollMs);
      }
    }
    this.#ended.ring();
  }

  async #round(): Promise<Next> {
    this.#work.silence();
    try {
      const most = this.#isDown ? 1 : ROUND_DELIVERIES_MAX;
      const due = await this.#takeDue(most);
      await this.#sendAll(due);
      if (this.#isDown) return "back_off";
      return due.length === most ? "go_on" : "wait_for_work";
    } catch (error) {
      this.#telling.log.error({ err: error }, "deliveries cannot be read or written");
      return "back_off";
    }
  }

  /** What is due, if this is the instance that serves the recipient: another one would overtake it. */
  async #takeDue(most: number): Promise<readonly DueDelivery[]> {
    const { outbox, clock } = this.#telling;
    const { id } = this.#recipient;
    const due = await outbox.deliveries.due(id, clock.now(), most);
    if (due.length === 0) return due;
    const wasOurs = this.#leasedUntil > clock.now();
    if (!(await this.#isOurs())) return [];
    // Whoever had the lease until now may just have sent them.
    return wasOurs ? due : outbox.deliveries.due(id, clock.now(), most);
  }

  /** Whether the lease lasts for another attempt; short, because it is how long a dead instance is waited for. */
  async #isOurs(): Promise<boolean> {
    const { outbox, clock, instance: holder } = this.#telling;
    const now = clock.now();
    const attemptEndsAt = now + this.#timing.attemptMs + RECORDING_MS;
    if (attemptEndsAt <= this.#leasedUntil) return true;
    const until = attemptEndsAt + RECORDING_MS;
    const lease = { holder, now, until };
    const isOurs = await outbox.leases.take(`recipient ${this.#recipient.id}`, lease);
    this.#leasedUntil = isOurs ? until : Number.NEGATIVE_INFINITY;
    return isOurs;
  }

  async #sendAll(due: readonly DueDelivery[]): Promise<void> {
    const { outbox, clock } = this.#telling;
    const beginsUntil = clock.now() + ROUND_MS;
    const { parcels, fresh } = sortOut(due, this.#recipient);
    for (const parcel of fresh) {
      await outbox.deliveries.join(this.#recipient.id, seqsOf(parcel), parcel.id);
    }
    const lines = linesOf(parcels);
    const next = lines.values();
    const lanes = lines.slice(0, LANES_MAX).map(() => this.#lane(next, beginsUntil));
    this.#report(await allOf(lanes));
  }

  /** Takes one customer after the other. What it does not get to is due in the next round. */
  async #lane(
    lines: Iterable<readonly Parcel[]>,
    beginsUntil: number,
  ): Promise<readonly Attempt[]> {
    const attempts: Attempt[] = [];
    for (const line of lines) {
      for (const parcel of line) {
        if (!(await this.#isOurs())) return attempts;
        attempts.push(await this.#attempt(parcel));
        const isLate = this.#telling.clock.now() >= beginsUntil;
        if (isLate || this.#stop.isRung || this.#isDown) return attempts;
      }
    }
    return attempts;
  }

  async #attempt(parcel: Parcel): Promise<Attempt> {
    const { outbox, clock, random } = this.#telling;
    const startedAt = clock.now();
    const attempt = await this.#send(parcel, startedAt);
    const tried = { attempt, startedAt, endedAt: clock.now() };
    const change = verdict(parcel, tried, random);
    await outbox.deliveries.record(this.#recipient.id, seqsOf(parcel), change);
    await this.#note(attempt, tried.endedAt);
    return attempt;
  }

  #send(parcel: Parcel, at: number): Promise<Attempt> {
    const { secrets } = this.#recipient;
    const body = parcelBody(parcel, this.#recipient);
    return deliver({ id: parcel.id, at, body, secrets }, this.#channel);
  }

  /** Since when nothing arrives is written down only when that changes. */
  async #note(attempt: Attempt, now: number): Promise<void> {
    const { id, failing } = this.#recipient;
    this.#failuresInRow = attempt.kind === "delivered" ? 0 : this.#failuresInRow + 1;
    const since = attempt.kind === "delivered" ? null : (this.#failingSince ?? now);
    const isNews = since !== this.#failingSince;
    this.#failingSince = since;
    if (failing === null) return;
    if (isNews) await this.#telling.outbox.endpoints.change(id, { failingSince: since });
    if (since === null) return;
    if (attempt.status === GONE) await this.#disable("it answered 410", since);
    else if (now - since >= DISABLE_AFTER_MS) await this.#disable("it failed for five days", since);
  }

  /** The event first: if the process dies between the two, the next failure writes it again under the same id. */
  async #disable(reason: string, since: number): Promise<void> {
    const { outbox, clock, log } = this.#telling;
    const { id } = this.#recipient;
    const at = clock.now();
    const data = { endpoint: id, reason };
    const event = { id: `evt_${id}_disabled_${String(since)}`, at, customer: null, data };
    await outbox.events.add({ ...event, type: "endpoint.disabled" });
    await outbox.endpoints.change(id, { disabledAt: at, disabledBecause: reason });
    log.warn(data, "an endpoint was disabled");
    this.#stop.ring();
  }

  /** While it is down one message at a time finds out whether it is back, and the database is left to the calls. */
  get #isDown(): boolean {
    return this.#failuresInRow >= DOWN_AFTER_FAILURES;
  }

  /** One line a round, however many fail; the deliveries keep the reason of each. */
  #report(attempts: readonly Attempt[]): void {
    const failed = attempts.filter((attempt) => attempt.kind === "failed");
    const reason = failed.at(-1)?.reason;
    if (reason === undefined) return;
    const { id: endpoint } = this.#recipient;
    const facts = { endpoint, failed: failed.length, attempts: attempts.length, reason };
    this.#telling.log.warn(facts, "webhook deliveries failed and will be tried again");
  }
}

/** A line per customer, so that its events leave in the order that they happened in. Batches are a line. */
function linesOf(parcels: readonly Parcel[]): readonly (readonly Parcel[])[] {
  return [...Map.groupBy(parcels, lineOf).values()];
}

function lineOf({ isBatch, deliveries: [{ customer }] }: Parcel): string {
  return isBatch ? "batches" : `customer ${customer ?? ""}`;
}

/** Waits for every lane, so that none runs on beside the next round, and throws if one was broken by the database. */
async function allOf(lanes: readonly Promise<readonly Attempt[]>[]): Promise<readonly Attempt[]> {
  const settled = await Promise.allSettled(lanes);
  for (const lane of settled) {
    if (lane.status === "rejected") throw new Error("a lane broke off", { cause: lane.reason });
  }
  return settled.flatMap((lane) => (lane.status === "fulfilled" ? lane.value : []));
}
