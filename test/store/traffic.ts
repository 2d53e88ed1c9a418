/** Random commands from many callers at once, on few customers, so that they get in each other's way. */

import type { Command, Outcome } from "../../src/ledger/command.ts";
import type { LedgerStore } from "../../src/ledger/store.ts";
import * as ledger from "../support/ledger.ts";
import type { Dice } from "../support/seed.ts";

const CUSTOMERS = ["ann", "bob", "cid", "dan"];
const COMMANDS_MAX = 6;

/** Every meter, so that each call moves several counters. */
export const CROWDED_BUDGET = ledger.budget("default", [
  ledger.limit("usd", 400),
  ledger.limit("usd", 90, { period: ledger.HOURLY }),
  ledger.limit("tokens", 300, { period: ledger.HOURLY }),
  ledger.limit("requests", 40, { period: ledger.HOURLY }),
  ledger.limit("concurrency", 6),
]);

export class Traffic {
  readonly #dice: Dice;
  readonly #name: string;
  #commands = 0;
  #held: string[] = [];

  /** `name` keeps the ids of one run apart from those of another. */
  constructor(dice: Dice, name: string) {
    this.#dice = dice;
    this.#name = name;
  }

  /** Each caller applies so many batches, one after the other, each through any of the stores. */
  async run(stores: readonly LedgerStore[], callers: number, batches: number): Promise<void> {
    const call = async (): Promise<void> => {
      for (let batch = 0; batch < batches; batch += 1) {
        const size = 1 + this.#dice.roll(COMMANDS_MAX);
        const commands = Array.from({ length: size }, () => this.#command());
        this.#note(await this.#dice.pick(stores).apply(commands));
      }
    };
    await Promise.all(Array.from({ length: callers }, call));
  }

  /** Ends are for any call that was ever admitted, so many come twice, and from several instances. */
  #command(): Command {
    this.#commands += 1;
    const id = `${this.#name}-${String(this.#commands)}`;
    const at = this.#dice.roll(3) * ledger.HOUR_MS;
    const customer = this.#dice.pick(CUSTOMERS);
    const sort = this.#dice.roll(20);
    if (sort === 0) return ledger.createCustomer(id, { id: customer, createdAt: at });
    if (sort === 1) return ledger.adjust(id, this.#dice.roll(9) - 4, { at, customer });
    if (sort < 11 || this.#held.length === 0) {
      const quote = ledger.quote(1 + this.#dice.roll(9), this.#dice.roll(9));
      return ledger.reserve(id, { at, customer, quote });
    }
    return this.#end(this.#dice.pick(this.#held), at);
  }

  #end(id: string, at: number): Command {
    const sort = this.#dice.roll(4);
    if (sort === 0) return ledger.release(id, at);
    if (sort === 1) return ledger.expire(id, at);
    return ledger.settle(id, this.#dice.roll(2), { at, usage: { output: this.#dice.roll(9) } });
  }

  #note(outcomes: readonly Outcome[]): void {
    const held = outcomes.flatMap((outcome) => (outcome.kind === "held" ? [outcome.hold.id] : []));
    this.#held.push(...held);
  }
}
