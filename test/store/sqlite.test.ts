/** SQLite keeps the contract, and belongs to one process at a time. */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { LedgerUnavailable } from "../../src/ledger/store.ts";
import { openReader, openStore } from "../../src/store/open.ts";
import { Connection } from "../../src/store/sqlite/connection.ts";
import { migrate } from "../../src/store/sqlite/migrate.ts";
import { Thread } from "../../src/store/sqlite/thread.ts";
import * as ledger from "../support/ledger.ts";
import { exerciseStore } from "./conformance.ts";
import { using, type Place } from "./place.ts";

const folder = mkdtempSync(join(tmpdir(), "purser-sqlite-"));
after(() => rmSync(folder, { recursive: true }));

let files = 0;
function newFile(): string {
  files += 1;
  return join(folder, `${String(files)}.db`);
}

function placeIn(file: string): Place {
  return {
    open: (policy) => openStore({ kind: "sqlite", file }, policy),
    sql: (text) => {
      const vandal = new DatabaseSync(file, { readBigInts: true });
      const rows = vandal.prepare(text).all();
      vandal.close();
      return Promise.resolve(rows);
    },
    migrate: (count) => {
      const connection = new Connection(file, false);
      migrate(connection, count);
      connection.close();
      return Promise.resolve();
    },
  };
}

exerciseStore("SQLite", () => Promise.resolve(placeIn(newFile())));

test("a file that a Purser has open is refused to the next one, until that closes it", async () => {
  const place = placeIn(newFile());
  await using(place, async () => {
    await assert.rejects(place.open(ledger.POLICY), /in use by another Purser process/);
  });
  await using(place, () => Promise.resolve());
});

test("a file whose Purser was killed is free at once", async () => {
  const file = newFile();
  const place = placeIn(file);
  const open = `
    const { openStore } = await import(${JSON.stringify(import.meta.resolve("../../src/store/open.ts"))});
    await openStore(${JSON.stringify({ kind: "sqlite", file })}, ${JSON.stringify(ledger.POLICY)});
    console.log("open");
    setInterval(() => {}, 1000);`;
  const other = spawn(process.execPath, ["--input-type=module", "--eval", open]);
  await once(other.stdout, "data");
  await assert.rejects(place.open(ledger.POLICY), /in use by another Purser process/);
  const exit = once(other, "exit");
  other.kill("SIGKILL");
  await exit;
  await using(place, (store) => store.apply([ledger.reserve("h1")]));
});

test("the calls of every other instance are orphans, however lately it was seen", async () => {
  await using(placeIn(newFile()), async (store) => {
    await store.instances.beat("i1", 1_000);
    await store.apply([ledger.reserve("h1", { instance: "i1" })]);
    const orphans = await store.instances.orphans("i2", 0);
    assert.deepEqual(
      orphans.map(({ id }) => id),
      ["h1"],
    );
  });
});

test("an audit reads the file beside the process that owns it", async () => {
  const file = newFile();
  await using(placeIn(file), async (store) => {
    await store.apply([ledger.reserve("h1")]);
    const { reader, close } = await openReader({ kind: "sqlite", file });
    assert.deepEqual(await reader.audit(), await store.read.audit());
    await close();
    await store.apply([ledger.settle("h1", 1)]);
  });
});

test("a file that no Purser has prepared is not audited", async () => {
  const file = newFile();
  await assert.rejects(openReader({ kind: "sqlite", file }));
  new DatabaseSync(file).close();
  await assert.rejects(openReader({ kind: "sqlite", file }));
});

test("a thread that dies fails what it was asked, and the next request starts another", async () => {
  const file = newFile();
  const thread = new Thread({ file, readOnly: true });
  const query = { kind: "query", statement: { text: "select 1 as one", parameters: [] } } as const;
  await assert.rejects(thread.ask(query), LedgerUnavailable);
  new DatabaseSync(file).close();
  assert.deepEqual(await thread.ask(query), [[{ one: 1n }]]);
  await thread.close();
});
