/** `kill -9` of the real process under load: whatever was answered is posted, once, and nothing stays held. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { openReader } from "../../src/store/open.ts";
import { onEachDatabase } from "../support/databases.ts";
import { purserFolder, runPurser, spawnPurser, type PurserProcess } from "../support/process.ts";
import { randomFrom } from "../support/random.ts";
import { startUpstream, streamed, whole } from "../support/upstream.ts";
import { databaseConfig } from "../support/databases.ts";

const KILLS = 3;
const CALLERS = 16;
const CUSTOMERS = 4;
/** What every answered call costs. */
const COST = 0.06;

onEachDatabase((database) => {
  test("kill -9 under load loses nothing: answered calls are posted, no hold is left, drift is 0", async (t) => {
    const random = randomFrom(t);
    const whole_ = whole();
    const stream = streamed(["Hel", "lo"]);
    const upstream = await startUpstream((received, response) =>
      (received.body["stream"] === true ? stream : whole_)(received, response),
    );
    const url = await database();
    const folder = purserFolder({ database: url, upstream: upstream.origin });
    const answered = new Map<string, number>();

    for (let run = 0; run < KILLS; run += 1) {
      const purser = await spawnPurser(folder);
      const callsUntilKill = 20 + Math.floor(random() * 60);
      await load(purser, answered, { callsUntilKill, random });
    }

    const purser = await spawnPurser(folder);
    const { reader: read, close } = await openReader(databaseConfig(url));
    try {
      // On a shared database, others wait until a silent instance must be dead; this asks whether it is only that.
      const orphans = await read.openHolds();
      const spent = await spending(purser);
      for (const [customer, calls] of answered) {
        const posted = Math.round((spent.get(customer) ?? 0) / COST - 0.5 + 1e-9);
        assert.ok(posted >= calls, `${customer}: ${String(calls)} answered, ${String(posted)} posted`);
      }
      if (url.startsWith("sqlite:")) assert.deepEqual(orphans, []);
      assert.deepEqual((await read.audit()).drifts, []);
    } finally {
      await close();
    }
    assert.equal(await purser.stop(), 0);
    const audit = await runPurser(folder, ["audit", "--config", "config.yaml"]);
    assert.equal(audit.code, 0, audit.out + audit.err);
    assert.match(audit.out, /^drift +0$/m);
    await upstream.close();
  });
});

/** Calls until so many were answered, then kills; counts what was answered to its last byte. */
async function load(
  purser: PurserProcess,
  answered: Map<string, number>,
  { callsUntilKill, random }: { callsUntilKill: number; random: () => number },
): Promise<void> {
  let calls = 0;
  let dead: Promise<void> | undefined;
  const caller = async () => {
    while (dead === undefined) {
      const customer = `c${String(Math.floor(random() * CUSTOMERS))}`;
      const stream = random() < 0.5;
      const reply = await purser.chat(customer, { stream }).catch(() => null);
      if (reply === null || reply.status !== 200) continue;
      if (stream && !reply.text.endsWith("data: [DONE]\n\n")) continue;
      answered.set(customer, (answered.get(customer) ?? 0) + 1);
      calls += 1;
      if (calls >= callsUntilKill) dead ??= purser.kill();
    }
  };
  await Promise.all(Array.from({ length: CALLERS }, caller));
  await dead;
}

async function spending(purser: PurserProcess): Promise<Map<string, number>> {
  const ids = Array.from({ length: CUSTOMERS }, (_, index) => `c${String(index)}`);
  const infos = await Promise.all(ids.map((id) => purser.info(id)));
  return new Map(infos.map(({ user_id, spend }) => [user_id, spend]));
}
