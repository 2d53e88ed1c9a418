/** The keys of one export. */

import type { Keys } from "./key.ts";
import { parseCredential } from "./settings.ts";
import { oneOf, parseHttpUrl, parseId } from "./value.ts";

export const EXPORT_KEYS = {
  to: {
    parse: oneOf(["stripe", "openmeter", "lago"]),
    about: "The billing system: `stripe`, `openmeter` or `lago`.",
    required: 'write "stripe", "openmeter" or "lago"',
  },
  meter: {
    parse: parseId,
    about: "Stripe's event name, OpenMeter's event type, Lago's code of a billable metric.",
    required: "add the name of the meter",
  },
  api_key: {
    parse: parseCredential,
    about: "Its key.",
    required: "add it, best as os.environ/NAME",
    secret: true,
  },
  api_base: { parse: parseHttpUrl, about: "Its address.", default: "its own cloud" },
} satisfies Keys;
