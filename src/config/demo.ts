/** The configuration that serves when no file is given: three models of the `fake` provider, nothing to sign up for. */

import type { JsonObject } from "../platform/json.ts";
import { variable, type Variables } from "./scope.ts";

/** Printed in every example, so it protects nothing but a demonstration. */
export const DEMO_MASTER_KEY = "sk-1234";

/** List prices of the real models, so that the amounts of a demonstration look like amounts. */
const MODELS = [
  { name: "azure-gpt-3.5", model: "fake/gpt-35-turbo", input: "0.0000005", output: "0.0000015" },
  { name: "mistral", model: "fake/mistral-large", input: "0.000002", output: "0.000006" },
  { name: "fake-gpt", model: "fake/gpt-4o-mini", input: "0.00000015", output: "0.0000006" },
];

/** With a file, an absent key or webhook would be a mistake; here the environment alone decides. */
export function demoDocument(variables: Variables): JsonObject {
  const given = ["PURSER_MASTER_KEY", "LITELLM_MASTER_KEY"].some(
    (name) => variable(variables, name) !== undefined,
  );
  const channels = { webhook: "WEBHOOK_URL", slack: "SLACK_WEBHOOK_URL" };
  const alerting = Object.entries(channels)
    .filter(([, name]) => variable(variables, name) !== undefined)
    .map(([channel]) => channel);
  return {
    model_list: MODELS.map(({ name, model, input, output }) => ({
      model_name: name,
      litellm_params: { model },
      model_info: {
        id: name,
        input_cost_per_token: input,
        output_cost_per_token: output,
        max_output_tokens: 4096,
      },
    })),
    general_settings: {
      master_key: given ? null : DEMO_MASTER_KEY,
      alerting,
    },
  };
}
