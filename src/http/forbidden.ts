/** What a key is told that may not do what it asks. */

import { roleOf, type Caller } from "./auth.ts";
import { ApiError } from "./errors.ts";

/** LiteLLM's words, and its status. */
export function forbidden(route: string, caller: Caller): ApiError {
  const message =
    "Authentication Error, Only proxy admin can be used to generate, delete, update info for new keys/users/teams. " +
    `Route=${route}. Your role=${roleOf(caller)}. Your user_id=${masked(caller)}`;
  return new ApiError("authentication", message, { param: "None" });
}

/** Where LiteLLM has other words, and its other envelope. */
export function notAdmin(caller: Caller): ApiError {
  const message = `Admin-only endpoint. Your user role=${roleOf(caller)}`;
  return new ApiError("authentication", message, { detail: true });
}

/** The first six characters and the last two. */
function masked({ key }: Caller): string {
  const id = key?.userId ?? null;
  if (id === null) return "None";
  return id.length <= 8
    ? "*".repeat(id.length)
    : `${id.slice(0, 6)}${"*".repeat(id.length - 8)}${id.slice(-2)}`;
}
