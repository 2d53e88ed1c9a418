/** What the provider learns of who the customer is. */

import { createHmac } from "node:crypto";
import type { UpstreamUser } from "../config/config.ts";
import type { Json, JsonObject } from "../platform/json.ts";
import type { Call } from "./call.ts";
import { structureOf } from "./identify.ts";

/** Changes of the body; an undefined field is left out. Headers that name the customer never go on. */
export function upstreamUser(
  call: Pick<Call, "body" | "customer">,
  rule: UpstreamUser,
): JsonObject {
  return { ...withoutNames(call.body), ...userFields(call, rule) };
}

/** Fields that are meant for the gateway alone. */
function withoutNames(body: JsonObject): JsonObject {
  const { litellm_metadata: ours, metadata } = body;
  return {
    ...(ours === undefined ? {} : { litellm_metadata: undefined }),
    ...(metadata === undefined ? {} : { metadata: withoutUserId(metadata) }),
  };
}

/** As it came, text or object, but for the one field; nothing if nothing else is in it. */
function withoutUserId(metadata: Json): Json | undefined {
  const structure = structureOf(metadata);
  if (structure === null || !Object.hasOwn(structure, "user_id")) return metadata;
  const { user_id: _, ...others } = structure;
  if (Object.keys(others).length === 0) return undefined;
  return typeof metadata === "string" ? JSON.stringify(others) : others;
}

function userFields({ body, customer }: Pick<Call, "body" | "customer">, rule: UpstreamUser) {
  switch (rule.mode) {
    case "pass":
      return {};
    case "strip":
      return { user: undefined, safety_identifier: undefined };
    case "hash": {
      const { safety_identifier: person } = body;
      const isId = typeof person === "string" || typeof person === "number";
      return {
        user: customer === null ? undefined : opaque(customer, rule.secret),
        safety_identifier: isId ? opaque(String(person), rule.secret) : undefined,
      };
    }
  }
}

/** The same for the same id, so that abuse can be traced back, and no way back without the secret. */
function opaque(id: string, secret: string): string {
  return createHmac("sha256", secret).update(id).digest("hex");
}
