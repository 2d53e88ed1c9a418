/** What can stand in `alert_types`, and the events that it is about. */

import type { EventType } from "../ledger/event.ts";
import { words } from "./words.ts";

export const BUDGET_TYPES: readonly EventType[] = [
  "budget.threshold_reached",
  "budget.soft_crossed",
  "budget.crossed",
  "budget.projected_exceeded",
];

/** Those that LiteLLM's body has a name for. */
export const WEBHOOK_TYPES: readonly EventType[] = ["customer.spend_tracked", ...BUDGET_TYPES];

/** What of LiteLLM's alerts is about budgets. */
export const BUDGET_ALERTS = "budget_alerts";

/** LiteLLM's alerts and the names of single events. What else LiteLLM alerts of is nothing that Purser tells. */
export const ALERT_TYPES: readonly string[] = [
  BUDGET_ALERTS,
  ...WEBHOOK_TYPES,
  ...words(`
    llm_exceptions llm_too_slow llm_requests_hanging spend_reports failed_tracking_spend db_exceptions daily_reports
    cooldown_deployment new_model_added outage_alerts region_outage_alerts fallback_reports new_virtual_key_created
    virtual_key_updated virtual_key_deleted new_team_created team_updated team_deleted new_internal_user_created
    internal_user_updated internal_user_deleted`),
];
