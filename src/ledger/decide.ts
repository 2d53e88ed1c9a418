/** The rules of the ledger, as a pure function. */
import type { Command, Policy } from "./command.ts";
import type { Decision, Rows } from "./rows.ts";
export function decide(_rows: Rows, _commands: readonly Command[], _policy: Policy): Decision {
  throw new Error("not yet");
}
