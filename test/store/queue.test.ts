/** Group commit by itself, with a commit that the test ends by hand. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { LedgerUnavailable } from "../../src/ledger/store.ts";
import { BATCH_WEIGHT_MAX, CommitQueue, WAITING_WEIGHT_MAX } from "../../src/store/queue.ts";

type Task = string | number;

interface Commit {
  readonly tasks: readonly Task[];
  readonly succeed: () => Promise<void>;
  readonly fail: (error: Error) => Promise<void>;
}

/** A queue whose commits wait in a list. A task is answered with itself, and a number weighs that much. */
function queueByHand(): { queue: CommitQueue<Task, Task>; commits: Commit[] } {
  const commits: Commit[] = [];
  const queue = new CommitQueue<Task, Task>({
    weightOf: (task) => (typeof task === "number" ? task : 1),
    standsAlone: (task) => task === "alone",
    commit: (tasks) =>
      new Promise((resolve, reject) => {
        commits.push({
          tasks,
          succeed: () => settled(() => resolve(tasks)),
          fail: (error) => settled(() => reject(error)),
        });
      }),
  });
  return { queue, commits };
}

/** When this resolves, everything that the change makes possible without a commit has happened. */
async function settled(change: () => void): Promise<void> {
  change();
  await new Promise(setImmediate);
}

function taken(commits: readonly Commit[]): (readonly Task[])[] {
  return commits.map(({ tasks }) => tasks);
}

test("the first task is committed at once, and what comes meanwhile goes together in the next commit", async () => {
  const { queue, commits } = queueByHand();
  const answers = Promise.all(["a", "b", "c", "d"].map((task) => queue.push(task)));
  assert.deepEqual(taken(commits), [["a"]]);
  await commits[0]?.succeed();
  assert.deepEqual(taken(commits), [["a"], ["b", "c", "d"]]);
  await commits[1]?.succeed();
  assert.deepEqual(await answers, ["a", "b", "c", "d"]);
});

test("a task that stands alone has a commit of its own, in its turn", async () => {
  const { queue, commits } = queueByHand();
  const answers = Promise.all(["a", "b", "alone", "c", "alone"].map((task) => queue.push(task)));
  for (let index = 0; index < 5; index += 1) await commits[index]?.succeed();
  assert.deepEqual(taken(commits), [["a"], ["b"], ["alone"], ["c"], ["alone"]]);
  await answers;
});

test("a batch has a bound, and what is over it waits for the next in the order of coming", async () => {
  const { queue, commits } = queueByHand();
  const rest = BATCH_WEIGHT_MAX - 1;
  const answers = Promise.all(["a", 1, rest, 2, 3].map((task) => queue.push(task)));
  await commits[0]?.succeed();
  await commits[1]?.succeed();
  await commits[2]?.succeed();
  assert.deepEqual(taken(commits), [["a"], [1, rest], [2, 3]]);
  assert.deepEqual(await answers, ["a", 1, rest, 2, 3]);
});

test("a task that is heavier than a batch is committed by itself", async () => {
  const { queue, commits } = queueByHand();
  const heavy = BATCH_WEIGHT_MAX * 2;
  const answers = Promise.all(["a", "b", heavy, "c"].map((task) => queue.push(task)));
  for (let index = 0; index < 4; index += 1) await commits[index]?.succeed();
  assert.deepEqual(taken(commits), [["a"], ["b"], [heavy], ["c"]]);
  assert.deepEqual(await answers, ["a", "b", heavy, "c"]);
});

test("when too much waits, the next one is turned away at once and the others are not", async () => {
  const { queue, commits } = queueByHand();
  const first = queue.push("a");
  const full = queue.push(WAITING_WEIGHT_MAX);
  await assert.rejects(queue.push("b"), LedgerUnavailable);
  await commits[0]?.succeed();
  const later = queue.push("c");
  await commits[1]?.succeed();
  await commits[2]?.succeed();
  assert.deepEqual(await Promise.all([first, full, later]), ["a", WAITING_WEIGHT_MAX, "c"]);
});

test("a database that is out of reach fails exactly the callers of the batch, and the queue goes on", async () => {
  const { queue, commits } = queueByHand();
  const attempts = Promise.allSettled(["a", "b", "c"].map((task) => queue.push(task)));
  await commits[0]?.succeed();
  const cause = new Error("no route");
  await commits[1]?.fail(new LedgerUnavailable("away", { cause, inDoubt: true }));
  const [first, ...failed] = await attempts;
  assert.equal(first?.status, "fulfilled");
  for (const attempt of failed) {
    assert.ok(attempt.status === "rejected" && attempt.reason instanceof LedgerUnavailable);
    assert.equal(attempt.reason.cause, cause);
    assert.equal(attempt.reason.inDoubt, true);
  }
  const next = queue.push("d");
  await commits[2]?.succeed();
  assert.equal(await next, "d");
});

test("a task that cannot be done fails alone: the others of its batch are committed one by one", async () => {
  const { queue, commits } = queueByHand();
  const attempts = Promise.allSettled(["a", "b", "bad", "c"].map((task) => queue.push(task)));
  const bad = new Error("out of range");
  await commits[0]?.succeed();
  await commits[1]?.fail(bad);
  await commits[2]?.succeed();
  await commits[3]?.fail(bad);
  await commits[4]?.succeed();
  assert.deepEqual(taken(commits), [["a"], ["b", "bad", "c"], ["b"], ["bad"], ["c"]]);
  const statuses = (await attempts).map(({ status }) => status);
  assert.deepEqual(statuses, ["fulfilled", "fulfilled", "rejected", "fulfilled"]);
  const [, , failed] = await attempts;
  assert.ok(failed?.status === "rejected" && failed.reason instanceof LedgerUnavailable);
  assert.equal(failed.reason.cause, bad);
});

test("closing waits for everything taken and takes nothing more", async () => {
  const { queue, commits } = queueByHand();
  const answers = Promise.all(["a", "b"].map((task) => queue.push(task)));
  const closed = queue.close();
  await assert.rejects(queue.push("c"), LedgerUnavailable);
  await commits[0]?.succeed();
  await commits[1]?.succeed();
  await closed;
  assert.deepEqual(await answers, ["a", "b"]);
});
