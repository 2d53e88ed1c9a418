/** The words of a table's line, read as rows and commands of the ledger. A word that nothing reads is a mistake. */

import assert from "node:assert/strict";

import type { Budget, Customer, Key, Limit, Meter, Region } from "../../src/ledger/book.ts";
import type {
  Adjust,
  Command,
  Quote,
  Reserve,
  Reset,
  Settle,
  Write,
} from "../../src/ledger/command.ts";
import { picoUsd } from "../../src/money/amount.ts";
import { windowAt } from "../../src/money/window.ts";
import * as ledger from "./ledger.ts";

/** `usd`, `usd@m1` for one model, `usd/hour` for each hour, `soft:usd` for a limit that only tells. */
const METER = /^(soft:)?(usd|tokens|requests|concurrency)(?:@(\w+))?(\/hour)?$/;

export class Words {
  readonly #words: string[];

  constructor(text: string) {
    this.#words = text.split(/\s+/).filter((word) => word !== "");
  }

  take(): string {
    return this.#words.shift() ?? assert.fail("a word is missing");
  }

  takeAll(): string[] {
    return this.#words.splice(0);
  }

  takeFlag(name: string): boolean {
    const index = this.#words.indexOf(name);
    if (index >= 0) this.#words.splice(index, 1);
    return index >= 0;
  }

  /** The word after the name. */
  takeOption(name: string): string | null {
    const index = this.#words.indexOf(name);
    return (index < 0 ? undefined : this.#words.splice(index, 2)[1]) ?? null;
  }

  /** Names with commas between them. */
  takeList(name: string): string[] {
    return this.takeOption(name)?.split(",") ?? [];
  }

  takeNumber(name: string, otherwise = 0): number {
    return Number(this.takeOption(name) ?? otherwise);
  }

  /** Minutes on the page, milliseconds in the ledger; null if the line names no time. */
  takeTime(name: string): number | null {
    const minutes = this.takeOption(name);
    return minutes === null ? null : Number(minutes) * 60_000;
  }

  takeLimits(): Limit[] {
    const limits: Limit[] = [];
    while (this.#words.length > 0) {
      const counted = meterOf(this.take());
      limits.push({ ...counted, cap: BigInt(this.take()) });
    }
    return limits;
  }
}

export function meterOf(word: string): Omit<Limit, "cap"> {
  const match = METER.exec(word) ?? assert.fail(`no such meter: ${word}`);
  const [, soft, meter, model = null, hour] = match;
  const period = hour === undefined ? null : ledger.HOURLY;
  return { meter: meter as Meter, model, period, soft: soft !== undefined };
}

export function budgetOf(id: string, words: Words): Budget {
  const enforcement = words.takeFlag("last_call") ? "last_call" : "hard";
  return ledger.budget(id, words.takeLimits(), enforcement);
}

export function customerOf(id: string, words: Words): Customer {
  return ledger.customer(id, {
    blocked: words.takeFlag("blocked"),
    budgetId: words.takeOption("budget"),
    models: words.takeList("models"),
    allowedRegion: words.takeOption("region") as Region | null,
    defaultModel: words.takeOption("otherwise"),
  });
}

export function keyOf(hash: string, words: Words): Key {
  return ledger.key(hash, {
    blocked: words.takeFlag("blocked"),
    expiresAt: words.takeTime("expires"),
    budgetId: words.takeOption("budget"),
    customerBudgetId: words.takeOption("customers"),
    models: words.takeList("models"),
    revision: `r${words.takeNumber("version", 1)}`,
  });
}

export function commandOf(words: Words): Command {
  const kind = words.take();
  const id = words.take();
  const at = words.takeTime("at") ?? 0;
  if (kind === "reserve") return reserveOf(id, at, words);
  if (kind === "check") return { ...reserveOf(id, at, words), kind };
  if (kind === "reset") return resetOf(id, at, words);
  if (kind === "settle") return settleOf(id, at, words);
  if (kind === "release") return ledger.release(id, at);
  if (kind === "expire") return ledger.expire(id, at);
  if (kind === "adjust") return adjustOf(id, at, words);
  if (kind === "create") return createOf(id, at, words);
  return assert.fail(`no such command: ${kind}`);
}

function reserveOf(id: string, at: number, words: Words): Reserve {
  const named = words.take();
  const hash = words.takeOption("key");
  const revision = `r${words.takeNumber("version", 1)}`;
  return ledger.reserve(id, {
    at,
    customer: named === "-" ? null : named,
    key: hash === null ? ledger.MASTER_KEY : { hash, revision },
    facts: ledger.facts({
      model: words.takeOption("model") ?? "m1",
      region: words.takeOption("in"),
    }),
    quote: quoteOf(words),
  });
}

/** A token costs a nano-dollar; `rate` is another price of the output, in pico-dollars. */
function quoteOf(words: Words): Quote {
  const outputTokens = words.takeNumber("out");
  const outputTokensMin = words.takeNumber("min", outputTokens);
  const choices = words.takeNumber("choices", 1);
  const outputRate = picoUsd(BigInt(words.takeNumber("rate", 1000)));
  const isFree = words.takeFlag("free");
  const isUnpriced = words.takeFlag("unpriced");
  const inputTokens = Number(words.take());
  const dear = { inputPico: BigInt(inputTokens) * 1000n, feesPico: 0n, outputRate };
  const price = isFree ? { inputPico: 0n, feesPico: 0n, outputRate: picoUsd(0n) } : dear;
  const bounds = { outputTokensMin, choices, price: isUnpriced ? null : price };
  return ledger.quote(inputTokens, outputTokens, bounds);
}

function settleOf(id: string, at: number, words: Words): Settle {
  const usage = { input: words.takeNumber("in"), output: words.takeNumber("out") };
  return ledger.settle(id, Number(words.take()), { at, usage });
}

function adjustOf(id: string, at: number, words: Words): Adjust {
  const keyHash = words.takeOption("key") ?? ledger.MASTER_KEY.hash;
  const named = words.take();
  return ledger.adjust(id, Number(words.take()), { at, customer: named, keyHash });
}

/** `reset r1 acme usd usd/hour`: of these counters. */
function resetOf(id: string, at: number, words: Words): Reset {
  const customer = words.take();
  const counters = words.takeAll().map((word) => {
    const { meter, model, period } = meterOf(word);
    const scope = { scope: "customer", scopeId: customer } as const;
    return { ...scope, meter, model: model ?? "", ...windowAt(period, at) };
  });
  const { keyHash, reason } = ledger.adjust(id, 0);
  return { kind: "reset", id, at, customer, reason, keyHash, counters };
}

/** With the id of a budget that exists, or with limits of its own. */
function createOf(id: string, at: number, words: Words): Write {
  const named = words.take();
  const created = { ...customerOf(named, words), createdAt: at };
  if (!words.takeFlag("own")) return ledger.createCustomer(id, created);
  const own = budgetOf(`own_${id}`, words);
  return ledger.createCustomer(id, { ...created, budgetId: own.id }, own);
}
