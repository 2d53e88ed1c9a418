/** For which customer a call is. That is settled before anything else is looked at. */

import type { IncomingHttpHeaders } from "node:http";
import { firstHeader } from "../http/auth.ts";
import { ApiError } from "../http/errors.ts";
import { customerIdFault } from "../ledger/customer-id.ts";
import type { Json, JsonObject } from "../platform/json.ts";

/** Always read, in this order, and before the body. */
const CUSTOMER_HEADERS = ["x-litellm-customer-id", "x-litellm-end-user-id"] as const;

/** The customer that a call names: the headers first, then the body's `user`. Null if it names none. */
export function customerOf(headers: IncomingHttpHeaders, body: JsonObject): string | null {
  const named = CUSTOMER_HEADERS.map((name) => utf8(firstHeader(headers, name)));
  const sources = [...named, body["user"]];
  const id = sources.map(idOf).find((source) => source !== null) ?? null;
  if (id !== null) refuseJunk(id);
  return id;
}

/** Text and numbers are ids. Blank text, booleans and structures are not, and the next source is looked at. */
function idOf(source: Json | undefined): string | null {
  if (typeof source === "number") return numberId(source);
  return typeof source === "string" && source.trim() !== "" ? source : null;
}

/** Above 2^53 several numbers read as the same one, and two customers would share an account. */
function numberId(id: number): string {
  if (!Number.isInteger(id) || Number.isSafeInteger(id)) return String(id);
  throw new ApiError("invalid_request", "A customer id this large must be text.", {
    param: "user",
  });
}

/** Node reads the bytes of headers as Latin-1. */
function utf8(header: string | undefined): string | undefined {
  return header === undefined ? undefined : Buffer.from(header, "latin1").toString("utf8");
}

function refuseJunk(id: string): void {
  const fault = customerIdFault(id);
  if (fault === null) return;
  throw new ApiError("invalid_request", `The customer id ${fault}.`, { param: "user" });
}
