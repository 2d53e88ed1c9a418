/** A ledger in memory that hands `decide` what a database would: the rows within reach of the batch and no other. */

import assert from "node:assert/strict";
import { isDeepStrictEqual } from "node:util";

import type {
  Budget,
  Counter,
  CounterKey,
  Customer,
  Hold,
  Key,
  Move,
  Posting,
  RollupDelta,
} from "../../src/ledger/book.ts";
import type { LedgerEvent } from "../../src/ledger/event.ts";
import { counterName } from "../../src/ledger/book.ts";
import type { Command, Outcome, Policy } from "../../src/ledger/command.ts";
import { decide } from "../../src/ledger/decide.ts";
import { budgetIdsOf, countersOf, reachOf, type LockedAccounts } from "../../src/ledger/reach.ts";
import type { Changes, Decision, Rows } from "../../src/ledger/rows.ts";
import { nanoUsd } from "../../src/money/amount.ts";
import { USAGE_PARTS } from "../../src/money/usage.ts";
import { HOUR_MS } from "./ledger.ts";

export class Book {
  readonly customers = new Map<string, Customer>();
  readonly budgets = new Map<string, Budget>();
  readonly keys = new Map<string, Key>();
  readonly counters = new Map<string, Counter>();
  readonly holds = new Map<string, Hold>();
  readonly postings = new Map<string, Posting>();
  readonly rollups = new Map<string, RollupDelta>();
  readonly events: LedgerEvent[] = [];

  apply(commands: readonly Command[], policy: Policy): readonly Outcome[] {
    const { outcomes, changes } = this.decide(commands, policy);
    this.commit(changes);
    return outcomes;
  }

  decide(commands: readonly Command[], policy: Policy): Decision {
    const rows = this.#read(commands, policy);
    const decision = decide(rows, commands, policy);
    for (const counter of decision.changes.counters) rows.counters.get(counterName(counter));
    return decision;
  }

  commit(changes: Changes): void {
    for (const row of changes.customers) this.customers.set(row.id, row);
    for (const row of changes.budgets) this.budgets.set(row.id, row);
    for (const row of changes.keys) this.keys.set(row.hash, row);
    for (const id of changes.customersGone)
      assert.ok(this.customers.delete(id), `no customer ${id}`);
    for (const id of changes.budgetsGone) assert.ok(this.budgets.delete(id), `no budget ${id}`);
    for (const hash of changes.keysGone) assert.ok(this.keys.delete(hash), `no key ${hash}`);
    for (const row of changes.counters) this.counters.set(counterName(row), row);
    for (const row of changes.holdsOpened) insert(this.holds, row);
    for (const row of changes.holdsReplaced) {
      assert.ok(this.holds.has(row.id), `no hold ${row.id}`);
      this.holds.set(row.id, row);
    }
    for (const id of changes.holdsClosed) assert.ok(this.holds.delete(id), `no hold ${id}`);
    for (const row of changes.postings) insert(this.postings, row);
    for (const delta of changes.rollups) addRollup(this.rollups, delta);
    this.events.push(...changes.events);
  }

  counter(key: CounterKey): Counter {
    return this.counters.get(counterName(key)) ?? { ...key, used: 0n, held: 0n, peak: 0n, told: 0 };
  }

  /** Every total that differs from the sum of the rows that it summarises. */
  drifts(): string[] {
    const used = sums([...this.postings.values()].flatMap((posting) => posting.moves));
    const held = sums([...this.holds.values()].flatMap((hold) => hold.moves));
    const names = new Set([...this.counters.keys(), ...used.keys(), ...held.keys()]);
    const rollups = new Map<string, RollupDelta>();
    for (const posting of this.postings.values()) addRollup(rollups, summary(posting));
    return [
      ...[...names].filter((name) => {
        const row = this.counters.get(name) ?? { used: 0n, held: 0n };
        return row.used !== (used.get(name) ?? 0n) || row.held !== (held.get(name) ?? 0n);
      }),
      ...(isDeepStrictEqual(this.rollups, rollups) ? [] : ["rollups"]),
      ...[...this.holds.keys()].filter((id) => this.postings.has(id)),
    ];
  }

  #read(commands: readonly Command[], policy: Policy): Rows {
    const reach = reachOf(commands);
    const { locked, ...lists } = reach;
    for (const names of [...Object.values(lists), ...Object.values(locked ?? {})])
      assertSorted(names);
    const holds = within("hold", this.holds, reach.ids);
    const postings = within("posting", this.postings, reach.ids);
    const calls = [...holds.values(), ...postings.values()];
    const named = calls.flatMap((call) => call.customer ?? []);
    const customers = within("customer", this.customers, [...reach.customers, ...named]);
    const hashes = calls.map((call) => call.keyHash);
    const keys = within("key", this.keys, [...reach.keys, ...hashes]);
    const budgetIds = budgetIdsOf(commands, { customers, keys }, policy);
    assertSorted(budgetIds);
    const rows = {
      holds,
      postings,
      customers,
      keys,
      budgets: within("budget", this.budgets, budgetIds),
      budgetsInUse: this.#budgetsInUse(locked),
      aliases: this.#aliases(locked),
    };
    const names = countersOf(commands, rows, policy).map(counterName);
    assertSorted(names);
    return { ...rows, counters: within("counter", this.counters, names) };
  }

  #aliases(locked: LockedAccounts | null): ReadonlyMap<string, string> {
    const given = new Set(locked?.aliases);
    const keys = [...this.keys.values()].filter(({ alias }) => alias !== null && given.has(alias));
    return new Map(keys.map(({ alias, hash }) => [alias ?? "", hash]));
  }

  #budgetsInUse(locked: LockedAccounts | null): ReadonlySet<string> {
    if (locked === null) return new Set();
    const customers = [...this.customers.values()].filter(
      ({ id }) => !locked.customers.includes(id),
    );
    const keys = [...this.keys.values()].filter(({ hash }) => !locked.keys.includes(hash));
    const used = [
      ...customers.map(({ budgetId }) => budgetId),
      ...keys.flatMap(({ budgetId, customerBudgetId }) => [budgetId, customerBudgetId]),
    ];
    return new Set(locked.budgetsGone.filter((id) => used.includes(id)));
  }
}

/** Rows that were read; looking for any other is a mistake, because a database would not have locked it. */
class RowsRead<Row> extends Map<string, Row> {
  readonly #table: string;
  readonly #names: ReadonlySet<string>;

  constructor(table: string, names: ReadonlySet<string>) {
    super();
    this.#table = table;
    this.#names = names;
  }

  override get(name: string): Row | undefined {
    assert.ok(this.#names.has(name), `${this.#table} ${JSON.stringify(name)} is out of reach`);
    return super.get(name);
  }
}

function within<Row>(
  table: string,
  stored: ReadonlyMap<string, Row>,
  names: readonly string[],
): ReadonlyMap<string, Row> {
  const rows = new RowsRead<Row>(table, new Set(names));
  for (const name of names) {
    const row = stored.get(name);
    if (row !== undefined) rows.set(name, row);
  }
  return rows;
}

function insert<Row extends { readonly id: string }>(table: Map<string, Row>, row: Row): void {
  assert.ok(!table.has(row.id), `${row.id} is stored already`);
  table.set(row.id, row);
}

function assertSorted(names: readonly string[]): void {
  for (const [index, name] of names.entries()) {
    assert.ok(index === 0 || String(names[index - 1]) < name, `${name} is out of order or doubled`);
  }
}

function sums(moves: readonly Move[]): Map<string, bigint> {
  const totals = new Map<string, bigint>();
  for (const move of moves) {
    const name = counterName(move);
    totals.set(name, (totals.get(name) ?? 0n) + move.amount);
  }
  return totals;
}

function summary({ kind, at, customer, facts, ...posting }: Posting): RollupDelta {
  const calls = kind === "adjusted" || kind === "reset" ? 0 : 1;
  const { model, provider, route } = facts;
  const { keyHash, usage, cost, charge } = posting;
  return {
    hour: at - (at % HOUR_MS),
    customer: customer ?? "",
    keyHash,
    model,
    provider,
    route,
    calls,
    failures: kind === "settled" ? 0 : calls,
    usage,
    cost,
    charge,
  };
}

function addRollup(rollups: Map<string, RollupDelta>, delta: RollupDelta): void {
  const { hour, customer, keyHash, model, provider, route } = delta;
  const name = [hour, customer, keyHash, model, provider, route].join(" ");
  const row = rollups.get(name);
  const parts = USAGE_PARTS.map((part) => [
    part,
    (row?.usage[part] ?? 0) + (delta.usage[part] ?? 0),
  ]);
  rollups.set(name, {
    ...delta,
    calls: delta.calls + (row?.calls ?? 0),
    failures: delta.failures + (row?.failures ?? 0),
    usage: Object.fromEntries(parts),
    cost: nanoUsd(delta.cost + (row?.cost ?? 0n)),
    charge: nanoUsd(delta.charge + (row?.charge ?? 0n)),
  });
}
