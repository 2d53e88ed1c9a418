/** Reads the rows that a batch of commands touches, one by one: a point lookup costs a few microseconds. */

import { counterName, type Counter, type CounterKey } from "../../ledger/book.ts";
import type { Command, Policy } from "../../ledger/command.ts";
import { budgetIdsOf, countersOf, reachOf } from "../../ledger/reach.ts";
import type { Rows } from "../../ledger/rows.ts";
import { budgetOf, customerOf, holdOf, keyOf, postingOf, type CounterRow } from "../rows.ts";
import type { Connection } from "./connection.ts";

const HOLD = "select * from holds where id = ?";
const POSTING = "select * from postings where id = ?";
const CUSTOMER = "select * from customers where id = ?";
const KEY = "select * from keys where hash = ?";
const BUDGET = "select * from budgets where id = ?";
const COUNTER = `
  select used, held from counters where scope = ? and scope_id = ? and meter = ? and model = ?
  and window_start = ? and window_end = ?`;

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
  const accounts = { holds, postings, customers, keys, budgets };
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

function lookUpCounters(connection: Connection, keys: readonly CounterKey[]): Map<string, Counter> {
  const found = new Map<string, Counter>();
  for (const key of keys) {
    const { scope, scopeId, meter, model, start, end } = key;
    const row = connection.find(COUNTER, scope, scopeId, meter, model, start, end);
    if (row === undefined) continue;
    const { used, held } = row as unknown as CounterRow;
    found.set(counterName(key), { ...key, used, held });
  }
  return found;
}
