/** What a deployment in a cloud names in place of one key, or its environment does. */

import { readFileSync } from "node:fs";
import type { CloudConfig } from "./config.ts";
import type { Key, Values } from "./key.ts";
import type { KEYS } from "./keys.ts";
import { CLOUD_KEYS } from "./routing-keys.ts";
import { addMistake, inside, variable, type Scope } from "./scope.ts";
import { readVariable } from "./section.ts";

type Params = Values<(typeof KEYS)["litellm_params"]>;
type CloudKey = keyof typeof CLOUD_KEYS;

/** The variables that stand for a key, in the order in which they are looked for. */
const VARIABLES_OF: Readonly<Partial<Record<CloudKey, readonly string[]>>> = {
  aws_region_name: ["AWS_REGION_NAME", "AWS_REGION"],
  aws_access_key_id: ["AWS_ACCESS_KEY_ID"],
  aws_secret_access_key: ["AWS_SECRET_ACCESS_KEY"],
  aws_session_token: ["AWS_SESSION_TOKEN"],
  vertex_project: ["VERTEXAI_PROJECT"],
  vertex_location: ["VERTEXAI_LOCATION"],
};

export function readCloud(cloud: "amazon" | "google", params: Params, scope: Scope): CloudConfig {
  const read = (name: CloudKey) => params[name] ?? fromVariables(name, scope);
  const isAmazon = cloud === "amazon";
  const region = isAmazon ? read("aws_region_name") : read("vertex_location");
  if (isAmazon && region === null) {
    addMistake(inside(scope, "aws_region_name"), "is missing", "add it, or set AWS_REGION_NAME");
  }
  return {
    region,
    project: isAmazon ? null : read("vertex_project"),
    credentials: isAmazon ? null : readCredentials(params.vertex_credentials, scope),
    accessKeyId: isAmazon ? read("aws_access_key_id") : null,
    secretAccessKey: isAmazon ? read("aws_secret_access_key") : null,
    sessionToken: isAmazon ? read("aws_session_token") : null,
  };
}

function fromVariables(name: CloudKey, scope: Scope): string | null {
  const names = VARIABLES_OF[name] ?? [];
  const set = names.find((each) => variable(scope.variables, each) !== undefined);
  const key: Key<string> = CLOUD_KEYS[name];
  return set === undefined ? null : readVariable(set, key, scope);
}

/** The path of a file, or what would stand in it. */
function readCredentials(given: string | null, scope: Scope): string | null {
  if (given === null || given.trimStart().startsWith("{")) return given;
  try {
    return readFileSync(given, "utf8");
  } catch {
    const here = inside(scope, "vertex_credentials");
    addMistake(here, "names a file that cannot be read", "give the path of a file, or its JSON");
    return null;
  }
}
