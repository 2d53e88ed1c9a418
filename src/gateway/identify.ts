/** Who calls, and for which customer. Both are settled before anything else is looked at. */

import type { IncomingHttpHeaders } from "node:http";
import { authenticate, firstHeader } from "../http/auth.ts";
import { ApiError } from "../http/errors.ts";
import { customerIdFault } from "../ledger/customer-id.ts";
import type { Json, JsonObject } from "../platform/json.ts";
import type { Caller } from "./call.ts";

/** Always read, in this order, and before the body. */
const CUSTOMER_HEADERS = ["x-litellm-customer-id", "x-litellm-end-user-id"] as const;

export function identify(headers: IncomingHttpHeaders, masterKeyHash: string): Caller {
  return { keyHash: authenticate(headers, masterKeyHash), keyAlias: null, keyVersion: null };
}

/** The customer that a call names: the headers first, then the body's `user`. Null if it names none. */
export function customerOf(headers: IncomingHttpHeaders, body: JsonObject): string | null {
  const sources = [...CUSTOMER_HEADERS.map((name) => firstHeader(headers, name)), body["user"]];
  const id = sources.map(idOf).find((source) => source !== null) ?? null;
  if (id !== null) refuseJunk(id);
  return id;
}

/** Text and numbers are ids. Blank text, booleans and structures are not, and the next source is looked at. */
function idOf(source: Json | undefined): string | null {
  if (typeof source === "number") return String(source);
  return typeof source === "string" && source.trim() !== "" ? source : null;
}

function refuseJunk(id: string): void {
  const fault = customerIdFault(id);
  if (fault === null) return;
  throw new ApiError("invalid_request", `The customer id ${fault}.`, { param: "user" });
}
