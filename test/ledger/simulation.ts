/**
 * A fleet in miniature, in which anything may stop between any two steps. Instances share one book; a call on one of
 * them reserves, forwards, settles and answers; the dice decide who takes the next step and what breaks.
 */

import assert from "node:assert/strict";

import { LIFETIME } from "../../src/money/window.ts";
import type { Hold } from "../../src/ledger/book.ts";
import type { Command, Outcome, Policy, Settle, UnsettledCharge } from "../../src/ledger/command.ts";
import { Book } from "../support/book.ts";
import * as ledger from "../support/ledger.ts";
import type { Dice } from "../support/seed.ts";

const INSTANCES = 3;
const STEPS = 250;
const CUSTOMERS = ["acme", "bert", "carl"];

/** Yields each command that must be durable before it goes on, and `null` where it could be stopped besides. */
type Work = Generator<Command | null, void, Outcome>;

/** A piece of work and what it waits for. */
interface Task {
  readonly work: Work;
  command: Command | null;
  outcome: Outcome | null;
}

interface Instance {
  readonly name: string;
  /** Its id is another after each start. */
  starts: number;
  isUp: boolean;
  /** Lost in a crash. */
  tasks: Task[];
  /** On its own disk: settles that found the ledger out of reach. */
  readonly spool: Map<string, Settle>;
}
...
