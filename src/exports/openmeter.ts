/** OpenMeter's usage events, which are CloudEvents: https://openmeter.io/docs */

import type { ExportConfig } from "../config/config.ts";
import { figuresOf, type Charge, type UsageRequest } from "./charge.ts";

/** An event whose id and source it has is dropped there without a word. */
export function openmeterRequest(charge: Charge, { meter, apiKey }: ExportConfig): UsageRequest {
  const { id, at, customer } = charge;
  const event = {
    specversion: "1.0",
    id,
    source: "purser",
    type: meter,
    subject: customer,
    time: Temporal.Instant.fromEpochMilliseconds(at).toString(),
    datacontenttype: "application/json",
    data: figuresOf(charge),
  };
  return {
    path: "/api/v1/events",
    headers: {
      authorization: `Bearer ${apiKey}`,
      "content-type": "application/cloudevents+json",
    },
    body: JSON.stringify(event),
  };
}
