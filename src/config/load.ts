/** config.yaml, the environment and the flags as one frozen configuration, or every mistake at once. */

import { assemble, type Flags } from "./assemble.ts";
import type { Config } from "./config.ts";
import { demoDocument } from "./demo.ts";
import type { Mistake } from "./mistake.ts";
import { noFindings, type Scope, type Variables } from "./scope.ts";
import { readYamlFile } from "./yaml.ts";

export interface ConfigSources {
  /** Null for the built-in demonstration. */
  readonly file: string | null;
  readonly env: Variables;
  readonly argv: Flags;
}

type LoadedConfig =
  | { readonly ok: true; readonly config: Config }
  | { readonly ok: false; readonly mistakes: readonly Mistake[] };

/** A flag wins over the file, the file over the environment, and all of them over the default. */
export function loadConfig({ file, env, argv }: ConfigSources): LoadedConfig {
  const scope: Scope = { path: "", variables: env, findings: noFindings() };
  const document = file === null ? demoDocument(env) : readYamlFile(file, scope);
  const config = document && assemble(document, argv, scope);
  const { mistakes } = scope.findings;
  return config === null || mistakes.length > 0
    ? { ok: false, mistakes }
    : { ok: true, config: freeze(config) };
}

/** All the way down: everyone shares it, nobody may change it. */
function freeze<T>(value: T): T {
  if (typeof value === "object" && value !== null) Object.values(value).forEach(freeze);
  return Object.freeze(value);
}
