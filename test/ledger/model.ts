/**
 * A second ledger, to compare the first with: plain lists of open calls and of charges, added up anew for every
 * question. It shares no rule with src/ledger, so a mistake must be made twice to go unseen.
 */

import type { Budget, Customer, Key, Meter } from "../../src/ledger/book.ts";
import type { Adjust, Command, Policy, Write } from "../../src/ledger/command.ts";
import type { Quote, Reserve, Settle } from "../../src/ledger/command.ts";
import { customer as customerRow, HOUR_MS } from "../support/ledger.ts";

export interface World {
  readonly budgets: readonly Budget[];
  readonly customers: readonly Customer[];
  readonly keys: readonly Key[];
  readonly policy: Policy;
}

interface Call {
  readonly id: string;
  readonly at: number;
  readonly customer: string | null;
  readonly keyHash: string;
  readonly model: string;
}

/** A call in flight or a charge: how much it counts, and the names of all that it counts in. */
interface Line extends Call {
  readonly amounts: Readonly<Record<Meter, bigint>>;
  readonly countsIn: readonly string[];
}

interface OpenCall extends Line {
  readonly inputCeiling: bigint;
  readonly outputTokens: number;
}

interface Charge extends Line {
  readonly kind: string;
}

interface LimitInForce {
  readonly name: string;
  /** `customer acme`, `key k1`. */
  readonly owner: string;
  readonly meter: Meter;
  readonly cap: bigint;
  readonly isHard: boolean;
  readonly isSoft: boolean;
}

export class Model {
  readonly #policy: Policy;
  readonly #keys: readonly Key[];
  #budgets: readonly Budget[];
  #customers: readonly Customer[];
  #open: readonly OpenCall[] = [];
  #charges: readonly Charge[] = [];

  constructor({ budgets, customers, keys, policy }: World) {
    this.#budgets = budgets;
    this.#customers = customers;
    this.#keys = keys;
    this.#policy = policy;
  }

  /** The outcome in the words of test/support/table.ts. */
  apply(command: Command): string {
    switch (command.kind) {
      case "reserve":
        return this.#reserve(command);
      case "settle":
        return this.#settle(command);
      case "release":
        return this.#end(command, "released", () => 0n);
      case "expire":
        return this.#end(command, "unsettled", (call) => this.#estimateOf(call));
      case "adjust":
        return this.#adjust(command);
      case "write":
        return this.#write(command);
      case "check":
      case "reprice":
      case "reset":
        throw new Error(`no ${command.kind} is drawn`);
    }
  }

  #reserve(command: Reserve): string {
    const earlier = this.#open.find((call) => call.id === command.id);
    if (earlier !== undefined) return this.#held(earlier);
    const posted = this.#chargeOf(command.id);
    if (posted !== undefined) return this.#posted(posted, posted);
    const refusal = this.#refusalOfAccounts(command);
    if (refusal !== undefined) return `refused ${refusal}`;

    const { id, at, customer, quote } = command;
    const call = { id, at, customer, keyHash: command.key.hash, model: command.facts.model };
    const limits = this.#limitsOf(call);
    const strict = limits.filter((limit) => !limit.isSoft);
    const money = strict.filter((limit) => limit.meter === "usd");
    if (quote.price === null && money.length > 0) return "refused unpriced_model";
    const outputTokens = this.#longestAnswer(quote, money);
    const ceiling = ceilingOf(quote, outputTokens);
    const tooDear = money.find((limit) => !this.#fits(limit, ceiling));
    if (tooDear !== undefined) return this.#refusedForMoney(tooDear, quote);
    const tokens = BigInt(quote.inputTokens + quote.choices * outputTokens);
    const amounts = { usd: ceiling, tokens, requests: 1n, concurrency: 1n, customers: 1n };
    const tooMany = strict.find((limit) => !this.#fits(limit, amounts[limit.meter]));
    if (tooMany !== undefined) return `refused rate_limited ${this.#placeOf(tooMany)}`;

    this.#meet(customer, id);
    const bounds = { inputCeiling: nanoOf(quote.price?.inputPico ?? 0n), outputTokens };
    const opened = { ...call, ...bounds, amounts, countsIn: namesOf(call, limits) };
    this.#open = [...this.#open, opened];
    return this.#held(opened);
  }

  #settle(command: Settle): string {
    const { id, at, charge, usage } = command;
    const call = this.#open.find((open) => open.id === id);
    const tokens = BigInt((usage.input ?? 0) + (usage.output ?? 0));
    if (call !== undefined) return this.#close(call, { at, kind: "settled", usd: charge, tokens });
    const posted = this.#chargeOf(`${id}:late`) ?? this.#chargeOf(id);
    if (posted === undefined) return "refused unknown_hold";
    if (posted.kind !== "unsettled") return this.#posted(posted, posted);
    const usd = charge - posted.amounts.usd;
    const amounts = { usd, tokens, requests: 0n, concurrency: 0n, customers: 0n };
    return this.#post({ ...posted, id: `${id}:late`, at, kind: "adjusted", amounts }, posted);
  }

  #end(
    { id, at }: { readonly id: string; readonly at: number },
    kind: string,
    usdOf: (call: OpenCall) => bigint,
  ): string {
    const call = this.#open.find((open) => open.id === id);
    if (call !== undefined) return this.#close(call, { at, kind, usd: usdOf(call), tokens: 0n });
    const posted = this.#chargeOf(id);
    return posted === undefined ? "refused unknown_hold" : this.#posted(posted, posted);
  }

  #adjust({ id, at, customer, keyHash, amount }: Adjust): string {
    const posted = this.#chargeOf(id);
    if (posted !== undefined) return this.#posted(posted, posted);
    if (this.#customer(customer) === undefined) return "refused unknown_customer";
    const call = { id, at, customer, keyHash, model: "" };
    const countsIn = namesOf(call, this.#limitsOf(call));
    const amounts = { usd: amount, tokens: 0n, requests: 0n, concurrency: 0n, customers: 0n };
    return this.#post({ ...call, kind: "adjusted", amounts, countsIn }, call);
  }

  /** Of one new customer, as they are drawn. */
  #write({ id, customers, budgets }: Write): string {
    const [customer] = customers.flatMap(({ row }) => row ?? []);
    if (customer === undefined) throw new Error("no customer is drawn");
    const existing = this.#customer(customer.id);
    if (existing?.revision === id) return "written";
    if (existing !== undefined) return "refused changed";
    const made = budgets.flatMap(({ row }) => (row === null ? [] : [{ ...row, revision: id }]));
    const known = [...this.#budgets, ...made];
    const { budgetId } = customer;
    if (budgetId !== null && known.every((budget) => budget.id !== budgetId)) {
      return "refused unknown_budget";
    }
    this.#customers = [...this.#customers, { ...customer, revision: id }];
    this.#budgets = known;
    return "written";
  }

  #refusalOfAccounts({ key, customer, at }: Reserve): string | undefined {
    const row = this.#keys.find(({ hash }) => hash === key.hash);
    if (key.revision !== null && row?.revision !== key.revision) return "stale_key";
    if (key.revision !== null && row?.blocked === true) return "key_blocked";
    if (key.revision !== null && (row?.expiresAt ?? Infinity) <= at) return "key_expired";
    const stranger = customer !== null && this.#customer(customer) === undefined;
    if (stranger && !this.#policy.newCustomers.allowed) return "unknown_customer";
    return this.#customer(customer)?.blocked === true ? "customer_blocked" : undefined;
  }

  /** Tries every length, from the longest down. */
  #longestAnswer(quote: Quote, money: readonly LimitInForce[]): number {
    const hard = money.filter((limit) => limit.isHard);
    let outputTokens = quote.outputTokens;
    while (outputTokens > quote.outputTokensMin) {
      const ceiling = ceilingOf(quote, outputTokens);
      if (hard.every((limit) => this.#fits(limit, ceiling))) break;
      outputTokens -= 1;
    }
    return outputTokens;
  }

  #fits(limit: LimitInForce, amount: bigint): boolean {
    if (limit.meter === "usd" && amount === 0n) return true;
    const used = this.used(limit);
    const held = this.held(limit);
    if (used + held + amount <= limit.cap) return true;
    return !limit.isHard && held === 0n && used < limit.cap;
  }

  #refusedForMoney(limit: LimitInForce, quote: Quote): string {
    const used = this.used(limit);
    const least = ceilingOf(quote, quote.outputTokensMin);
    const fitsAlone = limit.isHard ? used + least <= limit.cap : used < limit.cap;
    return `refused ${fitsAlone ? "headroom_held" : "budget_exceeded"} ${this.#placeOf(limit)}`;
  }

  #placeOf(limit: LimitInForce): string {
    const left = limit.cap - this.used(limit) - this.held(limit);
    return `${limit.owner} ${limit.meter} left ${left}`;
  }

  #meet(id: string | null, revision: string): void {
    if (id === null || this.#customer(id) !== undefined) return;
    this.#customers = [...this.#customers, customerRow(id, { revision })];
  }

  #estimateOf(call: OpenCall): bigint {
    const { unsettledCharge } = this.#policy;
    if (unsettledCharge === "waive") return 0n;
    return unsettledCharge === "input" ? call.inputCeiling : call.amounts.usd;
  }

  #close(
    call: OpenCall,
    { at, kind, usd, tokens }: Pick<Charge, "at" | "kind"> & { usd: bigint; tokens: bigint },
  ): string {
    this.#open = this.#open.filter((open) => open !== call);
    const amounts = { usd, tokens, requests: 1n, concurrency: 0n, customers: 1n };
    return this.#post({ ...call, at, kind, amounts }, call);
  }

  #post(charge: Charge, shownFor: Call): string {
    this.#charges = [...this.#charges, charge];
    return this.#posted(charge, shownFor);
  }

  #held(call: OpenCall): string {
    return `held ${call.amounts.usd} out ${call.outputTokens} left ${this.#leastLeft(call)}`;
  }

  #posted({ kind, amounts }: Charge, shownFor: Call): string {
    return `posted ${amounts.usd} ${kind} left ${this.#leastLeft(shownFor)}`;
  }

  #leastLeft(call: Call): string {
    const left = this.#limitsOf(call)
      .filter((limit) => limit.owner === `customer ${call.customer}` && !limit.isSoft)
      .filter((limit) => limit.meter === "usd")
      .map((limit) => limit.cap - this.used(limit) - this.held(limit))
      .sort((a, b) => Number(a - b));
    return String(left[0] ?? "any");
  }

  #limitsOf(call: Call): LimitInForce[] {
    const key = this.#keys.find((row) => row.hash === call.keyHash);
    const ofKey = this.#limits(`key ${call.keyHash}`, this.#budget(key?.budgetId), call);
    if (call.customer === null) return ofKey;
    const { defaultCustomerBudgetId, fallbackCustomerBudget } = this.#policy;
    const budget =
      this.#budget(this.#customer(call.customer)?.budgetId) ??
      this.#budget(key?.customerBudgetId) ??
      this.#budget(defaultCustomerBudgetId) ??
      fallbackCustomerBudget;
    const ofCustomer = this.#limits(`customer ${call.customer}`, budget ?? undefined, call);
    return [...ofCustomer, ...ofKey, ...this.#newcomerLimits(call)];
  }

  #newcomerLimits({ customer, at }: Call): LimitInForce[] {
    const { perMinuteMax } = this.#policy.newCustomers;
    if (perMinuteMax === null || this.#customer(customer) !== undefined) return [];
    const name = `customers of minute ${Math.floor(at / 60_000)}`;
    const kind = { meter: "customers", isHard: true, isSoft: false } as const;
    return [{ name, owner: "global ", ...kind, cap: BigInt(perMinuteMax) }];
  }

  #budget(id: string | null | undefined): Budget | undefined {
    return this.#budgets.find((row) => row.id === id);
  }

  #limits(owner: string, budget: Budget | undefined, { model, at }: Call): LimitInForce[] {
    const limits = budget?.limits ?? [];
    return limits
      .filter((limit) => limit.model === null || limit.model === model)
      .map(({ meter, model, period, cap, soft }) => {
        const hours = period === null ? "ever" : `hour ${Math.floor(at / HOUR_MS)}`;
        const name = `${owner} ${meter} of ${model ?? "all"} ${hours}`;
        return {
          name,
          owner,
          meter,
          cap,
          isSoft: soft,
          isHard: budget?.enforcement === "hard" && meter !== "tokens",
        };
      });
  }

  #customer(id: string | null): Customer | undefined {
    return this.#customers.find((row) => row.id === id);
  }

  #chargeOf(id: string): Charge | undefined {
    return this.#charges.find((charge) => charge.id === id);
  }

  used(limit: Pick<LimitInForce, "name" | "meter">): bigint {
    return total(this.#charges, limit);
  }

  held(limit: Pick<LimitInForce, "name" | "meter">): bigint {
    return total(this.#open, limit);
  }
}

function total(
  lines: readonly Line[],
  { name, meter }: Pick<LimitInForce, "name" | "meter">,
): bigint {
  return lines
    .filter((line) => line.countsIn.includes(name))
    .reduce((sum, line) => sum + line.amounts[meter], 0n);
}

function namesOf(call: Call, limits: readonly LimitInForce[]): string[] {
  return [`customer ${call.customer} usd of all ever`, ...limits.map((limit) => limit.name)];
}

/** Whole nano-dollars, rounded up. */
export function ceilingOf({ price, choices }: Quote, outputTokens: number): bigint {
  if (price === null) return 0n;
  const output = price.outputRate * BigInt(choices) * BigInt(outputTokens);
  return nanoOf(price.inputPico + price.feesPico + output);
}

function nanoOf(pico: bigint): bigint {
  return (pico + 999n) / 1000n;
}
