/** Who is told of events by the operator's word: LiteLLM's channels, and which of its alerts they get. */

import type { EventType } from "../ledger/event.ts";
import { BUDGET_ALERTS, BUDGET_TYPES, WEBHOOK_TYPES } from "./alert-types.ts";
import type { EventsConfig } from "./config.ts";
import type { Values } from "./key.ts";
import { VARIABLES, type KEYS } from "./keys.ts";
import { addIgnored, addMistake, addWarning, inside, variable, type Scope } from "./scope.ts";
import { readVariable } from "./section.ts";

type General = Values<(typeof KEYS)["general_settings"]>;

/** Both channels, by the variable that holds the address. */
const CHANNELS = { webhook: "WEBHOOK_URL", slack: "SLACK_WEBHOOK_URL" } as const;

export function readEvents(general: General, scope: Scope): EventsConfig {
  const channels = general.alerting ?? [];
  noteOthers(channels, scope);
  const types = chosenTypes(general.alert_types);
  const webhook = readAddress("webhook", channels, scope);
  const slack = readAddress("slack", channels, scope);
  const secret = readVariable("WEBHOOK_SECRET", VARIABLES.WEBHOOK_SECRET, scope);
  const customerGroup = general.webhook_event_group ?? "customer";
  return {
    webhook: webhook === null ? null : { url: webhook, secret, types, customerGroup },
    slack:
      slack === null
        ? null
        : { url: slack, types: types.filter((type) => BUDGET_TYPES.includes(type)) },
    networksAllowed: general.webhook_networks ?? [],
  };
}

/**
 * LiteLLM's names leave out budget alerts only by not naming them, and its spend events never. Who names an event by
 * its own name gets those that are named.
 */
function chosenTypes(names: readonly string[] | null): readonly EventType[] {
  if (names === null) return WEBHOOK_TYPES;
  const budgets = names.includes(BUDGET_ALERTS) ? BUDGET_TYPES : [];
  const named = WEBHOOK_TYPES.filter((type) => names.includes(type));
  const others = named.length > 0 ? named : (["customer.spend_tracked"] as const);
  return [...new Set([...others, ...budgets])];
}

function noteOthers(channels: readonly string[], scope: Scope): void {
  const alerting = inside(inside(scope, "general_settings"), "alerting");
  for (const channel of channels.filter((name) => !Object.hasOwn(CHANNELS, name))) {
    const reason = `nothing is sent to "${channel}", only to "webhook" and "slack"`;
    addIgnored(alerting, reason);
    addWarning(alerting, reason);
  }
}

function readAddress(
  channel: keyof typeof CHANNELS,
  channels: readonly string[],
  scope: Scope,
): string | null {
  const name = CHANNELS[channel];
  const here = { ...scope, path: name };
  if (!channels.includes(channel)) {
    const isSet = variable(scope.variables, name) !== undefined;
    const cure = `has no effect without alerting: ["${channel}"] in general_settings`;
    if (isSet) addWarning(here, cure);
    return null;
  }
  const url = readVariable(name, VARIABLES[name], scope);
  if (url === null) {
    const cure = `set it, or remove "${channel}" from general_settings.alerting`;
    addMistake(here, "is missing", cure);
  }
  return url;
}
