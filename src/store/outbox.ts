/** Everything between an event's row and whoever is told of it, over one database. */

import type { Outbox } from "../ledger/outbox.ts";
import type { Database } from "./database.ts";
import { createDeliveries } from "./deliveries.ts";
import { createEndpoints } from "./endpoints.ts";
import { createExports } from "./exports.ts";
import { createEventLog, createPostingLog } from "./logs.ts";
import { createLeases, createReaders } from "./readers.ts";

/** What is read need not wait for what is written, so the two may go different ways. */
export function createOutbox(writing: Database, reading: Database): Outbox {
  return {
    events: createEventLog(writing, reading),
    postings: createPostingLog(reading),
    readers: createReaders(writing, reading),
    leases: createLeases(writing),
    endpoints: createEndpoints(writing, reading),
    deliveries: createDeliveries(writing, reading),
    exports: createExports(writing, reading),
  };
}
