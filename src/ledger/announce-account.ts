/** Which events the writing of customers and keys makes. */

import type { Customer, Key } from "./book.ts";
import type { Unstamped, Write } from "./command.ts";
import type { Draft } from "./draft.ts";
import type { EventData, EventOf, EventType } from "./event.ts";

/** A row before and after; without one it was not there, or is gone. */
interface Rewritten<Row> {
  readonly before: Row | undefined;
  readonly after: Row | undefined;
}

/** The command that did it, and the place of the row among those that it wrote. */
interface Doing {
  readonly id: string;
  readonly at: number;
  readonly by: EventData<"customer.created">["by"];
  readonly index?: number;
}

/** Before the rows are put, so that the draft still has the earlier ones. */
export function announceWrite(draft: Draft, { id, at, customers, keys }: Write): void {
  for (const [index, { id: customer, row }] of customers.entries()) {
    const rewritten = { before: draft.customer(customer), after: row ?? undefined };
    announceCustomer(draft, rewritten, { id, at, by: "administrator", index });
  }
  for (const [index, { id: hash, row }] of keys.entries()) {
    const word = keyWord({ before: draft.key(hash), after: row ?? undefined });
    const alias = (row ?? draft.key(hash))?.alias ?? null;
    draft.announce({
      id: `evt_${id}_key_${String(index)}`,
      type: `key.${word}`,
      at,
      customer: null,
      data: { keyHash: hash, keyAlias: alias },
    });
  }
}

export function announceCustomer(
  draft: Draft,
  { before, after }: Rewritten<Unstamped<Customer>>,
  { id, at, by, index = 0 }: Doing,
): void {
  const customer = after?.id ?? null;
  const about = <Type extends EventType>(
    type: Type,
    word: string,
    data: EventData<Type>,
  ): EventOf<Type> => ({ id: `evt_${id}_${word}_${String(index)}`, type, at, customer, data });
  if (after !== undefined && before === undefined) {
    draft.announce(about("customer.created", "created", { by }));
  }
  if (after === undefined || after.blocked === (before?.blocked ?? false)) return;
  if (after.blocked) draft.announce(about("customer.blocked", "blocked", {}));
  else draft.announce(about("customer.unblocked", "unblocked", {}));
}

function keyWord({ before, after }: Rewritten<Unstamped<Key>>) {
  if (after === undefined) return "deleted";
  if (before === undefined) return "created";
  if (before.blocked === after.blocked) return "updated";
  return after.blocked ? "blocked" : "unblocked";
}
