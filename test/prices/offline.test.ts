/** The price list is part of the package: what calls cost does not depend on what can be reached. */

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { versionsOf } from "./versions.ts";

test("a process that may not use the network has every price that one has which may", async () => {
  const script = fileURLToPath(new URL("versions.ts", import.meta.url));
  const confined = ["--permission", "--allow-fs-read=*", script];
  const { stdout } = await promisify(execFile)(process.execPath, confined);
  const { connecting, versions } = JSON.parse(stdout) as { connecting: string; versions: unknown };
  assert.equal(connecting, "ERR_ACCESS_DENIED");
  assert.deepEqual(versions, versionsOf());
  assert.ok(versionsOf().every((version) => version !== null));
});
