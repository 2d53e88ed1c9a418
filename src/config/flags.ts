/** The flags of the command line that are settings; the reader and docs/configuration.md both go by this table. */

import { DEFAULTS } from "./defaults.ts";
import type { Keys } from "./key.ts";
import { parseText, wholeNumber } from "./value.ts";

export const FLAGS = {
  host: {
    parse: parseText,
    about: "The address to listen on; `0.0.0.0` is every one.",
    default: `\`${DEFAULTS.host}\``,
  },
  port: {
    parse: wholeNumber({ min: 0, max: 65_535, what: "a port", example: DEFAULTS.port }),
    about: "The port to listen on; `0` is any that is free.",
    default: `\`${DEFAULTS.port}\``,
  },
} satisfies Keys;
