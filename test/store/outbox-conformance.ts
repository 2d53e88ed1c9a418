/** The contract of the outbox, for any database. */

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Command } from "../../src/ledger/command.ts";
import type { LedgerEvent } from "../../src/ledger/event.ts";
import type { NewDelivery, Outbox, Reading } from "../../src/ledger/outbox.ts";
import type { LedgerStore } from "../../src/ledger/store.ts";
import { nanoUsd } from "../../src/money/amount.ts";
import * as ledger from "../support/ledger.ts";
import { using, type NewPlace, type Place } from "./place.ts";

const DAY_MS = 86_400_000;

export function exerciseOutbox(newPlace: NewPlace): void {
  /** Three calls that are settled a second apart; the first one makes the customer. */
  async function withEvents(work: (store: LedgerStore, place: Place) => Promise<void>) {
    const place = await newPlace();
    await using(place, async (store) => {
      for (const [index, id] of ["h1", "h2", "h3"].entries()) {
        const at = index * 1_000;
        await store.apply([ledger.reserve(id, { at }), ledger.settle(id, 7, { at })]);
      }
      await work(store, place);
    });
  }

  test("events are read in the order that they happened in, from any place on, as they were written", async () => {
    await withEvents(async ({ outbox }) => {
      const events = await outbox.events.read(0n, 9);
      const ids = ["evt_h1_created_0", "evt_h1", "evt_h2", "evt_h3"];
      assert.deepEqual(
        events.map(({ item }) => item.id),
        ids,
      );
      const [first, second] = events;
      const rest = await outbox.events.read(first?.seq ?? 0n, 2);
      assert.deepEqual(rest, events.slice(1, 3));
      const { keyHash } = { keyHash: ledger.MASTER_KEY.hash };
      const { model, provider } = ledger.facts();
      assert.deepEqual(second?.item, {
        id: "evt_h1",
        type: "customer.spend_tracked",
        at: 0,
        customer: "acme",
        data: {
          call: "h1",
          posting: "settled",
          charge: "7",
          cost: "7",
          model,
          provider,
          maxBudget: null,
          usage: {},
          source: "provider",
          keyHash,
          keyAlias: null,
        },
      });
    });
  });

  test("events of one batch are read in the order that they happened in, whatever their names are", async () => {
    await using(await newPlace(), async (store) => {
      const calls = ["h2", "h3", "h1"].flatMap((id) => [ledger.reserve(id), ledger.settle(id, 1)]);
      await store.apply(calls);
      const events = await store.outbox.events.read(0n, 9);
      assert.deepEqual(
        events.map(({ item }) => item.id),
        ["evt_h2_created_0", "evt_h2", "evt_h3", "evt_h1"],
      );
    });
  });

  test("an event whose id was written is not written again, by a command or without one", async () => {
    await withEvents(async (store) => {
      await store.apply([...unpriced("h4"), ...unpriced("h5")]);
      await store.apply(unpriced("h6"));
      const disabled = disabling("ep_1");
      for (let time = 0; time < 2; time += 1) await store.outbox.events.add(disabled);
      const events = await store.outbox.events.read(0n, 99);
      const ids = events.map(({ item }) => item.id);
      assert.equal(new Set(ids).size, ids.length);
      assert.equal(ids.filter((id) => id.startsWith("evt_unpriced")).length, 1);
      assert.deepEqual(events.at(-1)?.item, disabled);
    });
  });

  test("events are found by when they happened, and forgotten when they are old", async () => {
    await withEvents(async ({ outbox }) => {
      const found = await outbox.events.between({ since: 1_000, until: 2_000 }, 0n, 9);
      assert.deepEqual(
        found.map(({ item }) => item.id),
        ["evt_h2"],
      );
      await outbox.events.prune(1_000);
      const [oldest] = await outbox.events.read(0n, 9);
      assert.equal(oldest?.item.id, "evt_h2");
      await outbox.events.prune(DAY_MS);
      const last = (await outbox.events.read(0n, 9)).length;
      assert.equal(last, 0);
    });
  });

  test("a place in the log is never given twice, even after all that was there is forgotten", async () => {
    await withEvents(async ({ outbox }) => {
      const places = await outbox.events.read(0n, 9);
      await outbox.events.prune(DAY_MS);
      await outbox.events.add(disabling("ep_1"));
      const [next] = await outbox.events.read(0n, 9);
      assert.ok((next?.seq ?? 0n) > (places.at(-1)?.seq ?? 0n));
    });
  });

  test("a reader goes on from where it was, once, and adds up what it passed on", async () => {
    await using(await newPlace(), async ({ outbox: { readers } }) => {
      assert.deepEqual(await readers.at("r"), by(0n, 0n, 0n));
      assert.equal(await readers.advance("r", 0n, by(5n, 3n, 2n ** 60n)), true);
      assert.equal(await readers.advance("r", 0n, by(7n, 1n, 1n)), false);
      assert.equal(await readers.advance("r", 5n, by(9n, 2n, -1n)), true);
      assert.deepEqual(await readers.at("r"), by(9n, 5n, 2n ** 60n - 1n));
      assert.deepEqual(await readers.at("other"), by(0n, 0n, 0n));
    });
  });

  test("an endpoint is kept as it was made and as it is changed, and begins with what happens next", async () => {
    await withEvents(async ({ outbox: { endpoints, events } }) => {
      const made = {
        id: "ep_1",
        url: "https://e.example/?a=1",
        description: "ä",
        batch: true,
        types: ["budget.crossed"] as const,
        customers: ["a,b", '"'],
        secrets: [{ sealed: "x", until: null }],
        createdAt: 7,
        disabledAt: null,
        disabledBecause: null,
        failingSince: null,
      };
      await endpoints.add(made);
      const newest = (await events.read(0n, 9)).at(-1)?.seq;
      assert.deepEqual(await endpoints.list(), [{ ...made, afterSeq: newest }]);
      const change = { types: null, batch: false, disabledAt: 9, disabledBecause: "x" };
      assert.equal(await endpoints.change("ep_1", change), true);
      assert.equal(await endpoints.change("ep_2", change), false);
      const expected = { ...made, ...change, afterSeq: newest };
      assert.deepEqual(await endpoints.find("ep_1"), expected);
      assert.equal(await endpoints.remove("ep_1"), true);
      assert.equal(await endpoints.find("ep_1"), undefined);
    });
  });

  test("a delivery is due until it has ended, in the order of the log, and made once", async () => {
    await withEvents(async ({ outbox }) => {
      const made = await deliveriesIn(outbox, 1_000);
      await outbox.deliveries.add(made, "keep");
      await outbox.deliveries.add(made, "keep");
      assert.equal(await outbox.deliveries.waiting(), 4n);
      assert.deepEqual(await dueIn(outbox, 999), []);
      const [first, second] = await outbox.deliveries.due("ep_1", 1_000, 9);
      assert.deepEqual(
        await dueIn(outbox, 1_000),
        made.map(({ eventId }) => eventId),
      );
      assert.ok(first !== undefined && second !== undefined);
      assert.equal(first.event.id, first.eventId);
      const attempt = { at: 1, status: 500, ms: 2, error: "\u0000 no" };
      const log = [attempt];
      const later = { state: "waiting", dueAt: 5_000, attempts: 1, log, keptUntil: 9 } as const;
      await outbox.deliveries.record("ep_1", [first.seq], later);
      const done = { state: "delivered", dueAt: null, attempts: 1, log: [], keptUntil: 9 } as const;
      await outbox.deliveries.record("ep_1", [second.seq], done);
      assert.deepEqual(await dueIn(outbox, 4_999), ["evt_h2", "evt_h3"]);
      assert.deepEqual(await dueIn(outbox, 5_000), ["evt_h1_created_0", "evt_h2", "evt_h3"]);
      const [again] = await outbox.deliveries.due("ep_1", 5_000, 9);
      assert.deepEqual(again?.log, [{ ...attempt, error: "\uFFFD no" }]);
      assert.equal(again.attempts, 1);
    });
  });

  test("deliveries are listed newest first, by endpoint, state, customer and event, page by page", async () => {
    await withEvents(async ({ outbox: { deliveries, ...outbox } }) => {
      const made = await deliveriesIn({ ...outbox, deliveries }, 0);
      await deliveries.add(made, "keep");
      await deliveries.add([{ ...(made[0] ?? assert.fail()), endpoint: "ep_2" }], "keep");
      const ids = async (filter: Partial<Parameters<typeof deliveries.list>[0]>) =>
        (await deliveries.list({ limit: 9, ...filter })).map(({ eventId }) => eventId);
      const all = made.map(({ eventId }) => eventId).toReversed();
      assert.deepEqual(await ids({ endpoint: "ep_1" }), all);
      assert.deepEqual(await ids({ endpoint: "ep_1", limit: 2 }), all.slice(0, 2));
      const before = made.at(-2)?.seq ?? 0n;
      assert.deepEqual(await ids({ endpoint: "ep_1", before }), all.slice(2));
      assert.deepEqual(await ids({ state: "failed" }), []);
      assert.deepEqual(await ids({ customer: "nobody" }), []);
      assert.deepEqual(await ids({ eventId: "evt_h1_created_0" }), Array(2).fill(all.at(-1)));
    });
  });

  test("what failed begins again when it is asked to, and what is over is forgotten", async () => {
    await withEvents(async ({ outbox }) => {
      const made = await deliveriesIn(outbox, 0);
      await outbox.deliveries.add(made, "keep");
      const [first, second] = made.map(({ seq }) => seq);
      assert.ok(first !== undefined && second !== undefined);
      const failed = { state: "failed", dueAt: null, attempts: 9, log: [] } as const;
      await outbox.deliveries.record("ep_1", [first], { ...failed, keptUntil: 500 });
      await outbox.deliveries.record("ep_1", [second], { ...failed, keptUntil: 501 });
      await outbox.deliveries.prune(500);
      assert.equal(await outbox.deliveries.restartFailed("ep_1", 400), 1);
      assert.equal(await outbox.deliveries.restartFailed("ep_1", 400), 0);
      const [again] = await outbox.deliveries.list({
        endpoint: "ep_1",
        eventId: "evt_h1",
        limit: 1,
      });
      assert.deepEqual([again?.state, again?.dueAt, again?.attempts], ["waiting", 400, 0]);
      await outbox.deliveries.record("ep_1", [second], { ...failed, keptUntil: 1_000 });
      await outbox.deliveries.add(made, "restart");
      assert.equal((await dueIn(outbox, 0)).length, 4);
      assert.equal(await outbox.deliveries.forget("ep_2"), 0);
      assert.equal(await outbox.deliveries.forget("ep_1"), 4);
      assert.equal(await outbox.deliveries.waiting(), 0n);
    });
  });
}

function unpriced(id: string): readonly Command[] {
  return [ledger.reserve(id), ledger.settle(id, 0, { unpriced: ["input"] })];
}

function by(seq: bigint, rows: bigint, charge: bigint): Reading {
  return { seq, rows, charge: nanoUsd(charge) };
}

function disabling(endpoint: string): LedgerEvent {
  const data = { endpoint, reason: "'\"\\" };
  return { id: `evt_${endpoint}`, type: "endpoint.disabled", at: 7, customer: null, data };
}

/** Of every event, to one endpoint. */
async function deliveriesIn(outbox: Outbox, dueAt: number): Promise<readonly NewDelivery[]> {
  return (await outbox.events.read(0n, 99)).map(({ seq, item }) => ({
    endpoint: "ep_1",
    seq,
    eventId: item.id,
    type: item.type,
    customer: item.customer,
    createdAt: 0,
    dueAt,
    keptUntil: DAY_MS,
  }));
}

async function dueIn(outbox: Outbox, now: number): Promise<string[]> {
  return (await outbox.deliveries.due("ep_1", now, 9)).map(({ eventId }) => eventId);
}
