/** Whether a database's totals are the sums of its postings, once nothing is in flight. */

import assert from "node:assert/strict";
import { parseDatabase } from "../../src/config/database.ts";
import { openReader } from "../../src/store/open.ts";

export async function assertNoDrift(address: string): Promise<void> {
  const parsed = parseDatabase(address);
  assert.ok(parsed.ok);
  const { reader, close } = await openReader(parsed.value);
  try {
    assert.deepEqual((await reader.audit()).drifts, []);
    assert.deepEqual(await reader.openHolds(), []);
  } finally {
    await close();
  }
}
