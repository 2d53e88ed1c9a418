/** What a deployment in a cloud names in place of one key, or its environment does. */

import type { CloudConfig, GoogleCredentials } from "./config.ts";
import { readGoogleCredentials } from "./google.ts";
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
  vertex_credentials: ["GOOGLE_APPLICATION_CREDENTIALS"],
};

/** LiteLLM's. */
const LOCATION_DEFAULT = "us-central1";

export const NO_CLOUD: CloudConfig = {
  region: null,
  project: null,
  credentials: null,
  accessKeyId: null,
  secretAccessKey: null,
  sessionToken: null,
};

/** What of the deployment's way is known already. */
interface Known {
  readonly region: string | null;
  readonly hasKey: boolean;
  readonly hasBase: boolean;
}

export function readCloud(
  cloud: "amazon" | "google",
  params: Params,
  known: Known,
  scope: Scope,
): CloudConfig {
  return cloud === "amazon" ? readAmazon(params, known, scope) : readGoogle(params, known, scope);
}

/** Without a key of Bedrock's own, calls are signed with a pair. */
function readAmazon(params: Params, { hasKey, ...known }: Known, scope: Scope): CloudConfig {
  const read = (name: CloudKey) => params[name] ?? fromVariables(name, scope);
  const need = (name: CloudKey, value: string | null, cure: string) => {
    if (value === null) addMistake(inside(scope, name), "is missing", cure);
    return value;
  };
  const region = need(
    "aws_region_name",
    params.aws_region_name ?? known.region ?? read("aws_region_name"),
    "add it, or set AWS_REGION_NAME",
  );
  const [accessKeyId, secretAccessKey] = (
    ["aws_access_key_id", "aws_secret_access_key"] as const
  ).map((name) => {
    const cure = `add it, or set ${name.toUpperCase()}; or give a Bedrock key as api_key`;
    return hasKey ? read(name) : need(name, read(name), cure);
  });
  return {
    ...NO_CLOUD,
    region,
    accessKeyId: accessKeyId ?? null,
    secretAccessKey: secretAccessKey ?? null,
    sessionToken: read("aws_session_token"),
  };
}

function readGoogle(params: Params, known: Known, scope: Scope): CloudConfig {
  const read = (name: CloudKey) => params[name] ?? fromVariables(name, scope);
  const given = read("vertex_credentials");
  const here = inside(scope, "vertex_credentials");
  const credentials = given === null ? null : readGoogleCredentials(given, here);
  const project = read("vertex_project") ?? projectOf(credentials);
  if (project === null && !known.hasKey && !known.hasBase) {
    addMistake(inside(scope, "vertex_project"), "is missing", "add it, or set VERTEXAI_PROJECT");
  }
  const region = read("vertex_location") ?? LOCATION_DEFAULT;
  return { ...NO_CLOUD, region, project, credentials };
}

function projectOf(credentials: GoogleCredentials | null): string | null {
  return credentials?.kind === "service_account" ? credentials.account.project : null;
}

function fromVariables(name: CloudKey, scope: Scope): string | null {
  const names = VARIABLES_OF[name] ?? [];
  const set = names.find((each) => variable(scope.variables, each) !== undefined);
  const key: Key<string> = CLOUD_KEYS[name];
  return set === undefined ? null : readVariable(set, key, scope);
}
