/**
 * A fleet in miniature, in which anything may stop between any two steps. Its instances share one book. Every call
 * reserves, is forwarded, may fail and be tried again, settles and is answered; the dice decide who takes the next step
 * and what breaks.
 */

import assert from "node:assert/strict";

import type { FailedAttempt, Hold } from "../../src/ledger/book.ts";
import type { Command, Held, Outcome, Policy, Reserve, Settle } from "../../src/ledger/command.ts";
import { nanoUsd } from "../../src/money/amount.ts";
import type { Usage } from "../../src/money/usage.ts";
import { Book } from "../support/book.ts";
import * as ledger from "../support/ledger.ts";
import type { Dice } from "../support/seed.ts";

const STEPS = 400;
const INSTANCES = ["i1", "i2", "i3"];
/** `dora` is not known before her first call. */
const CUSTOMERS = ["acme", "bert", "carl", "dora"];

/** Yields each command that has to be durable before it goes on, and `null` wherever else it may be stopped. */
type Work = Generator<Command | null, void, Outcome | null>;

interface Task {
  readonly work: Work;
  /** What it waits for, if anything, and the answer once it is seen. */
  command: Command | null;
  outcome: Outcome | null;
}

interface Instance {
  readonly name: string;
  /** A restarted instance is another one to the ledger. */
  starts: number;
  isUp: boolean;
  /** In memory: a crash ends them. */
  tasks: Task[];
  /** On disk: settles of answered calls that could not reach the ledger. */
  readonly spool: Map<string, Settle>;
}

interface Attempted {
  readonly attempts: readonly FailedAttempt[];
}

/** How often what happened. */
export type Tally = Map<string, number>;

export class Simulation {
  readonly book = new Book();
  /** What the provider billed, by call, with all of its attempts. */
  readonly billed = new Map<string, Usage>();
  /** Calls whose client has the last byte. */
  readonly answered = new Set<string>();
  readonly tally: Tally;
  readonly #dice: Dice;
  readonly #policy: Policy;
  readonly #instances: readonly Instance[];
  /** Calls and how often each had been tried before. */
  readonly #forwarded = new Set<string>();
  readonly #tookEffect: Command[] = [];
  #calls = 0;
  #now = 0;

  constructor(dice: Dice, tally: Tally) {
    this.#dice = dice;
    this.tally = tally;
    const unsettledCharge = dice.pick(["waive", "input", "ceiling"] as const);
    this.#policy = { ...ledger.POLICY, unsettledCharge, defaultCustomerBudgetId: "default" };
    this.#instances = INSTANCES.map((name) => ({
      name,
      starts: 1,
      isUp: true,
      tasks: [],
      spool: new Map<string, Settle>(),
    }));
    openAccounts(this.book, dice);
  }

  /** Some time of trouble, and then what it takes for every call to have ended. */
  run(): void {
    for (let step = 0; step < STEPS; step += 1) this.#step();
    this.#comeToRest();
  }

  #step(): void {
    this.#now += this.#dice.roll(60_000);
    const up = this.#instances.filter((instance) => instance.isUp);
    const down = this.#instances.filter((instance) => !instance.isUp);
    const roll = this.#dice.roll(100);
    const isStart = up.length === 0 || (down.length > 0 && roll >= 92);
    if (isStart) return this.#start(this.#dice.pick(down));
    const instance = this.#dice.pick(up);
    if (roll < 16) this.#begin(instance, this.#call(instance));
    else if (roll < 56) this.#advance(instance);
    else if (roll < 85) this.#commit(instance);
    else if (roll < 87) this.#crash(instance);
    else if (roll < 89) this.#begin(instance, this.#expireOrphans());
    else if (roll < 90) this.#suspect(instance, this.#dice.pick(up));
    else if (roll < 93) this.#begin(instance, this.#drain(instance));
    else this.#repeat();
  }

  *#call(instance: Instance): Work {
    this.#calls += 1;
    const id = `call${this.#calls}`;
    const keys = [ledger.MASTER_KEY, { hash: "k1", revision: "r1" }];
    const by = { customer: this.#dice.pick(CUSTOMERS), key: this.#dice.pick(keys) };
    const attempts: FailedAttempt[] = [];
    for (;;) {
      const reserved = yield this.#reserve(id, instance, { ...by, attempts: [...attempts] });
      const isRefused = reserved?.kind === "refused";
      this.count(isRefused ? reserved.refusal.name : `reserve ${reserved?.kind}`);
      if (attempts.length > 0) this.count(`another attempt ${reserved?.kind}`);
      if (isRefused && attempts.length > 0) break;
      // Not held, but posted: it was taken for dead and expired before it saw the answer.
      if (reserved?.kind !== "held") return;
      yield null;
      const usage = this.#forward(reserved.hold, attempts);
      yield null;
      if (usage !== null && this.#dice.chance(0.8)) {
        yield* this.#settle(id, instance);
        this.count("answered");
        this.answered.add(id);
        return;
      }
      attempts.push(failedAttempt(usage));
      if (this.#dice.chance(0.3)) break;
    }
    yield* this.#settle(id, instance);
  }

  /** All that the provider billed is charged, whether there was an answer or not. */
  *#settle(id: string, instance: Instance): Work {
    const usage = this.billed.get(id);
    const end =
      usage === undefined
        ? ledger.release(id, this.#now)
        : ledger.settle(id, chargeOf(usage), { at: this.#now, usage });
    if (end.kind === "settle" && this.#dice.chance(0.1)) instance.spool.set(id, end);
    else yield end;
  }

  #reserve(
    id: string,
    instance: Instance,
    { customer, key, attempts }: Pick<Reserve, "customer" | "key"> & Attempted,
  ): Command {
    const dice = this.#dice;
    return ledger.reserve(id, {
      at: this.#now,
      instance: idOf(instance),
      customer,
      key,
      facts: ledger.facts(attempts.length === 0 ? {} : { attempts }),
      quote: ledger.quote(dice.roll(20), 1 + dice.roll(60), { outputTokensMin: 1 }),
    });
  }

  /** Null if the provider fails, and bills nothing. */
  #forward({ id, ceiling, outputTokens }: Held, attempts: readonly FailedAttempt[]): Usage | null {
    const name = `${id} ${String(attempts.length)}`;
    assert.ok(!this.#forwarded.has(name), `${name} was forwarded twice`);
    this.#forwarded.add(name);
    if (this.#dice.chance(0.1)) return null;
    // A token of either kind costs one nano-dollar here, so the ceiling is the bound of both and of what is spent.
    const { input: read = 0, output: written = 0 } = this.billed.get(id) ?? {};
    const inputMax = Number(ceiling) - read - written - outputTokens;
    const usage = {
      input: this.#dice.roll(inputMax + 1),
      output: this.#dice.roll(outputTokens + 1),
    };
    this.billed.set(id, { input: read + usage.input, output: written + usage.output });
    return usage;
  }

  #expireOrphans(): Work {
    return this.#expire((hold) => !this.#isAlive(hold));
  }

  *#expire(isMeant: (hold: Hold) => boolean): Work {
    for (const hold of [...this.book.holds.values()].filter(isMeant)) {
      yield ledger.expire(hold.id, this.#now);
    }
  }

  *#drain(instance: Instance): Work {
    for (const settle of instance.spool.values()) {
      yield settle;
      instance.spool.delete(settle.id);
    }
  }

  /** An instance that is only slow loses its holds to another. */
  #suspect(instance: Instance, victim: Instance): void {
    this.count("suspect");
    this.#begin(
      instance,
      this.#expire((hold) => hold.instance === idOf(victim)),
    );
  }

  #begin(instance: Instance, work: Work): void {
    instance.tasks.push({ work, command: null, outcome: null });
  }

  /** One task takes its next step, if it waits for nothing. */
  #advance(instance: Instance): void {
    const ready = instance.tasks.filter((task) => task.command === null || task.outcome !== null);
    if (ready.length > 0) resume(instance, this.#dice.pick(ready));
  }

  /** One transaction for all that wait, unless the connection breaks before it, or before its answer. */
  #commit(instance: Instance, isSafe = false): void {
    const waiting = instance.tasks.filter((task) => task.command !== null && task.outcome === null);
    const commands = waiting.flatMap((task) => task.command ?? []);
    if (!isSafe && this.#dice.chance(0.1)) return this.count("lost before the commit");
    const outcomes = this.book.apply(commands, this.#policy);
    const effective = commands.filter((_, index) => outcomes[index]?.kind !== "refused");
    this.#tookEffect.push(...effective);
    if (!isSafe && this.#dice.chance(0.1)) return this.count("lost after the commit");
    for (const [index, task] of waiting.entries()) task.outcome = outcomes[index] ?? null;
  }

  /** A command that took effect arrives once more, much later. */
  #repeat(): void {
    if (this.#tookEffect.length === 0) return;
    this.count("repeat");
    const { changes } = this.book.decide([this.#dice.pick(this.#tookEffect)], this.#policy);
    for (const [table, rows] of Object.entries(changes)) assert.deepEqual(rows, [], table);
  }

  #crash(instance: Instance): void {
    this.count("crash");
    instance.isUp = false;
    instance.tasks = [];
  }

  #start(instance: Instance): void {
    instance.isUp = true;
    instance.starts += 1;
    this.#begin(instance, this.#drain(instance));
    this.#begin(instance, this.#expireOrphans());
  }

  /** Everyone is back, every call ends, every spool is replayed, and every orphan that is left expires. */
  #comeToRest(): void {
    for (const instance of this.#instances) if (!instance.isUp) this.#start(instance);
    this.#finish();
    for (const instance of this.#instances) this.#begin(instance, this.#drain(instance));
    this.#finish();
    for (const instance of this.#instances) this.#begin(instance, this.#expireOrphans());
    this.#finish();
  }

  #finish(): void {
    for (;;) {
      const busy = this.#instances.filter((instance) => instance.tasks.length > 0);
      if (busy.length === 0) return;
      const instance = this.#dice.pick(busy);
      this.#commit(instance, true);
      this.#advance(instance);
    }
  }

  #isAlive(hold: Hold): boolean {
    return this.#instances.some((instance) => instance.isUp && idOf(instance) === hold.instance);
  }

  count(what: string): void {
    this.tally.set(what, (this.tally.get(what) ?? 0) + 1);
  }
}

/** Every budget is hard. A customer's and a key's; for ever, by the hour and for counts; shared and by default. */
function openAccounts(book: Book, dice: Dice): void {
  const { limit, HOURLY } = ledger;
  const cap = (): number => 100 + dice.roll(500);
  const budgets = [
    ledger.budget("total", [limit("usd", cap())]),
    ledger.budget("hourly", [limit("usd", cap(), { period: HOURLY }), limit("usd", 3 * cap())]),
    ledger.budget("counts", [limit("usd", cap()), limit("concurrency", 2), limit("tokens", cap())]),
    ledger.budget("default", [limit("usd", cap()), limit("requests", 5, { period: HOURLY })]),
    ledger.budget("key", [limit("usd", 4 * cap()), limit("usd", 2 * cap(), { model: "m1" })]),
  ];
  for (const budget of budgets) book.budgets.set(budget.id, budget);
  for (const [id, budgetId] of [
    ["acme", "total"],
    ["bert", "hourly"],
    ["carl", "counts"],
  ] as const) {
    book.customers.set(id, ledger.customer(id, { budgetId }));
  }
  book.keys.set("k1", ledger.key("k1", { budgetId: "key" }));
}

function resume(instance: Instance, task: Task): void {
  const { done, value } = task.work.next(task.outcome);
  task.command = value ?? null;
  task.outcome = null;
  if (done === true) instance.tasks.splice(instance.tasks.indexOf(task), 1);
}

function idOf({ name, starts }: Instance): string {
  return `${name}.${starts}`;
}

function failedAttempt(usage: Usage | null): FailedAttempt {
  const failed = { model: "m1", deployment: "d1", failure: "broke_off" };
  if (usage === null) return failed;
  const cost = nanoUsd(BigInt(chargeOf(usage)));
  return { ...failed, billed: { cost, usage, source: "provider", unpriced: [] } };
}

/** A nano-dollar a token, as quoted. */
export function chargeOf({ input = 0, output = 0 }: Usage): number {
  return input + output;
}
