/** The command line: what to do, and with which settings. */

import { parseArgs } from "node:util";

const COMMANDS = ["start", "check", "audit", "help"] as const;
export type CommandName = (typeof COMMANDS)[number];

export interface Arguments {
  readonly command: CommandName;
  readonly config: string | null;
  readonly host: string | null;
  readonly port: string | null;
}

export const USAGE = `Usage: purser [start|check|audit] [--config FILE] [--host HOST] [--port PORT]

  start   serve (the default); without --config: a demo with an embedded database and a built-in provider
  check   say what is wrong with the configuration, or that nothing is
  audit   recompute every total from the postings and print the drift
`;

/** The arguments, or the sentence that says what is wrong with them. */
export function readArguments(argv: readonly string[]): Arguments | string {
  try {
    const { values, positionals } = parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        config: { type: "string", short: "c" },
        host: { type: "string" },
        port: { type: "string", short: "p" },
        help: { type: "boolean", short: "h" },
      },
    });
    const [name = values.help === true ? "help" : "start", ...rest] = positionals;
    const command = COMMANDS.find((known) => known === name);
    if (command === undefined || rest.length > 0) {
      return `unknown command: ${positionals.join(" ")}\n\n${USAGE}`;
    }
    const { config = null, host = null, port = null } = values;
    return { command, config, host, port };
  } catch (error) {
    return `${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`;
  }
}
