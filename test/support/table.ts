/**
 * Tables of ledger commands, each with its outcome at the end of the line, as in test/ledger/decide.test.ts. Amounts
 * are nano-dollars, times are minutes, and an expected outcome may stop after any of its words.
 */

import assert from "node:assert/strict";

import type { CounterKey } from "../../src/ledger/book.ts";
import type { LedgerEvent } from "../../src/ledger/event.ts";
import { remaining, type Command, type Outcome, type Policy } from "../../src/ledger/command.ts";
import type { UnsettledCharge } from "../../src/ledger/command.ts";
import { windowAt } from "../../src/money/window.ts";
import { Book } from "./book.ts";
import { POLICY } from "./ledger.ts";
import { budgetOf, commandOf, customerOf, keyOf, meterOf, Words } from "./words.ts";

/** Plays the table one command at a time and again with neighbouring commands in one batch: nothing may differ. */
export function play(table: string): Book {
  const [book, batched] = [1, Infinity].map((batchMax) => new Table(batchMax).play(table));
  assert.ok(book !== undefined);
  assert.deepEqual(batched, book);
  return book;
}

interface Row {
  readonly line: string;
  readonly command: Command;
  readonly expected: string;
}

class Table {
  readonly #batchMax: number;
  readonly #book = new Book();
  #policy: Policy = POLICY;
  #batch: Row[] = [];

  constructor(batchMax: number) {
    this.#batchMax = batchMax;
  }

  play(table: string): Book {
    for (const line of table.split("\n")) this.#playLine(line);
    this.#flush();
    return this.#book;
  }

  #playLine(line: string): void {
    const [left = "", expected] = line.split("→");
    const words = new Words(left);
    if (expected !== undefined) this.#command({ line, command: commandOf(words), expected });
    else if (words.takeFlag("expect")) this.#expect(words, line);
    else if (line.trim() !== "") this.#give(words);
    assert.deepEqual(words.takeAll(), [], `words that mean nothing: ${line}`);
  }

  #command(row: Row): void {
    this.#batch.push(row);
    if (this.#batch.length >= this.#batchMax) this.#flush();
  }

  #flush(): void {
    const rows = this.#batch.splice(0);
    const commands = rows.map((row) => row.command);
    const outcomes = this.#book.apply(commands, this.#policy).map(textOf);
    for (const [index, { line, expected }] of rows.entries()) {
      const actual = outcomes[index] ?? "nothing";
      const isExpected = `${actual} `.startsWith(`${expected.trim()} `);
      assert.ok(isExpected, `${line.trim()}, but was: ${actual}`);
    }
    assert.deepEqual(this.#book.drifts(), []);
  }

  #give(words: Words): void {
    this.#flush();
    words.takeFlag("given");
    const kind = words.take();
    const id = words.take();
    const book = this.#book;
    if (kind === "budget") book.budgets.set(id, budgetOf(id, words));
    else if (kind === "customer") book.customers.set(id, customerOf(id, words));
    else if (kind === "key") book.keys.set(id, keyOf(id, words));
    else if (kind === "default") this.#policy = { ...this.#policy, defaultCustomerBudgetId: id };
    else if (kind === "newcomers") this.#giveNewcomers(id);
    else if (kind === "unsettled")
      this.#policy = { ...this.#policy, unsettledCharge: id as UnsettledCharge };
    else assert.fail(`no such row: ${kind}`);
  }

  /** `refused`, or how many in a minute. */
  #giveNewcomers(word: string): void {
    const allowed = word !== "refused";
    const newCustomers = { allowed, perMinuteMax: allowed ? Number(word) : null };
    this.#policy = { ...this.#policy, newCustomers };
  }

  #expect(words: Words, line: string): void {
    this.#flush();
    const about = words.take();
    const { holds, postings, customers, events } = this.#book;
    const lists = {
      holds: [...holds.keys()],
      postings: [...postings.keys()],
      customers: [...customers.keys()],
      events: events.map(wordOf),
    };
    if (about in lists) assert.deepEqual(lists[about as keyof typeof lists], words.takeAll(), line);
    else this.#expectCounter(about, words, line);
  }

  /** `acme usd used 5 held 0`, `key k1 requests used 1 held 0`. */
  #expectCounter(about: string, words: Words, line: string): void {
    const at = words.takeTime("at") ?? 0;
    const isKey = about === "key";
    const scopeId = isKey ? words.take() : about;
    const { meter, model, period } = meterOf(words.take());
    const scope = { scope: isKey ? "key" : "customer", scopeId } as const;
    const key: CounterKey = { ...scope, meter, model: model ?? "", ...windowAt(period, at) };
    const { used, held } = this.#book.counter(key);
    assert.equal(`used ${used} held ${held}`, words.takeAll().join(" "), line);
  }
}

/** `customer.spend_tracked:9`, with what was charged or, of a limit, what is used. */
function wordOf({ type, data }: LedgerEvent): string {
  if ("charge" in data) return `${type}:${data.charge}`;
  return "used" in data ? `${type}:${data.used}` : type;
}

/** `held 60 out 0 left 40`, `posted 45 settled left 55`, `refused headroom_held customer acme usd left 40`. */
export function textOf(outcome: Outcome): string {
  if (outcome.kind === "written") return "written";
  if (outcome.kind === "refused") {
    const { refusal } = outcome;
    if (!("standing" in refusal)) return `refused ${refusal.name}`;
    const { scope, scopeId, meter } = refusal.standing;
    return `refused ${refusal.name} ${scope} ${scopeId} ${meter} left ${remaining(refusal.standing)}`;
  }
  const left = outcome.standing === null ? "any" : remaining(outcome.standing);
  if (outcome.kind === "posted") {
    return `posted ${outcome.posting.charge} ${outcome.posting.kind} left ${left}`;
  }
  if (outcome.kind === "admissible") {
    return `admissible ${outcome.ceiling} out ${outcome.outputTokens} left ${left}`;
  }
  const { ceiling, outputTokens } = outcome.hold;
  return `held ${ceiling} out ${outputTokens} left ${left}`;
}
