/** What a database holds, read past the Purser that runs on it, with the ledger's own eyes. */

import assert from "node:assert/strict";
import { parseDatabase } from "../../src/config/database.ts";
import type { PostedCall } from "../../src/ledger/store.ts";
import { openReader } from "../../src/store/open.ts";

type Reader = Awaited<ReturnType<typeof openReader>>["reader"];

/** Every total is the sum of its postings, and no hold is left. */
export async function assertNoDrift(address: string): Promise<void> {
  await reading(address, async (reader) => {
    assert.deepEqual((await reader.audit()).drifts, []);
    assert.deepEqual(await reader.openHolds(), []);
  });
}

/** The calls that were posted, in their order, with all that is known of their price. */
export async function callsOf(address: string): Promise<readonly PostedCall[]> {
  const filter = { from: 0, to: Number.MAX_SAFE_INTEGER, customer: null, unpricedOnly: false };
  return reading(address, (reader) => reader.calls(filter, 0n, 1000));
}

async function reading<T>(address: string, body: (reader: Reader) => Promise<T>): Promise<T> {
  const parsed = parseDatabase(address);
  assert.ok(parsed.ok);
  const { reader, close } = await openReader(parsed.value);
  try {
    return await body(reader);
  } finally {
    await close();
  }
}
