/** One transaction for everything that came together. */

import type { Command, Outcome, Policy } from "../../ledger/command.ts";
import { decide } from "../../ledger/decide.ts";
import type { Row, SqlValue } from "../rows.ts";
import { shareOut } from "../share.ts";
import type { Connection } from "./connection.ts";
import { load } from "./load.ts";
import { save } from "./save.ts";

export interface Statement {
  readonly text: string;
  readonly parameters: readonly SqlValue[];
}

/** What is written, through the ledger's rules or beside them. */
export type Task = Statement | { readonly commands: readonly Command[] };

export type Result = readonly Outcome[] | readonly Row[];

export function commitBatch(
  connection: Connection,
  tasks: readonly Task[],
  policy: Policy,
): readonly Result[] {
  return connection.transaction(() => {
    const applied = applyAll(connection, tasks.map(commandsOf), policy);
    return tasks.map((task, index) =>
      "text" in task ? connection.run(task.text, task.parameters) : (applied[index] ?? []),
    );
  });
}

export function commandsOf(task: Task): readonly Command[] {
  return "commands" in task ? task.commands : [];
}

/** Decided together, so that a counter that many of the commands move is written once. */
function applyAll(
  connection: Connection,
  batch: readonly (readonly Command[])[],
  policy: Policy,
): readonly (readonly Outcome[])[] {
  const commands = batch.flat();
  if (commands.length === 0) return [];
  const { outcomes, changes } = decide(load(connection, commands, policy), commands, policy);
  save(connection, changes);
  return shareOut(batch, outcomes);
}
