/** Whom a call names as its customer, by every way that there is to say it. */

import { isUtf8 } from "node:buffer";
import type { IncomingHttpHeaders } from "node:http";
import type { CustomersConfig } from "../config/config.ts";
import { firstHeader } from "../http/auth.ts";
import { ApiError } from "../http/errors.ts";
import { customerIdFault } from "../ledger/customer-id.ts";
import { isObject, type Json, type JsonObject } from "../platform/json.ts";

/** What of the operator's settings decides who is meant. */
type NamingRules = Pick<CustomersConfig, "headers" | "idCharsMax" | "idPattern" | "idJsonPath">;

/** What a call says. The body is an object by now, be it that it came as JSON or as a form. */
export interface Naming {
  readonly headers: IncomingHttpHeaders;
  readonly body: JsonObject;
}

/** Always read, in this order, and before all others. */
const CUSTOMER_HEADERS = ["x-litellm-customer-id", "x-litellm-end-user-id"] as const;

/** How Claude Code named its sessions before it did so in JSON. */
const SESSION_NAME = /^user_[0-9a-f]+_account_.*_session_[0-9a-f-]+$/;

/** The customer that a call names: the first id among its sources. Null if it names none. */
export function customerOf(naming: Naming, rules: NamingRules): string | null {
  const [id = null] = idsIn(naming, rules);
  if (id !== null) refuseJunk(id, rules);
  return id;
}

/** Every id that a call names, the one that counts first. */
export function* idsIn({ headers, body }: Naming, rules: NamingRules): Generator<string> {
  for (const name of [...CUSTOMER_HEADERS, ...rules.headers]) {
    yield* idOf(textOf(firstHeader(headers, name)), rules.idJsonPath);
  }
  yield* idOf(body["user"], rules.idJsonPath);
  yield* idOf(structureOf(body["litellm_metadata"])?.["user"], rules.idJsonPath);
  yield* idOf(structureOf(body["metadata"])?.["user_id"], rules.idJsonPath);
  yield* idOf(body["safety_identifier"], rules.idJsonPath);
}

/** An id that cannot be is refused, not cut: two customers would share an account. */
export function refuseJunk(id: string, { idCharsMax, idPattern }: NamingRules): void {
  const fault =
    id.length > idCharsMax
      ? `is longer than ${String(idCharsMax)} characters`
      : customerIdFault(id);
  if (fault !== null) throw junk(`The customer id ${fault}.`);
  if (idPattern?.test(id) === false) {
    throw junk("The customer id does not match customer_id_pattern.");
  }
}

/** An object, or a text that is one in JSON: forms have nothing else. */
export function structureOf(value: Json | undefined): JsonObject | null {
  const given = typeof value === "string" ? parsed(value) : value;
  return isObject(given) ? given : null;
}

/** None or one. Text and numbers are ids; what is blank or anything else is none, and the next source is looked at. */
function idOf(source: Json | undefined, jsonPath: readonly string[] | null): readonly string[] {
  if (typeof source === "number") return [numberId(source)];
  if (typeof source !== "string" || source.trim() === "" || SESSION_NAME.test(source)) return [];
  const value = parsed(source);
  if (value === undefined) return [source];
  // Tools put whole records of a session here. Taken as it stands, each would be a customer of its own.
  return jsonPath === null ? [] : idOf(fieldAt(value, jsonPath), null);
}

/** What the text stands for, if it is an object or a list in JSON. */
function parsed(text: string): Json | undefined {
  if (!/^\s*[{[]/.test(text)) return undefined;
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}

function fieldAt(value: Json, path: readonly string[]): Json | undefined {
  return path.reduce<Json | undefined>(
    (found, field) => (isObject(found) ? found[field] : undefined),
    value,
  );
}

/** Above 2^53 several numbers read as the same one, and two customers would share an account. */
function numberId(id: number): string {
  if (Math.abs(id) <= Number.MAX_SAFE_INTEGER) return String(id);
  throw junk("A customer id this large must be text.");
}

/** Node reads the bytes of headers as Latin-1, and so do some clients write them; the others write UTF-8. */
function textOf(header: string | undefined): string | undefined {
  if (header === undefined) return undefined;
  const bytes = Buffer.from(header, "latin1");
  return isUtf8(bytes) ? bytes.toString("utf8") : header;
}

function junk(message: string): ApiError {
  return new ApiError("invalid_request", message, { param: "user" });
}
