/** The keys that say how long a call may take, and what becomes of one whose client does not wait for it. */

import { DEFAULTS } from "./defaults.ts";
import type { Key, Keys } from "./key.ts";
import { oneOf, seconds } from "./value.ts";

/** Node's timers fire at once for more than 24.8 days; no call is a day long. */
const DEADLINE_SECONDS_MAX = 86_400;
const MS_PER_SECOND = 1000;

export const DEADLINE_KEYS = {
  headers_timeout: deadline("Until the provider's response headers.", "headersMs"),
  idle_timeout: deadline("Between two pieces of the provider's answer.", "idleMs"),
  call_timeout: deadline("For the whole call.", "callMs"),
  on_disconnect: {
    parse: oneOf(["abort", "drain"]),
    about:
      "When a client leaves, `abort` its call and charge what was made, or `drain` it for the provider's count.",
    default: `\`${DEFAULTS.onDisconnect}\``,
  },
  drain_timeout: deadline("For what is left of a call that is drained.", "drainMs"),
  shutdown_timeout: deadline("For calls in flight after SIGTERM.", "shutdownMs"),
} satisfies Keys;

function deadline(about: string, name: keyof typeof DEFAULTS.deadlines): Key<number> {
  const example = DEFAULTS.deadlines[name] / MS_PER_SECOND;
  return {
    parse: seconds({ min: 0.001, max: DEADLINE_SECONDS_MAX, example }),
    about: `Seconds. ${about}`,
    default: `\`${example}\``,
  };
}
