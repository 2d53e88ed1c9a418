/** Customers page by page, by id: each is seen once, whoever comes and goes meanwhile. */

import type { Admin } from "./admin.ts";
import { customerObjects } from "./customer-object.ts";

/** Few enough to be answered at once, and to be held in memory while the next are read. */
const PAGE_CUSTOMERS_MAX = 500;
const PAGE_CUSTOMERS = 100;

export interface ListQuery {
  readonly limit?: number;
  readonly after?: string;
  /** Part of the id or of the alias. */
  readonly q?: string;
}

interface Page {
  readonly objects: readonly unknown[];
  readonly nextAfter: string | null;
}

/** One more is read than is shown, which tells whether there are more. */
async function pageAfter(
  { limit = PAGE_CUSTOMERS, after, q }: ListQuery,
  admin: Admin,
): Promise<Page> {
  const shown = Math.min(limit, PAGE_CUSTOMERS_MAX);
  const page = { after: after ?? null, search: q ?? null, limit: shown + 1 };
  const rows = await admin.ledger.read.customersAfter(page);
  const customers = rows.slice(0, shown);
  const objects = await customerObjects(customers, admin);
  return { objects, nextAfter: rows.length > shown ? (customers.at(-1)?.id ?? null) : null };
}

export async function customerPage(query: ListQuery, admin: Admin): Promise<unknown> {
  const { objects, nextAfter } = await pageAfter(query, admin);
  return {
    object: "list",
    data: objects,
    has_more: nextAfter !== null,
    next_after: nextAfter,
  };
}

/** The text of one JSON array of all customers, of which no more than a page is ever in memory. */
export async function* allCustomers(admin: Admin): AsyncGenerator<string> {
  let after: string | undefined;
  let opening = "[";
  for (;;) {
    const query = after === undefined ? {} : { after };
    const { objects, nextAfter } = await pageAfter({ limit: PAGE_CUSTOMERS_MAX, ...query }, admin);
    const texts = objects.map((object) => JSON.stringify(object));
    yield opening + texts.join(",");
    if (nextAfter === null) break;
    after = nextAfter;
    opening = ",";
  }
  yield "]";
}
