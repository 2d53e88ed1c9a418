/** The ends of calls that the database could not take: on disk before the answer goes out, applied when it is back. */

import { constants } from "node:fs";
import { open, rm, type FileHandle } from "node:fs/promises";
import { dirname } from "node:path";
import type { Expire, Release, Settle } from "../ledger/command.ts";
import type { LedgerStore } from "../ledger/store.ts";
import { nanoUsd } from "../money/amount.ts";
import { jsonPricing, jsonRates, pricingOf, ratesOf } from "./pricing-rows.ts";
import type { JsonPricing, JsonRates } from "./pricing-rows.ts";

type Kept = Settle | Release | Expire;

export interface Spool {
  /** How many commands wait to be applied. */
  readonly pending: number;
  /** Resolves once the command is on the disk. */
  keep(command: Kept): Promise<void>;
  /**
   * Applies what was kept, in order and under the same ids, and answers how many commands that was. Rejects if the
   * ledger does not take all of them; the others are kept.
   */
  replay(apply: LedgerStore["apply"]): Promise<number>;
  close(): Promise<void>;
}

export async function openSpool(path: string): Promise<Spool> {
  const file = await open(path, constants.O_RDWR | constants.O_CREAT | constants.O_APPEND, 0o600);
  try {
    await syncFolder(dirname(path));
    const lines = wholeLines(await file.readFile("utf8"));
    const commands = lines.map((line, index) => commandOf(line, `${path}:${String(index + 1)}`));
    const size = lines.reduce((bytes, line) => bytes + Buffer.byteLength(line) + 1, 0);
    return new FileSpool({ path, file, size, commands });
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** Together at once; the ledger makes few transactions of them. */
const REPLAY_MAX = 500;

interface Contents {
  readonly path: string;
  readonly file: FileHandle;
  readonly size: number;
  readonly commands: readonly Kept[];
}

interface Unwritten {
  readonly command: Kept;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

class FileSpool implements Spool {
  readonly #path: string;
  readonly #file: FileHandle;
  #size: number;
  #unwritten: Unwritten[] = [];
  /** On disk, not yet applied. */
  #kept: Kept[];
  /** The file is written by one at a time: whoever comes waits for the one before. */
  #turn: Promise<void> = Promise.resolve();
  #replay: Promise<number> | undefined;

  constructor({ path, file, size, commands }: Contents) {
    this.#path = path;
    this.#file = file;
    this.#size = size;
    this.#kept = [...commands];
  }

  get pending(): number {
    return this.#kept.length + this.#unwritten.length;
  }

  keep(command: Kept): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#unwritten.push({ command, resolve, reject });
      // Those who come while the turn is awaited go along in one write and one sync.
      if (this.#unwritten.length === 1) void this.#inTurn(() => this.#write());
    });
  }

  replay(apply: LedgerStore["apply"]): Promise<number> {
    this.#replay ??= this.#replayAll(apply).finally(() => {
      this.#replay = undefined;
    });
    return this.#replay;
  }

  async close(): Promise<void> {
    await this.#turn;
    await this.#file.close();
    if (this.pending === 0) await rm(this.#path, { force: true });
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => undefined);
    return done;
  }

  async #write(): Promise<void> {
    const batch = this.#unwritten;
    this.#unwritten = [];
    const commands = batch.map(({ command }) => command);
    try {
      await this.#append(commands.map((command) => `${lineOf(command)}\n`).join(""));
    } catch (error) {
      // Not durable, and the callers are told so; yet if the process lives on, the next replay applies them.
      this.#kept.push(...commands);
      for (const { reject } of batch) reject(error);
      return;
    }
    this.#kept.push(...commands);
    for (const { resolve } of batch) resolve();
  }

  async #append(lines: string): Promise<void> {
    // What a crash or a full disk left behind would tear the line that comes after it.
    await this.#file.truncate(this.#size);
    await this.#file.appendFile(lines);
    await this.#file.datasync();
    this.#size += Buffer.byteLength(lines);
  }

  async #replayAll(apply: LedgerStore["apply"]): Promise<number> {
    let replayed = 0;
    while (this.#kept.length > 0 || this.#size > 0) {
      replayed += await this.#applySome(apply);
      if (this.#kept.length === 0) await this.#inTurn(() => this.#empty());
    }
    return replayed;
  }

  async #applySome(apply: LedgerStore["apply"]): Promise<number> {
    const commands = this.#kept.slice(0, REPLAY_MAX);
    // Each by itself: one that the ledger cannot take must not hold up the others.
    const attempts = await Promise.allSettled(commands.map((command) => apply([command])));
    const failed = commands.filter((_, index) => attempts[index]?.status === "rejected");
    this.#kept.splice(0, commands.length, ...failed);
    const failure = attempts.find((attempt) => attempt.status === "rejected");
    if (failure !== undefined) throw failure.reason;
    return commands.length;
  }

  /** Unless something was kept in the meantime. */
  async #empty(): Promise<void> {
    if (this.#kept.length > 0) return;
    await this.#file.truncate(0);
    await this.#file.datasync();
    this.#size = 0;
  }
}

/** What a crash tore off at the end was never promised to anybody. */
function wholeLines(text: string): string[] {
  return text.split("\n").slice(0, -1);
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path);
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

type JsonSettle = Omit<Settle, "cost" | "charge" | "rates" | "pricing"> & {
  readonly cost: string;
  readonly charge: string;
  readonly rates: JsonRates | null;
  readonly pricing: JsonPricing | null;
};

function lineOf(command: Kept): string {
  if (command.kind !== "settle") return JSON.stringify(command);
  const { cost, charge, rates, pricing } = command;
  const line: JsonSettle = {
    ...command,
    cost: String(cost),
    charge: String(charge),
    rates: rates && jsonRates(rates),
    pricing: pricing && jsonPricing(pricing),
  };
  return JSON.stringify(line);
}

function commandOf(line: string, place: string): Kept {
  const command = parsed(line, place);
  if (command.kind !== "settle") return command;
  const { cost, charge, rates, pricing } = command;
  return {
    ...command,
    cost: nanoUsd(BigInt(cost)),
    charge: nanoUsd(BigInt(charge)),
    rates: rates && ratesOf(rates),
    pricing: pricing && pricingOf(pricing),
  };
}

function parsed(line: string, place: string): JsonSettle | Release | Expire {
  try {
    return JSON.parse(line) as JsonSettle | Release | Expire;
  } catch (cause) {
    throw new Error(`${place} is damaged; it holds the end of a call that was answered`, { cause });
  }
}
