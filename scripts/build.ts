/** Emits `dist/` for publishing: the sources as JavaScript, and what they read besides. */

import { execFileSync } from "node:child_process";
import { chmodSync, cpSync, globSync, rmSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");
const at = (path: string) => join(root, path);

rmSync(at("dist"), { recursive: true, force: true });
execFileSync(at("node_modules/.bin/tsc"), ["-p", "tsconfig.build.json"], {
  cwd: root,
  stdio: "inherit",
});
for (const file of globSync("src/**/*.sql", { cwd: root })) {
  cpSync(at(file), at(file.replace(/^src/, "dist")));
}
chmodSync(at("dist/main.js"), 0o755);
