/** Configurations as a test writes them: a document or the text of a file, an environment, flags. */

import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stringify } from "yaml";
import type { Config } from "../../src/config/config.ts";
import { loadConfig, type ConfigSources } from "../../src/config/load.ts";
import type { Mistake } from "../../src/config/mistake.ts";

type Surroundings = Partial<Omit<ConfigSources, "file">>;

export const MASTER_KEY = "sk-test-master";

/** As little as a file may say. */
export const MINIMAL = {
  model_list: [{ model_name: "m", litellm_params: { model: "fake/m" } }],
  general_settings: { master_key: MASTER_KEY },
};

/** As Google hands one out, with a key of nobody's. */
export const SERVICE_ACCOUNT = {
  type: "service_account",
  client_email: "a@p.iam.gserviceaccount.com",
  private_key: generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({
    type: "pkcs8",
    format: "pem",
  }),
};

/** Calls `use` with a file of this text; a document is written as YAML. */
export function withFile<T>(content: unknown, use: (file: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), "purser-config-"));
  const file = join(folder, "config.yaml");
  try {
    writeFileSync(file, typeof content === "string" ? content : stringify(content));
    return use(file);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

export function load(content: unknown, surroundings: Surroundings = {}) {
  return withFile(content, (file) => loadFrom(file, surroundings));
}

export function loadFrom(file: string | null, surroundings: Surroundings = {}) {
  return loadConfig({ file, env: {}, argv: { host: null, port: null }, ...surroundings });
}

/** The configuration, which must have no mistakes. */
export function configOf(content: unknown, surroundings: Surroundings = {}): Config {
  return expectConfig(load(content, surroundings));
}

export function expectConfig(loaded: ReturnType<typeof loadConfig>): Config {
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.mistakes, null, 1));
  return loaded.config;
}

export function mistakesOf(content: unknown, surroundings: Surroundings = {}): readonly Mistake[] {
  const loaded = load(content, surroundings);
  return loaded.ok ? [] : loaded.mistakes;
}

/** A file that is right but for what is added to its general settings. */
export function withGeneral(settings: object): object {
  const general_settings = { ...MINIMAL.general_settings, ...settings };
  return { ...MINIMAL, general_settings };
}

/** A file of one deployment with these parameters. */
export function withParams(litellm_params: object, model_info: object = {}): object {
  return { ...MINIMAL, model_list: [{ model_name: "m", litellm_params, model_info }] };
}
