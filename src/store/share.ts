/** Several callers' commands are decided as one list; each caller gets the answers to its own. */

import type { Command, Outcome } from "../ledger/command.ts";

export function shareOut(
  batch: readonly (readonly Command[])[],
  outcomes: readonly Outcome[],
): readonly (readonly Outcome[])[] {
  let given = 0;
  return batch.map((commands) => {
    const from = given;
    given += commands.length;
    return outcomes.slice(from, given);
  });
}
