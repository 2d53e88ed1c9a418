/**
 * Customers and their budgets while a write of them is planned: one change after another, each on what those before it
 * left. A budget of one customer's own comes and goes with it; a tier is never changed from here.
 */

import { isDeepStrictEqual } from "node:util";
import type { Budget, Customer } from "../ledger/book.ts";
import type { Rewrite, Unstamped } from "../ledger/command.ts";
import type { Admin } from "./admin.ts";
import { NO_FACTS, type CustomerChange } from "./customer-fields.ts";
import { BUDGET_FIELDS, patchedBudget, type BudgetFields } from "./litellm-budget.ts";
import type { Plan, Stamp } from "./write.ts";

type CustomerRow = Unstamped<Customer>;
type BudgetRow = Unstamped<Budget>;

export class CustomerDraft {
  readonly #admin: Admin;
  readonly #stamp: Stamp;
  readonly #customers: Rewritten<Customer>;
  readonly #budgets: Rewritten<Budget>;
  /** Budgets that keys have, or that are the default: they outlive the customer that they were made for. */
  readonly #kept: ReadonlySet<string>;

  /** `linked`: the budgets that the customers may get. */
  static async read(
    admin: Admin,
    stamp: Stamp,
    ids: readonly string[],
    linked: readonly string[] = [],
  ): Promise<CustomerDraft> {
    const { read } = admin.ledger;
    const customers = await read.customers(ids);
    const budgetIds = [...new Set([...customers.flatMap((row) => row.budgetId ?? []), ...linked])];
    const [budgets, ofKeys] = await Promise.all([
      read.budgets(budgetIds),
      read.budgetsOfKeys(budgetIds),
    ]);
    return new CustomerDraft(admin, stamp, { customers, budgets, ofKeys });
  }

  private constructor(admin: Admin, stamp: Stamp, { customers, budgets, ofKeys }: AccountsRead) {
    this.#admin = admin;
    this.#stamp = stamp;
    this.#customers = new Rewritten(customers);
    this.#budgets = new Rewritten(budgets);
    this.#kept = new Set([...ofKeys, admin.policy.defaultCustomerBudgetId ?? ""]);
  }

  customer(id: string): CustomerRow | undefined {
    return this.#customers.get(id);
  }

  /** Of a customer that the plan made or found. */
  existing(id: string): CustomerRow {
    const customer = this.customer(id);
    if (customer === undefined) throw new Error("the plan has no such customer");
    return customer;
  }

  hasBudget(id: string): boolean {
    return this.#budgets.get(id) !== undefined;
  }

  /** The customer is made if it is missing. True if anything became different. */
  change(id: string, { facts, budget }: CustomerChange): boolean {
    const current = this.customer(id);
    const base = current ?? { id, ...NO_FACTS, budgetId: null, createdAt: this.#stamp.at };
    const budgets = this.#budgets.changes;
    const budgetId = this.#budgetAfter(base, budget);
    if (base.budgetId !== budgetId) this.#drop(base);
    const changed = { ...base, ...facts(base), budgetId };
    const isSame = isDeepStrictEqual(unstamped(current), unstamped(changed));
    if (!isSame) this.#customers.put(id, changed);
    return !isSame || this.#budgets.changes > budgets;
  }

  delete(id: string): void {
    const customer = this.customer(id);
    if (customer === undefined) return;
    this.#drop(customer);
    this.#customers.put(id, null);
  }

  rewrites(): Pick<Plan<unknown>, "customers" | "budgets"> {
    return { customers: this.#customers.rewrites(), budgets: this.#budgets.rewrites() };
  }

  #budgetAfter(customer: CustomerRow, change: CustomerChange["budget"]): string | null {
    switch (change.kind) {
      case "keep":
        return customer.budgetId;
      case "link":
        return this.#link(customer, change.id);
      case "patch":
        return this.#patch(customer, change.fields);
      case "replace":
        return this.#replace(customer, change.fields);
    }
  }

  /** What a second customer gets is nobody's own any more. Whether the budget exists is for the ledger to say. */
  #link(customer: CustomerRow, id: string): string {
    const budget = this.#budgets.get(id);
    if (budget !== undefined && budget.owner !== null && !isOwn(budget, customer))
      this.#share(budget);
    return id;
  }

  #patch(customer: CustomerRow, fields: BudgetFields): string | null {
    const current = this.#budgets.get(customer.budgetId ?? "");
    if (current === undefined) return this.#replace(customer, fields);
    const owner = ownerOf(customer);
    const copy = { ...current, id: this.#admin.newId(), owner, createdAt: this.#stamp.at };
    const base = isOwn(current, customer) ? current : copy;
    const patched = patchedBudget(fields, base, this.#origin(base.id), owner);
    // What changes nothing makes no copy of a tier.
    if (patched === null || patched === base) return current.id;
    this.#budgets.put(patched.id, patched);
    return patched.id;
  }

  /** The budget of its own that it has keeps its id, and goes on counting from where it does. */
  #replace(customer: CustomerRow, fields: BudgetFields): string | null {
    const owner = ownerOf(customer);
    const made = patchedBudget(fields, null, this.#origin(this.#admin.newId()), owner);
    if (made === null) return null;
    const current = this.#budgets.get(customer.budgetId ?? "");
    const own = current !== undefined && isOwn(current, customer) ? current : null;
    const replaced =
      own === null
        ? made
        : patchedBudget({ ...CLEARED, ...fields }, own, this.#origin(own.id), owner);
    if (replaced === null || replaced === own) return customer.budgetId;
    this.#budgets.put(replaced.id, replaced);
    return replaced.id;
  }

  #origin(id: string) {
    return { id, at: this.#stamp.at, place: this.#admin.place };
  }

  /** What nobody has any more goes with the customer that had it. */
  #drop(customer: CustomerRow): void {
    const budget = this.#budgets.get(customer.budgetId ?? "");
    if (budget === undefined || !isOwn(budget, customer)) return;
    if (this.#kept.has(budget.id)) this.#share(budget);
    else this.#budgets.put(budget.id, null);
  }

  #share(budget: BudgetRow): void {
    this.#budgets.put(budget.id, { ...budget, owner: null, updatedAt: this.#stamp.at });
  }
}

/** Every field of a budget, cleared. */
const CLEARED: BudgetFields = Object.fromEntries(
  Object.keys(BUDGET_FIELDS).map((name) => [name, null]),
);

interface AccountsRead {
  readonly customers: readonly Customer[];
  readonly budgets: readonly Budget[];
  readonly ofKeys: readonly string[];
}

/** Rows of one table as they were read, and what shall become of them. */
class Rewritten<Row extends { readonly id: string; readonly revision: string }> {
  readonly #read: ReadonlyMap<string, Row>;
  readonly #changed = new Map<string, Unstamped<Row> | null>();
  /** How often anything was put. */
  changes = 0;

  constructor(rows: readonly Row[]) {
    this.#read = new Map(rows.map((row) => [row.id, row]));
  }

  get(id: string): Unstamped<Row> | undefined {
    const changed = this.#changed.get(id);
    return changed === undefined ? this.#read.get(id) : (changed ?? undefined);
  }

  put(id: string, row: Unstamped<Row> | null): void {
    this.#changed.set(id, row);
    this.changes += 1;
  }

  /** What came and went within the plan was never there. */
  rewrites(): Rewrite<Row>[] {
    return [...this.#changed].flatMap(([id, row]) => {
      const revision = this.#read.get(id)?.revision ?? null;
      return row === null && revision === null ? [] : [{ id, revision, row }];
    });
  }
}

function ownerOf({ id }: CustomerRow) {
  return { scope: "customer", id } as const;
}

function isOwn({ owner }: BudgetRow, { id }: CustomerRow): boolean {
  return owner?.scope === "customer" && owner.id === id;
}

function unstamped(row: (CustomerRow & { readonly revision?: string }) | undefined): unknown {
  if (row === undefined) return undefined;
  const { revision: _, ...rest } = row;
  return rest;
}
