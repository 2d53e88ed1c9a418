/** Reads the ledger for a billing system: every charge in its order, under one key each, from where it stopped. */

import { Agent } from "undici";
import type { ExportConfig } from "../config/config.ts";
import type { Numbered, Outbox, Rejection } from "../ledger/outbox.ts";
import type { Posting } from "../ledger/book.ts";
import { nanoUsd } from "../money/amount.ts";
import { Bell } from "../platform/bell.ts";
import type { Clock } from "../platform/clock.ts";
import type { Log } from "../platform/log.ts";
import { isCharge, type Charge } from "./charge.ts";
import { send, type Sent, type Way } from "./send.ts";

const STEP_POSTINGS_MAX = 200;

/** Requests at once: Stripe takes a thousand a second of an account, and others are waiting too. */
const LANES_MAX = 8;

/** Bills are made once a day at most; so that they are never far behind. */
const POLL_MS = 2_000;

const RETRY_MAX_MS = 60_000;

const TIMEOUT_MS = 10_000;

/** A step that takes longer may be done twice, which the keys make harmless. */
const LEASE_MS = 60_000;

export interface Exporting {
  readonly outbox: Pick<Outbox, "postings" | "readers" | "leases" | "exports">;
  /** Unlike that of any other process. */
  readonly holder: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly pollMs?: number;
  /** For a whole request. */
  readonly timeoutMs?: number;
}

/** What to do after a step. */
type Next = "go_on" | "wait" | "back_off";

export class Exporter {
  readonly config: ExportConfig;
  readonly #exporting: Exporting;
  readonly #way: Way & { readonly dispatcher: Agent };
  readonly #stop = new Bell();
  #running: Promise<void> = Promise.resolve();
  #error: string | null = null;

  constructor(config: ExportConfig, exporting: Exporting) {
    this.config = config;
    this.#exporting = exporting;
    const dispatcher = new Agent({ connections: LANES_MAX, allowH2: false });
    this.#way = { dispatcher, timeoutMs: exporting.timeoutMs ?? TIMEOUT_MS };
  }

  /** The loop owns itself: it never rejects, and `stop` waits for its end. */
  start(): void {
    this.#running = this.#run();
  }

  /** What went wrong last, as this instance saw it; null while all is well. */
  get error(): string | null {
    return this.#error;
  }

  async stop(): Promise<void> {
    this.#stop.ring();
    await this.#way.dispatcher.destroy();
    await this.#running;
  }

  /** What was rejected is sent again; answers how many were taken now. */
  async retry(): Promise<number> {
    const { outbox } = this.#exporting;
    const { to: name } = this.config;
    let taken = 0;
    for (const { seq } of await outbox.exports.rejections(name)) {
      const [posting] = await outbox.postings.read(seq - 1n, 1);
      if (posting?.seq !== seq || !isCharge(posting.item)) continue;
      const { kind } = await send(posting.item, this.config, this.#way);
      if (kind === "taken" && (await outbox.exports.accept(name, seq))) taken += 1;
    }
    return taken;
  }

  /** The name of its place in the ledger. */
  get reader(): string {
    return `export ${this.config.to}`;
  }

  async #run(): Promise<void> {
    const pollMs = this.#exporting.pollMs ?? POLL_MS;
    let failures = 0;
    while (!this.#stop.isRung) {
      const next = await this.#step();
      failures = next === "back_off" ? failures + 1 : 0;
      const waitMs = Math.min(RETRY_MAX_MS, pollMs * 2 ** failures);
      if (next !== "go_on") await this.#stop.wait(waitMs);
    }
  }

  async #step(): Promise<Next> {
    try {
      return await this.#exportSome();
    } catch (error) {
      this.#error = "the ledger cannot be read or written";
      this.#exporting.log.error({ err: error, export: this.config.to }, this.#error);
      return "back_off";
    }
  }

  async #exportSome(): Promise<Next> {
    const { outbox, clock, holder } = this.#exporting;
    const { seq: from } = await outbox.readers.at(this.reader);
    const postings = await outbox.postings.read(from, STEP_POSTINGS_MAX);
    const now = clock.now();
    const lease = { holder, now, until: now + LEASE_MS };
    if (postings.length === 0 || !(await outbox.leases.take(this.reader, lease))) {
      this.#error = null;
      return "wait";
    }
    const charges = postings.filter(isOfCharge);
    const told = await this.#tell(charges);
    // What came after a failure may have been taken; it is sent again, under the same key.
    const open = charges.find(({ seq }) => (told.get(seq)?.kind ?? "failed") === "failed");
    const done = postings.filter(({ seq }) => open === undefined || seq < open.seq);
    await this.#advance(from, done, told);
    this.#report(told);
    if (done.length === 0) return "back_off";
    return done.length === STEP_POSTINGS_MAX ? "go_on" : "wait";
  }

  /** By the place of each. After a failure nothing more is begun. */
  async #tell(charges: readonly Numbered<Charge>[]): Promise<ReadonlyMap<bigint, Sent>> {
    const told = new Map<bigint, Sent>();
    const next = charges.values();
    let isFailing = false;
    const lane = async (): Promise<void> => {
      for (const { seq, item } of next) {
        const sent = await send(item, this.config, this.#way);
        told.set(seq, sent);
        isFailing ||= sent.kind === "failed";
        if (isFailing || this.#stop.isRung) return;
      }
    };
    await Promise.all(Array.from({ length: LANES_MAX }, lane));
    return told;
  }

  /** First what was rejected, which a repetition writes no second time; then the place, which counts all. */
  async #advance(
    from: bigint,
    done: readonly Numbered<Posting>[],
    told: ReadonlyMap<bigint, Sent>,
  ): Promise<void> {
    const last = done.at(-1);
    if (last === undefined) return;
    const { exports, readers } = this.#exporting.outbox;
    const charges = done.filter(isOfCharge);
    await exports.reject(charges.flatMap((each) => this.#rejectionOf(each, told.get(each.seq))));
    const charge = charges.reduce((sum, { item }) => sum + item.charge, 0n);
    const by = { seq: last.seq, rows: BigInt(charges.length), charge: nanoUsd(charge) };
    await readers.advance(this.reader, from, by);
  }

  #report(told: ReadonlyMap<bigint, Sent>): void {
    const failed = [...told.values()].find((sent) => sent.kind === "failed");
    this.#error = failed?.error ?? null;
    if (failed === undefined) return;
    const facts = { export: this.config.to, reason: failed.error };
    this.#exporting.log.warn(facts, "an export failed and will go on");
  }

  #rejectionOf({ seq, item }: Numbered<Charge>, sent: Sent | undefined): Rejection[] {
    if (sent?.kind !== "rejected") return [];
    const { id: posting, customer, at, charge } = item;
    const { status, error } = sent;
    return [{ export: this.config.to, seq, posting, customer, at, charge, status, error }];
  }
}

function isOfCharge(posting: Numbered<Posting>): posting is Numbered<Charge> {
  return isCharge(posting.item);
}
