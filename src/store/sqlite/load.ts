/** Reads the rows that a batch of commands touches, one by one: a point lookup costs a few microseconds. */

import { counterName, type Counter, type CounterKey, type Key } from "../../ledger/book.ts";
import type { Command, Policy } from "../../ledger/command.ts";
import { budgetIdsOf, countersOf, reachOf, type LockedAccounts } from "../../ledger/reach.ts";
import type { Rows } from "../../ledger/rows.ts";
import { budgetOf, customerOf, keyOf } from "../account-rows.ts";
import { holdOf, postingOf, type CounterRow } from "../rows.ts";
import type { Connection } from "./connection.ts";

const HOLD = "select * from holds where id = ?";
const POSTING = "select * from postings where id = ?";
const CUSTOMER = "select * from customers where id = ?";
const KEY = "select * from keys where hash = ?";
const BUDGET = "select * from budgets where id = ?";
const COUNTER = `
  select used, held, peak, told from counters where scope = ? and scope_id = ? and meter = ? and model = ?
  and window_start = ? and window_end = ?`;

/** Besides the customers and keys of the batch itself, whose rows are being written. */
const BUDGETS_IN_USE = `
  select value as id from json_each(?) where
    exists (select 1 from customers where budget_id = value and id not in (select value from json_each(?)))
    or exists (select 1 from keys where value in (budget_id, customer_budget_id)
      and hash not in (select value from json_each(?)))`;

const ALIAS = "select hash from keys where alias = ?";

export function load(connection: Connection, commands: readonly Command[], policy: Policy): Rows {
  const reach = reachOf(commands);
  const holds = lookUp(connection, HOLD, reach.ids, holdOf);
  const others = reach.ids.filter((id) => !holds.has(id));
  const postings = lookUp(connection, POSTING, others, postingOf);
  const calls = [...holds.values(), ...postings.values()];
  const callers = calls.flatMap(({ customer }) => (customer === null ? [] : [customer]));
  const hashes = calls.map(({ keyHash }) => keyHash);
  const customers = lookUp(connection, CUSTOMER, [...reach.customers, ...callers], customerOf);
  const keys = lookUp(connection, KEY, [...reach.keys, ...hashes], keyOf);
  const budgetIds = budgetIdsOf(commands, { customers, keys }, policy);
  const budgets = lookUp(connection, BUDGET, budgetIds, budgetOf);
  const budgetsInUse = lookUpUse(connection, reach.locked);
  const aliases = lookUpAliases(connection, reach.locked);
  const accounts = { holds, postings, customers, keys, budgets, budgetsInUse, aliases };
  const counters = lookUpCounters(connection, countersOf(commands, accounts, policy));
  return { ...accounts, counters };
}

function lookUp<T>(
  connection: Connection,
  text: string,
  values: readonly string[],
  decode: (row: never) => T,
): Map<string, T> {
  const found = new Map<string, T>();
  for (const value of new Set(values)) {
    const row = connection.find(text, value);
    if (row !== undefined) found.set(value, decode(row as never));
  }
  return found;
}

function lookUpUse(connection: Connection, locked: LockedAccounts | null): Set<string> {
  if (locked === null || locked.budgetsGone.length === 0) return new Set();
  const { budgetsGone, customers, keys } = locked;
  const lists = [budgetsGone, customers, keys].map((ids) => JSON.stringify(ids));
  return new Set(connection.run(BUDGETS_IN_USE, lists).map((row) => String(row["id"])));
}

function lookUpAliases(connection: Connection, locked: LockedAccounts | null): Map<string, string> {
  return lookUp(connection, ALIAS, locked?.aliases ?? [], ({ hash }: Pick<Key, "hash">) => hash);
}

function lookUpCounters(connection: Connection, keys: readonly CounterKey[]): Map<string, Counter> {
  const found = new Map<string, Counter>();
  for (const key of keys) {
    const { scope, scopeId, meter, model, start, end } = key;
    const row = connection.find(COUNTER, scope, scopeId, meter, model, start, end);
    if (row === undefined) continue;
    const { used, held, peak, told } = row as unknown as CounterRow;
    found.set(counterName(key), { ...key, used, held, peak, told: Number(told) });
  }
  return found;
}
