/** The receiver in `examples/` does what the documentation says of it. */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { on, once } from "node:events";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { resolveByDns } from "../../src/events/address.ts";
import { closeChannel, deliver, openChannel, type Attempt } from "../../src/events/deliver.ts";
import { litellmBody } from "../../src/events/litellm-body.ts";
import { tracking } from "./event.ts";

const EXAMPLE = join(import.meta.dirname, "../../examples/webhook-receiver.ts");
const SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const OTHER_SECRET = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

test("the example prints a signed event once, and refuses one that is not signed with its secret", async (t) => {
  const example = startExample(t);
  const [, port = ""] = await example.printed(/port: (\d+)/);
  const url = `http://127.0.0.1:${port}/`;
  assert.equal((await send({ url, secret: OTHER_SECRET }, "evt_forged")).kind, "failed");
  assert.equal((await send({ url, secret: null }, "evt_unsigned")).kind, "failed");
  for (const id of ["evt_1", "evt_1", "evt_2"]) {
    assert.deepEqual(await send({ url, secret: SECRET }, id), { kind: "delivered", status: 204 });
  }
  const { input } = await example.printed(/^evt_2 \{[^]*?^\}/m);
  assert.deepEqual(input.match(/evt_\w+/g), ["evt_1", "evt_2"]);
});

interface Example {
  /** Resolves once the pattern is in what it has printed. */
  printed(pattern: RegExp): Promise<RegExpExecArray>;
}

function startExample(t: TestContext): Example {
  const env = { ...process.env, PORT: "0", WEBHOOK_SECRET: SECRET };
  const child = spawn(process.execPath, [EXAMPLE], { env, stdio: ["ignore", "pipe", "ignore"] });
  t.after(async () => {
    child.kill();
    await once(child, "exit");
  });
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => (output += chunk));
  return {
    async printed(pattern) {
      const chunks = on(child.stdout, "data", { close: ["end"] });
      for (let found = pattern.exec(output); ; found = pattern.exec(output)) {
        if (found !== null) return found;
        if ((await chunks.next()).done === true) assert.fail(`it ended after: ${output}`);
      }
    },
  };
}

async function send(
  { url, secret }: { readonly url: string; readonly secret: string | null },
  id: string,
): Promise<Attempt> {
  const bounds = { timeoutMs: 10_000, connectionsMax: 1 };
  const guard = { networksAllowed: [], resolve: resolveByDns };
  const channel = openChannel({ url, isTrusted: true }, { ...bounds, ...guard });
  // The receiver compares the time with its own clock, as every verifier does.
  const body = litellmBody(tracking("acme", 1n), "customer");
  const secrets = secret === null ? ("unsigned" as const) : [{ text: secret, until: null }];
  const attempt = await deliver({ id, at: Date.now(), body, secrets }, channel);
  await closeChannel(channel);
  return attempt;
}
