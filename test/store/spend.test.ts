/** Reports add up: by whichever zone, range and grouping they are asked for, they are sums of the same postings. */

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { after, before, test, type TestContext } from "node:test";
import postgres from "postgres";
import { parseDatabase } from "../../src/config/database.ts";
import type { Command } from "../../src/ledger/command.ts";
import type { Dimension, NumberedPosting, SpendReader, SumLine } from "../../src/ledger/spend.ts";
import type { LedgerStore } from "../../src/ledger/store.ts";
import { daysBetween } from "../../src/money/days.ts";
import { inputTokens } from "../../src/money/usage.ts";
import { createDatabase, type Run } from "../../src/store/database.ts";
import { openStore } from "../../src/store/open.ts";
import { createSpendReader } from "../../src/store/spend-reader.ts";
import { onEachDatabase } from "../support/databases.ts";
import * as ledger from "../support/ledger.ts";
import { Dice, seeded } from "../support/seed.ts";

/** Whole hours, half an hour and three quarters off UTC; summer time of an hour and of half of one. */
const ZONES = [
  "UTC",
  "Europe/Berlin",
  "America/New_York",
  "Asia/Kolkata",
  "Asia/Kathmandu",
  "America/St_Johns",
  "Australia/Lord_Howe",
];
/** Both ends of summer time in Europe and America are in it, and one end of Lord Howe's. */
const FIRST = Date.UTC(2026, 9, 20);
const DAYS = 20;
const DAY_MS = 86_400_000;
const CALLS = 600;
const EVERYTHING: readonly Dimension[] = ["customer", "keyHash", "model", "provider", "route"];

onEachDatabase((database) => {
  let store: LedgerStore;
  let spend: SpendReader;
  let address: string;
  const seed = { value: 0 };

  before(async () => {
    address = await database();
    const parsed = parseDatabase(address);
    assert.ok(parsed.ok);
    store = await openStore(parsed.value, ledger.POLICY);
    spend = store.read.spend;
  });
  after(() => store.close());

  async function fill(t: TestContext): Promise<Dice> {
    const dice = new Dice(seeded(t).seed);
    if (seed.value === 0) for (const commands of batchesOf(dice)) await store.apply(commands);
    seed.value = 1;
    return dice;
  }

  test("days of any zone add up to their range, and both to the postings", async (t) => {
    const dice = await fill(t);
    const all = await spend.postings({ of: {}, order: "oldest", limit: 10_000 });
    assert.ok(all.length > CALLS);
    for (let round = 0; round < 40; round++) {
      const zone = dice.pick(ZONES);
      const first = plainDate(FIRST + dice.roll(DAYS) * DAY_MS);
      const days = daysBetween(first, first.add({ days: dice.roll(10) }), zone);
      const range = { name: "all", start: days[0]?.start ?? 0, end: days.at(-1)?.end ?? 0 };
      const by = EVERYTHING.filter(() => dice.chance(0.5));
      const common = { by, of: {}, order: "named", limit: 10_000 } as const;
      const byDay = await spend.sums({ ...common, spans: days });
      const whole = await spend.sums({ ...common, spans: [range] });
      const said = `${zone} ${first.toString()} ${String(days.length)} days by ${by.join(" ")}`;
      assert.deepEqual(
        byName(byDay.lines, by),
        byName(
          days.flatMap((day) => linesOf(all, day)),
          by,
        ),
        said,
      );
      assert.deepEqual(byName(whole.lines, by), byName(linesOf(all, range), by), said);
      assert.deepEqual(totalOf(byDay.lines), totalOf(whole.lines), said);
      assert.equal(byDay.total, byDay.lines.length);
    }
  });

  test("pages of sums, by number and by place, show each line once", async (t) => {
    await fill(t);
    const span = { name: "all", start: FIRST, end: FIRST + 2 * DAYS * DAY_MS };
    const question = { spans: [span], by: EVERYTHING, of: {}, order: "named" } as const;
    const { lines, total } = await spend.sums({ ...question, limit: 10_000 });
    assert.equal(total, lines.length);
    const numbered: SumLine[] = [];
    for (let offset = 0; offset < total; offset += 7) {
      numbered.push(...(await spend.sums({ ...question, limit: 7, offset })).lines);
    }
    assert.deepEqual(numbered, lines);
    const placed: SumLine[] = [];
    for (let place: SumLine | undefined = lines[0]; place !== undefined; place = placed.at(-1)) {
      const after = EVERYTHING.map((dimension) => place?.[dimension] ?? "");
      const page = placed.length === 0 ? { limit: 7 } : { limit: 7, after };
      const next = (await spend.sums({ ...question, ...page })).lines;
      if (next.length === 0) break;
      placed.push(...next);
    }
    assert.deepEqual(placed, lines);
  });

  test("pages of postings show each once, in either order, whatever is filtered", async (t) => {
    const dice = await fill(t);
    const all = await spend.postings({ of: {}, order: "oldest", limit: 10_000 });
    const filters = [
      {},
      { customer: "c1" },
      { keyHashes: ["k1"] },
      { keyHashes: ["k1", "k2"] },
      { window: { start: FIRST, end: FIRST + 5 * DAY_MS } },
      { customer: "c2", model: "m1", kinds: ["settled"] },
    ] as const;
    for (const of of filters) {
      const limit = 1 + dice.roll(200);
      const walked = await walk(spend, of, limit);
      const wanted = all.filter((posting) => matches(posting, of));
      assert.deepEqual(walked, wanted, JSON.stringify(of));
      assert.equal(await spend.countPostings(of), wanted.length);
      const newest = await spend.postings({ of, order: "newest", limit: 10_000 });
      assert.deepEqual(newest, wanted.toReversed());
    }
  });

  test("customers that were served are listed once each, in pages", async (t) => {
    await fill(t);
    const all = await spend.customersServed("", 100);
    assert.deepEqual(all, ["c0", "c1", "c2", "c3"]);
    assert.deepEqual(await spend.customersServed("c1", 1), ["c2"]);
    assert.deepEqual(await spend.customersServed("c3", 100), []);
  });

  test("every report reads by an index, and none sorts the postings", async (t) => {
    await fill(t);
    const asked = await explained(address);
    for (const { text, plan } of asked) {
      assert.doesNotMatch(plan, SCAN, `${text}\n${plan}`);
      const isMany = text.includes("order by at") && !text.includes(" id = ");
      if (isMany) assert.doesNotMatch(plan, SORT, `${text}\n${plan}`);
    }
    assert.equal(asked.length, 11);
  });
});

/** What both databases call reading a table from end to end, and sorting all of what was read. */
const SCAN = /\bSCAN (?:rollups|postings|keys|customers)\b|Seq Scan on/;
const SORT = /TEMP B-TREE|^\s*(?:->\s+)?Sort\b/m;

/** Calls that settled, failed or were never settled, and corrections, at random moments and in random order. */
function batchesOf(dice: Dice): Command[][] {
  const calls = Array.from({ length: CALLS }, (_, index) => callOf(`call${String(index)}`, dice));
  const corrections = Array.from({ length: 30 }, (_, index) => {
    const rest = { at: momentOf(dice), customer: `c${String(dice.roll(4))}`, keyHash: "k1" };
    return ledger.adjust(`adjust${String(index)}`, dice.roll(1000) - 500, rest);
  });
  const customers = [0, 1, 2, 3].map((index) =>
    ledger.createCustomer(`make${String(index)}`, { id: `c${String(index)}` }),
  );
  return [customers, ...calls, corrections];
}

function callOf(id: string, dice: Dice): Command[] {
  const at = momentOf(dice);
  const customer = dice.chance(0.2) ? null : `c${String(dice.roll(4))}`;
  const hash = `k${String(dice.roll(3))}`;
  const model = `m${String(dice.roll(3))}`;
  const facts = ledger.facts({ model, provider: dice.pick(["fake", "openai"]) });
  const reserve = ledger.reserve(id, { at, customer, key: { hash, revision: null }, facts });
  const usage = { input: dice.roll(50), output: dice.roll(50), cacheRead: dice.roll(5) };
  const end = dice.pick([
    ledger.settle(id, dice.roll(10), { at, usage }),
    ledger.settle(id, dice.roll(10), { at, usage }),
    ledger.release(id, at),
    ledger.expire(id, at),
  ]);
  return [reserve, end];
}

/** Often within an hour of a midnight of some zone, where a day's border can be got wrong. */
function momentOf(dice: Dice): number {
  const at = FIRST + dice.roll(DAYS * DAY_MS);
  const quarter = 900_000;
  return dice.chance(0.3) ? Math.floor(at / quarter) * quarter : at;
}

function plainDate(at: number): Temporal.PlainDate {
  return Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO("UTC").toPlainDate();
}

function linesOf(
  postings: readonly NumberedPosting[],
  span: { readonly name: string; readonly start: number; readonly end: number },
): SumLine[] {
  return postings
    .filter(({ at }) => at >= span.start && at < span.end)
    .map(({ customer, keyHash, facts, kind, usage, charge }) => {
      const calls = kind === "adjusted" ? 0 : 1;
      const failures = kind === "settled" ? 0 : calls;
      const { model, provider, route } = facts;
      const names = { customer: customer ?? "", keyHash, model, provider, route };
      return { span: span.name, ...names, calls, failures, usage, charge };
    });
}

/** Sums by span and dimensions, in a form that does not depend on order. */
function byName(lines: readonly SumLine[], by: readonly Dimension[]): object {
  const nameOf = (line: SumLine) => [line.span, ...by.map((name) => line[name])].join(" ");
  const groups = [...Map.groupBy(lines, nameOf)].map(([name, group]) => [name, totalOf(group)]);
  return Object.fromEntries(groups);
}

function totalOf(lines: readonly SumLine[]): object {
  const added = (valueOf: (line: SumLine) => number): number =>
    lines.reduce((total, line) => total + valueOf(line), 0);
  return {
    charge: lines.reduce((total, { charge }) => total + charge, 0n),
    calls: added(({ calls }) => calls),
    failures: added(({ failures }) => failures),
    input: added(({ usage }) => inputTokens(usage)),
    output: added(({ usage }) => usage.output ?? 0),
  };
}

async function walk(spend: SpendReader, of: object, limit: number): Promise<NumberedPosting[]> {
  const walked: NumberedPosting[] = [];
  let page = await spend.postings({ of, order: "oldest", limit });
  while (page.length > 0) {
    walked.push(...page);
    const after = page.at(-1);
    assert.ok(after);
    page = await spend.postings({ of, order: "oldest", limit, after });
  }
  return walked;
}

interface Filter {
  readonly customer?: string;
  readonly keyHashes?: readonly string[];
  readonly window?: { readonly start: number; readonly end: number };
  readonly model?: string;
  readonly kinds?: readonly string[];
}

function matches({ customer, keyHash, at, facts, kind }: NumberedPosting, of: Filter): boolean {
  const { window, keyHashes, kinds } = of;
  return (
    (of.customer === undefined || of.customer === customer) &&
    (of.model === undefined || of.model === facts.model) &&
    (keyHashes === undefined || keyHashes.includes(keyHash)) &&
    (kinds === undefined || kinds.includes(kind)) &&
    (window === undefined || (at >= window.start && at < window.end))
  );
}

interface Explained {
  readonly text: string;
  readonly plan: string;
}

/** Asks every kind of question of a reader whose statements are explained in place of being run. */
async function explained(address: string): Promise<Explained[]> {
  const asked: Explained[] = [];
  const { flavour, run, close } = connect(address);
  const recording: Run = async (text, parameters) => {
    const explain = flavour === "sqlite" ? "explain query plan" : "explain";
    const rows = await run(`${explain} ${text}`, parameters);
    asked.push({ text, plan: rows.map((row) => row["detail"] ?? row["QUERY PLAN"]).join("\n") });
    return [];
  };
  const reader = createSpendReader(createDatabase(flavour, recording));
  const days = daysBetween(plainDate(FIRST), plainDate(FIRST + DAY_MS), "Asia/Kolkata");
  const sums = { spans: days, by: EVERYTHING, order: "named", limit: 10 } as const;
  await reader.sums({ ...sums, of: { withCustomer: true } });
  await reader.sums({ ...sums, of: { customers: ["c1", "c2"] } });
  await reader.sums({ ...sums, of: { keyHashes: ["k1"] }, order: "dearest" });
  const window = { start: FIRST, end: FIRST + DAY_MS };
  const pages = { order: "newest", limit: 10, after: { at: FIRST, seq: 7n } } as const;
  await reader.postings({ ...pages, of: { window } });
  await reader.postings({ ...pages, of: { window, customer: "c1" } });
  await reader.postings({ ...pages, of: { window, keyHashes: ["k1"] } });
  await reader.postings({ ...pages, of: { id: "call1" } });
  await reader.customersServed("c1", 10);
  await reader.keyOwners(["k1", "k2"]);
  await reader.keysOfUser("u1");
  await reader.customerAliases(["c1", "c2"]);
  await close();
  return asked;
}

function connect(address: string) {
  if (!address.startsWith("sqlite:")) {
    const connection = { enable_seqscan: "off" } as Record<string, string>;
    const sql = postgres(address, { max: 1, connection, types: { bigint: postgres.BigInt } });
    const run: Run = async (text, parameters) => await sql.unsafe(text, [...parameters]);
    return { flavour: "postgres", run, close: () => sql.end() } as const;
  }
  const file = new DatabaseSync(address.slice("sqlite:".length), { readOnly: true });
  const run: Run = (text, parameters) => Promise.resolve(file.prepare(text).all(...parameters));
  return { flavour: "sqlite", run, close: () => Promise.resolve(file.close()) } as const;
}
