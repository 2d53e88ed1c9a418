/** `kill -9` of the real process under load: whatever was answered is posted, once, and nothing stays held. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { onEachDatabase } from "../support/databases.ts";
import { purserFolder, runPurser, spawnPurser, type PurserProcess } from "../support/process.ts";
import { Dice, seeded } from "../support/seed.ts";
import { startUpstream, streamed, whole } from "../support/upstream.ts";

const KILLS = 3;
const CALLERS = 16;
const CUSTOMERS = 4;

/** What every answered call costs, in cents, so that sums are exact. */
const COST_CENTS = 6;

onEachDatabase((database) => {
  test("kill -9 under load loses nothing: answered calls are posted, none twice, and drift is 0", async (t) => {
    const dice = new Dice(seeded(t).seed);
    const upstream = await startUpstream((received, response) =>
      (received.body["stream"] === true ? streamed(["Hel", "lo"]) : whole())(received, response),
    );
    const url = await database();
    const folder = purserFolder({
      database: url,
      upstream: upstream.origin,
      // So that what is charged is what was answered.
      general: { unsettled_charge: "waive" },
    });
    const answered = new Map<string, number>();
    for (let run = 0; run < KILLS; run += 1) {
      await loadAndKill(await spawnPurser(folder), answered, dice);
    }

    const purser = await spawnPurser(folder);
    const sent = Map.groupBy(upstream.received, ({ body }) => String(body["user"]));
    for (const [customer, calls] of answered) {
      const spentCents = (await purser.info(customer)).spend * 100;
      const sentCalls = sent.get(customer)?.length ?? 0;
      assert.ok(spentCents >= calls * COST_CENTS - 1e-6, `${customer}: an answered call is lost`);
      assert.ok(
        spentCents <= sentCalls * COST_CENTS + 1e-6,
        `${customer}: a call is charged twice`,
      );
    }
    assert.equal(await purser.stop(), 0);
    await assertSound(folder, url);
    await upstream.close();
  });
});

/** In the embedded case the restart has ended every hold; a shared database waits until the dead are surely dead. */
async function assertSound(folder: string, url: string): Promise<void> {
  const { code, out, err } = await runPurser(folder, ["audit", "--config", "config.yaml"]);
  assert.equal(code, 0, out + err);
  assert.match(out, /^drift +0$/m);
  if (url.startsWith("sqlite:")) assert.match(out, /^open holds +0$/m);
}

/** Calls until some number were answered, then kills; counts what was answered to its last byte. */
async function loadAndKill(
  purser: PurserProcess,
  answered: Map<string, number>,
  dice: Dice,
): Promise<void> {
  let left = 20 + dice.roll(60);
  let dead: Promise<void> | undefined;
  const caller = async () => {
    while (dead === undefined) {
      const customer = `c${String(dice.roll(CUSTOMERS))}`;
      const stream = dice.chance(0.5);
      const reply = await purser.chat(customer, { stream }).catch(() => null);
      const whole = reply?.status === 200 && (!stream || reply.text.endsWith("data: [DONE]\n\n"));
      if (!whole) continue;
      answered.set(customer, (answered.get(customer) ?? 0) + 1);
      left -= 1;
      if (left <= 0) dead ??= purser.kill();
    }
  };
  await Promise.all(Array.from({ length: CALLERS }, caller));
  await dead;
}
