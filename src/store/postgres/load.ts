/** Reads the rows that a batch of commands touches, and locks those that it moves. */

import { counterName, type Budget, type Counter, type CounterKey } from "../../ledger/book.ts";
import type { Command, Policy } from "../../ledger/command.ts";
import { budgetIdsOf, reachOf, type LockedAccounts } from "../../ledger/reach.ts";
import type { Rows } from "../../ledger/rows.ts";
import { budgetOf, customerOf, keyOf } from "../account-rows.ts";
import { counterOf, holdOf, postingOf, type Row } from "../rows.ts";
import { COUNTERS } from "../tables.ts";
import { arrayOf } from "./array.ts";
import type { Client } from "./client.ts";

export type Accounts = Omit<Rows, "counters">;

const HOLDS = "select * from holds where id = any($1::text[]) order by id for update";
const POSTINGS = "select * from postings where id = any($1::text[])";
const CUSTOMERS = `select * from customers where id = any(${besides("$1", "customer", "$2")})`;
const KEYS = `select * from keys where hash = any(${besides("$1", "key_hash", "$2")})`;
const BUDGETS = "select * from budgets where id = any($1::text[])";

/** The budgets of those customers and keys, without waiting for either. */
const BUDGETS_OF = `
  select * from budgets where id = any($4::text[] || array(
    select budget_id from customers where id = any(${besides("$1", "customer", "$3")}) union all
    select unnest(array[budget_id, customer_budget_id]) from keys
    where hash = any(${besides("$2", "key_hash", "$3")})))`;

export async function loadAccounts(
  client: Client,
  commands: readonly Command[],
  policy: Policy,
): Promise<Accounts> {
  const reach = reachOf(commands);
  const ids = arrayOf(reach.ids);
  const names = arrayOf(reach.customers);
  const hashes = arrayOf(reach.keys);
  const defaults = arrayOf([policy.defaultCustomerBudgetId]);
  const [, holds, postings, customers, keys, budgets, inUse, aliases] = await Promise.all([
    lockAccounts(client, reach.locked),
    // Before the postings: whoever held the lock on one of these has by then either kept the hold or posted it.
    client.run(HOLDS, [ids]),
    client.run(POSTINGS, [ids]),
    client.run(CUSTOMERS, [names, ids]),
    client.run(KEYS, [hashes, ids]),
    client.run(BUDGETS_OF, [names, hashes, ids, defaults]),
    budgetsInUse(client, reach.locked),
    aliasesOf(client, reach.locked),
  ]);
  const accounts = {
    holds: keyed(holds, holdOf, ({ id }) => id),
    postings: keyed(postings, postingOf, ({ id }) => id),
    customers: keyed(customers, customerOf, ({ id }) => id),
    keys: keyed(keys, keyOf, ({ hash }) => hash),
    budgets: keyed(budgets, budgetOf, ({ id }) => id),
    budgetsInUse: new Set(inUse.map((row) => String(row["id"]))),
    aliases: new Map(aliases.map((row) => [String(row["alias"]), String(row["hash"])])),
  };
  const missing = budgetIdsOf(commands, accounts, policy).filter((id) => !accounts.budgets.has(id));
  const others = await budgetsOf(client, missing);
  return { ...accounts, budgets: new Map([...accounts.budgets, ...others]) };
}

const LOCK_CUSTOMERS = "select 1 from customers where id = any($1::text[]) order by id for update";
const LOCK_BUDGETS = "select 1 from budgets where id = any($1::text[]) order by id for update";
const LOCK_KEYS = "select 1 from keys where hash = any($1::text[]) order by hash for update";

/**
 * Before anything is read: what an administrator writes must not change until it is written, and a budget that is
 * given to somebody must not be deleted meanwhile.
 */
async function lockAccounts(client: Client, locked: LockedAccounts | null): Promise<void> {
  if (locked === null) return;
  await Promise.all([
    client.run(LOCK_CUSTOMERS, [arrayOf(locked.customers)]),
    client.run(LOCK_BUDGETS, [arrayOf(locked.budgets)]),
    client.run(LOCK_KEYS, [arrayOf(locked.keys)]),
  ]);
}

/** Besides the customers and keys of the batch itself, whose rows are being written. */
const BUDGETS_IN_USE = `
  select budget_id as id from customers
  where budget_id = any($1::text[]) and id <> all($2::text[])
  union select unnest(array[budget_id, customer_budget_id]) from keys
  where (budget_id = any($1::text[]) or customer_budget_id = any($1::text[]))
    and hash <> all($3::text[])`;

async function budgetsInUse(
  client: Client,
  locked: LockedAccounts | null,
): Promise<readonly Row[]> {
  if (locked === null || locked.budgetsGone.length === 0) return [];
  const { budgetsGone, customers, keys } = locked;
  return client.run(BUDGETS_IN_USE, [budgetsGone, customers, keys].map(arrayOf));
}

/** Two instances may give one alias at once; the index lets one of them, and the other is decided anew. */
async function aliasesOf(client: Client, locked: LockedAccounts | null): Promise<readonly Row[]> {
  if (locked === null || locked.aliases.length === 0) return [];
  return client.run(ALIASES, [arrayOf(locked.aliases)]);
}

const ALIASES = "select alias, hash from keys where alias = any($1::text[])";

/**
 * A customer may have got its budget between two of the statements, as each sees what was committed before it. And
 * the batch may write or give away one that nobody has.
 */
async function budgetsOf(
  client: Client,
  ids: readonly string[],
): Promise<ReadonlyMap<string, Budget>> {
  if (ids.length === 0) return new Map();
  return keyed(await client.run(BUDGETS, [arrayOf(ids)]), budgetOf, ({ id }) => id);
}

const COUNTER_KEY = COUNTERS.key.join(", ");
const COUNTER_KEYS =
  "unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::bigint[])";

/** A lock needs a row. One that stays at 0 because the call is then refused changes no total. */
const INSERT_MISSING = `
  insert into counters (${COUNTER_KEY}, used, held, peak, told)
  select *, 0, 0, 0, 0 from ${COUNTER_KEYS} as wanted (${COUNTER_KEY}) order by ${COUNTER_KEY}
  on conflict do nothing`;

const LOCK = `
  select counters.* from ${COUNTER_KEYS} as wanted (${COUNTER_KEY})
  join counters using (${COUNTER_KEY}) order by ${COUNTER_KEY} for update of counters`;

/** Those that exist. */
export async function lockCounters(
  client: Client,
  keys: readonly CounterKey[],
): Promise<ReadonlyMap<string, Counter>> {
  if (keys.length === 0) return new Map();
  return keyed(await client.run(LOCK, columnsOf(keys)), counterOf, counterName);
}

/** All of them, made if they are missing. */
export async function ensureCounters(
  client: Client,
  keys: readonly CounterKey[],
): Promise<ReadonlyMap<string, Counter>> {
  if (keys.length === 0) return new Map();
  const [, counters] = await Promise.all([
    client.run(INSERT_MISSING, columnsOf(keys)),
    lockCounters(client, keys),
  ]);
  // A name that PostgreSQL stores otherwise than it was asked for would be a counter that always stands at 0.
  const lost = keys.find((key) => !counters.has(counterName(key)));
  if (lost !== undefined) throw new Error(`no counter: ${JSON.stringify(counterName(lost))}`);
  return counters;
}

function columnsOf(keys: readonly CounterKey[]): string[] {
  return [
    keys.map(({ scope }) => scope),
    keys.map(({ scopeId }) => scopeId),
    keys.map(({ meter }) => meter),
    keys.map(({ model }) => model),
    keys.map(({ start }) => start),
    keys.map(({ end }) => end),
  ].map(arrayOf);
}

/** The values of `column` in the holds and postings that `ids` names, besides `values`. */
function besides(values: string, column: string, ids: string): string {
  return `${values}::text[] || array(
    select ${column} from holds where id = any(${ids}::text[]) union all
    select ${column} from postings where id = any(${ids}::text[]))`;
}

function keyed<T>(
  rows: readonly Row[],
  decode: (row: never) => T,
  keyOf: (item: T) => string,
): Map<string, T> {
  return new Map(
    rows.map((row) => {
      const item = decode(row as never);
      return [keyOf(item), item];
    }),
  );
}
