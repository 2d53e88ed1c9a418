/** What customers are, as the documentation says and nothing else: what `info` is held against. */

export interface Terms {
  readonly max_budget: number | null;
  readonly budget_duration: string | null;
  readonly tpm_limit: number | null;
  readonly rpm_limit: number | null;
}

/** A budget; `owner` is the one customer that it was made for, null where it is a tier. */
interface ModelBudget {
  id: string | undefined;
  owner: string | null;
  terms: Terms;
}

interface ModelCustomer {
  readonly alias: string | null;
  readonly blocked: boolean;
  readonly models: readonly string[];
  readonly region: string | null;
  readonly defaultModel: string | null;
  readonly budget: ModelBudget | null;
}

export type Fields = {
  readonly alias?: string | null;
  readonly blocked?: boolean | null;
  readonly models?: readonly string[] | null;
  readonly allowed_model_region?: string | null;
  readonly default_model?: string | null;
  readonly budget_id?: string | null;
} & Partial<Terms>;

const TERM_NAMES = ["max_budget", "budget_duration", "tpm_limit", "rpm_limit"] as const;
const NO_TERMS: Terms = {
  max_budget: null,
  budget_duration: null,
  tpm_limit: null,
  rpm_limit: null,
};
const BARE: ModelCustomer = {
  alias: null,
  blocked: false,
  models: [],
  region: null,
  defaultModel: null,
  budget: null,
};
const LIFETIME = "lifetime";

export class CustomerModel {
  readonly #customers = new Map<string, ModelCustomer>();
  readonly #budgets: ModelBudget[];
  /** Nano-dollars by customer and window. They outlive the customer. */
  readonly #spent = new Map<string, Map<string, bigint>>();

  constructor(tiers: readonly { readonly id: string; readonly terms: Terms }[]) {
    this.#budgets = tiers.map((tier) => ({ ...tier, owner: null }));
  }

  /** Each answers the status that the route must. */
  create(id: string, fields: Fields, spend: bigint): number {
    const fault = this.#fault(fields);
    if (fault !== undefined && fault !== 404) return fault;
    if (this.#customers.has(id)) return 400;
    if (fault !== undefined) return fault;
    this.#set(id, patched(BARE, fields), this.#afresh(id, null, fields));
    if (spend !== 0n) this.#charge(id, spend, [LIFETIME, this.#window(id)]);
    return 200;
  }

  put(id: string, fields: Fields): number {
    const fault = this.#fault(fields);
    if (fault !== undefined) return fault;
    const before = this.#customers.get(id)?.budget ?? null;
    this.#set(id, patched(BARE, fields), this.#afresh(id, before, fields));
    return 200;
  }

  update(id: string, fields: Fields): number {
    const fault = this.#fault(fields);
    if (fault !== undefined && fault !== 404) return fault;
    const customer = this.#customers.get(id);
    if (customer === undefined || fault !== undefined) return 404;
    const isWhole = fields.budget_id !== undefined || customer.budget === null;
    const budget = isWhole
      ? this.#afresh(id, customer.budget, fields)
      : this.#changed(id, customer.budget, fields);
    const isNamed = fields.budget_id !== undefined || TERM_NAMES.some((name) => name in fields);
    this.#set(id, patched(customer, fields), isNamed ? budget : customer.budget);
    return 200;
  }

  setBlocked(ids: readonly string[], blocked: boolean): number {
    for (const id of ids) {
      const customer = this.#customers.get(id) ?? (blocked ? BARE : undefined);
      if (customer !== undefined) this.#customers.set(id, { ...customer, blocked });
    }
    return 200;
  }

  delete(ids: readonly string[]): number {
    if (!ids.every((id) => this.#customers.has(id))) return 404;
    for (const id of ids) {
      this.#drop(id, this.#customers.get(id)?.budget ?? null);
      this.#customers.delete(id);
    }
    return 200;
  }

  adjust(id: string, amount: bigint): number {
    if (!this.#customers.has(id)) return 404;
    const touched = [...this.#windows(id)].filter(([, spent]) => spent !== 0n);
    this.#charge(id, amount, [LIFETIME, this.#window(id), ...touched.map(([window]) => window)]);
    return 200;
  }

  reset(id: string): number {
    if (!this.#customers.has(id)) return 404;
    this.#spent.delete(id);
    return 200;
  }

  /** Undefined where there is no such customer. `budget_id` as `sawBudget` was told. */
  info(id: string): Record<string, unknown> | undefined {
    const customer = this.#customers.get(id);
    if (customer === undefined) return undefined;
    const { alias, blocked, models, region, defaultModel, budget } = customer;
    return {
      user_id: id,
      alias,
      blocked,
      allowed_model_region: region,
      default_model: defaultModel,
      ...(models.length === 0 ? {} : { models }),
      spend: Number(this.#windows(id).get(this.#window(id)) ?? 0n) / 1e9,
      ...(budget === null ? {} : { budget_id: budget.id }),
      terms: budget?.terms ?? null,
    };
  }

  /** A budget keeps the id that it was first seen with. */
  sawBudget(customer: string, id: string): void {
    const budget = this.#customers.get(customer)?.budget ?? null;
    if (budget !== null) budget.id ??= id;
  }

  budgetOf(id: string): string | undefined {
    return this.#customers.get(id)?.budget?.id;
  }

  /** Of the budgets that there are. */
  get budgetIds(): string[] {
    return this.#budgets.flatMap(({ id }) => id ?? []).toSorted();
  }

  #fault(fields: Fields): number | undefined {
    const isLinked = typeof fields.budget_id === "string";
    if (isLinked && TERM_NAMES.some((name) => (fields[name] ?? null) !== null)) return 422;
    const isKnown = this.#budgets.some(({ id }) => id === fields.budget_id);
    return isLinked && !isKnown ? 404 : undefined;
  }

  /** Whatever it had before. */
  #afresh(id: string, before: ModelBudget | null, fields: Fields): ModelBudget | null {
    if (typeof fields.budget_id === "string") return this.#linked(id, fields.budget_id);
    const terms = merged(NO_TERMS, fields);
    if (TERM_NAMES.every((name) => terms[name] === null)) return null;
    if (before?.owner !== id) return this.#made(id, terms);
    before.terms = terms;
    return before;
  }

  #changed(id: string, before: ModelBudget | null, fields: Fields): ModelBudget | null {
    if (before === null) return null;
    const terms = merged(before.terms, fields);
    if (TERM_NAMES.every((name) => terms[name] === before.terms[name])) return before;
    if (before.owner !== id) return this.#made(id, terms);
    before.terms = terms;
    return before;
  }

  #linked(id: string, budgetId: string): ModelBudget | null {
    const budget = this.#budgets.find((each) => each.id === budgetId) ?? null;
    if (budget !== null && budget.owner !== id) budget.owner = null;
    return budget;
  }

  #made(owner: string, terms: Terms): ModelBudget {
    const budget = { id: undefined, owner, terms };
    this.#budgets.push(budget);
    return budget;
  }

  #set(id: string, customer: ModelCustomer, budget: ModelBudget | null): void {
    const before = this.#customers.get(id)?.budget ?? null;
    this.#customers.set(id, { ...customer, budget });
    if (before !== budget) this.#drop(id, before);
  }

  #drop(id: string, budget: ModelBudget | null): void {
    if (budget?.owner === id) this.#budgets.splice(this.#budgets.indexOf(budget), 1);
  }

  /** The one whose spend `info` shows. */
  #window(id: string): string {
    const terms = this.#customers.get(id)?.budget?.terms ?? NO_TERMS;
    return (terms.max_budget === null ? null : terms.budget_duration) ?? LIFETIME;
  }

  #windows(id: string): Map<string, bigint> {
    const windows = this.#spent.get(id) ?? new Map<string, bigint>();
    this.#spent.set(id, windows);
    return windows;
  }

  #charge(id: string, amount: bigint, windows: readonly string[]): void {
    const spent = this.#windows(id);
    for (const window of new Set(windows)) spent.set(window, (spent.get(window) ?? 0n) + amount);
  }
}

function patched(customer: ModelCustomer, fields: Fields): ModelCustomer {
  return {
    alias: fields.alias === undefined ? customer.alias : fields.alias,
    blocked: fields.blocked === undefined ? customer.blocked : (fields.blocked ?? false),
    models: fields.models === undefined ? customer.models : (fields.models ?? []),
    region:
      fields.allowed_model_region === undefined ? customer.region : fields.allowed_model_region,
    defaultModel: fields.default_model === undefined ? customer.defaultModel : fields.default_model,
    budget: customer.budget,
  };
}

function merged(terms: Terms, fields: Fields): Terms {
  const named = TERM_NAMES.filter((name) => fields[name] !== undefined);
  return { ...terms, ...Object.fromEntries(named.map((name) => [name, fields[name]])) };
}
