/** Whatever is asked of customers in whatever order, `info` shows what a model of the documentation shows. */

import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { openReader } from "../../src/store/open.ts";
import { HOURLY, budget, limit } from "../support/ledger.ts";
import { onEachDatabase } from "../support/databases.ts";
import { startTestPurser, type Reply, type TestPurser } from "../support/purser.ts";
import { seeded } from "../support/seed.ts";
import { databaseAt, putAccounts } from "../support/accounts.ts";
import { CustomerModel, type Fields } from "./customer-model.ts";

const NANO = 1_000_000_000;
const CUSTOMERS = 4;
const RUNS = { sqlite: 60, postgres: 25 };

const MONTHLY = { ...HOURLY, duration: { count: 1, unit: "mo" } } as const;
const TIERS = [
  {
    id: "T",
    terms: { max_budget: 4, budget_duration: null, tpm_limit: null, rpm_limit: null },
    row: budget("T", [limit("usd", 4 * NANO)]),
  },
  {
    id: "M",
    terms: { max_budget: 3, budget_duration: "1mo", tpm_limit: null, rpm_limit: null },
    row: { ...budget("M", [limit("usd", 3 * NANO, { period: MONTHLY })]), period: MONTHLY },
  },
];

const nullable = <T>(...values: T[]) => fc.constantFrom<T | null>(...values, null);

const TERMS = {
  max_budget: nullable(0, 0.5, 3, 4),
  // Long enough to end in no test, and two, so that a customer can change windows and come back.
  budget_duration: nullable("1mo", "12mo"),
  tpm_limit: nullable(0, 1000),
  rpm_limit: nullable(5),
};

const FACTS = {
  alias: nullable("Acme", "ünï", ""),
  blocked: nullable(true, false),
  models: nullable<string[]>([], ["m"], ["m", "n*"]),
  allowed_model_region: nullable("eu", "us"),
  default_model: nullable("m"),
};

/** Mostly a budget by its id or by its fields, now and then both, which is refused. */
const anyFields = fc
  .oneof(
    { weight: 6, arbitrary: fc.record({ ...FACTS, ...TERMS }, { requiredKeys: [] }) },
    {
      weight: 3,
      arbitrary: fc.record(
        { ...FACTS, budget_id: nullable("T", "M", "nope") },
        { requiredKeys: ["budget_id"] },
      ),
    },
    {
      weight: 1,
      arbitrary: fc.record(
        { ...TERMS, budget_id: nullable("T") },
        { requiredKeys: ["budget_id", "max_budget"] },
      ),
    },
  )
  .map((fields): Fields => fields);

const anyCustomer = fc.nat(CUSTOMERS - 1);
const someCustomers = fc.uniqueArray(anyCustomer, { minLength: 1, maxLength: 3 });
const anyNano = fc.integer({ min: -2 * NANO, max: 2 * NANO });

/** One request, and the status that the model has for it. */
interface Step {
  readonly says: string;
  readonly take: (scene: Scene) => Promise<readonly [Reply, number]>;
}

interface Scene {
  readonly purser: TestPurser;
  readonly model: CustomerModel;
  readonly ids: readonly string[];
}

type Request = readonly [method: "post" | "put", path: string, body: unknown, status: number];

/** `ask` is given the ids of the customers, and applies to the model what it asks of Purser. */
function step(says: string, ask: (model: CustomerModel, ids: readonly string[]) => Request): Step {
  return {
    says,
    async take({ purser, model, ids }) {
      const [method, path, body, status] = ask(model, ids);
      return [await purser[method](`/customer/${path}`, body), status];
    },
  };
}

const makes = fc.tuple(anyCustomer, anyFields, fc.nat(NANO)).map(([who, fields, spend]) =>
  step(`new ${who} ${JSON.stringify(fields)} spend ${spend}`, (model, ids) => {
    const user_id = ids[who] ?? "";
    const body = { user_id, ...fields, spend: spend / NANO };
    return ["post", "new", body, model.create(user_id, fields, BigInt(spend))];
  }),
);

const updates = fc.tuple(anyCustomer, anyFields).map(([who, fields]) =>
  step(`update ${who} ${JSON.stringify(fields)}`, (model, ids) => {
    const user_id = ids[who] ?? "";
    return ["post", "update", { user_id, ...fields }, model.update(user_id, fields)];
  }),
);

const puts = fc.tuple(anyCustomer, anyFields).map(([who, fields]) =>
  step(`put ${who} ${JSON.stringify(fields)}`, (model, ids) => {
    const id = ids[who] ?? "";
    return ["put", id, fields, model.put(id, fields)];
  }),
);

/** All or none: the items are alike but for their ids, so one fault is a fault of each. */
const bulks = fc.tuple(someCustomers, anyFields).map(([some, fields]) =>
  step(`bulk ${some.join()} ${JSON.stringify(fields)}`, (model, ids) => {
    const named = some.map((who) => ids[who] ?? "");
    const customers = named.map((user_id) => ({ user_id, ...fields }));
    const fault = named.map((id) => model.put(id, fields)).find((status) => status !== 200);
    return ["post", "bulk", { customers }, fault === undefined ? 200 : 422];
  }),
);

/** The budget that a customer has, which may be the one's own. */
const borrows = fc.tuple(anyCustomer, anyCustomer).map(([who, from]) =>
  step(`borrow ${who} from ${from}`, (model, ids) => {
    const user_id = ids[who] ?? "";
    const fields = { budget_id: model.budgetOf(ids[from] ?? "") ?? null };
    return ["post", "update", { user_id, ...fields }, model.update(user_id, fields)];
  }),
);

const many = fc
  .tuple(fc.constantFrom("block", "unblock", "delete"), someCustomers)
  .map(([verb, some]) =>
    step(`${verb} ${some.join()}`, (model, ids) => {
      const user_ids = some.map((who) => ids[who] ?? "");
      const status =
        verb === "delete" ? model.delete(user_ids) : model.setBlocked(user_ids, verb === "block");
      return ["post", verb, { user_ids }, status];
    }),
  );

const adjusts = fc.tuple(anyCustomer, anyNano).map(([who, nano]) =>
  step(`adjust ${who} by ${nano}`, (model, ids) => {
    const id = ids[who] ?? "";
    const body = { amount: nano / NANO, reason: "by hand" };
    return ["post", `${id}/adjust`, body, model.adjust(id, BigInt(nano))];
  }),
);

const resets = anyCustomer.map((who) =>
  step(`reset ${who}`, (model, ids) => {
    const id = ids[who] ?? "";
    return ["post", `${id}/reset`, { reason: "by hand" }, model.reset(id)];
  }),
);

const anyStep = fc.oneof(makes, updates, puts, bulks, borrows, many, adjusts, resets);

onEachDatabase((database) => {
  test("random sequences of writes leave every customer as the model has it, no orphan and no drift", async (t) => {
    const url = await database();
    await putAccounts(url, { budgets: TIERS.map(({ row }) => row) });
    // Nobody calls.
    const purser = await startTestPurser({ database: url, upstream: "http://127.0.0.1:9" });
    const seen = new Set<string>();
    const live = new Set<string>();
    let runs = 0;
    const property = fc.asyncProperty(
      fc.array(anyStep, { maxLength: 40, size: "max" }),
      async (steps) => {
        runs += 1;
        const model = new CustomerModel(TIERS);
        const ids = Array.from({ length: CUSTOMERS }, (_, who) => `run${runs}-${who}`);
        await play(steps, { purser, model, ids }, seen);
        for (const id of model.budgetIds) live.add(id);
      },
    );
    const numRuns = RUNS[databaseAt(url).kind];
    try {
      await fc.assert(property, { ...seeded(t), numRuns });
    } finally {
      await purser.stop();
    }
    await assertBooks(url, seen, live);
  });
});

/** Of the budgets that were ever seen, those that somebody has are there; and every total is the sum of its rows. */
async function assertBooks(url: string, seen: Set<string>, live: Set<string>): Promise<void> {
  const { reader, close } = await openReader(databaseAt(url));
  try {
    const left = await reader.budgets([...seen]);
    assert.deepEqual(left.map(({ id }) => id).toSorted(), [...live].toSorted());
    assert.deepEqual((await reader.audit()).drifts, []);
  } finally {
    await close();
  }
}

async function play(steps: readonly Step[], scene: Scene, seen: Set<string>): Promise<void> {
  const { purser, model, ids } = scene;
  for (const tier of TIERS) seen.add(tier.id);
  for (const { says, take } of steps) {
    const [reply, status] = await take(scene);
    assert.equal(reply.status, status, `${says}: ${reply.text}`);
    for (const id of ids) {
      const shown = await shownBy(purser, id);
      const budgetId = shown?.["budget_id"];
      if (typeof budgetId === "string") {
        model.sawBudget(id, budgetId);
        seen.add(budgetId);
      }
      assert.deepEqual(shown, model.info(id), `after ${says}`);
    }
  }
}

/** `info` with the terms of its budget in one place; undefined where it is a 404. */
async function shownBy(
  purser: TestPurser,
  id: string,
): Promise<Record<string, unknown> | undefined> {
  const { status, body } = await purser.get(`/customer/info?end_user_id=${id}`);
  if (status === 404) return undefined;
  const { litellm_budget_table: table, ...rest } = body;
  if (table === null) return { ...rest, terms: null };
  assert.equal(table.budget_id, rest.budget_id);
  const { max_budget, budget_duration, tpm_limit, rpm_limit } = table;
  return { ...rest, terms: { max_budget, budget_duration, tpm_limit, rpm_limit } };
}
