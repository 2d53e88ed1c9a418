/** Receives Purser's events, checks that they are Purser's, and prints each once. Runs by itself, on port 9999. */

import { createServer, type IncomingMessage } from "node:http";
import { text } from "node:stream/consumers";
import { Webhook } from "standardwebhooks";

/** Of deliveries that were seen. A receiver that bills makes the id unique in its database instead. */
const SEEN_IDS_MAX = 10_000;

const port = Number(process.env["PORT"] ?? 9999);
const secret = process.env["WEBHOOK_SECRET"];
const webhook = secret === undefined ? null : new Webhook(secret);
const seen = new Set<string>();

const server = createServer((request, response) => {
  receive(request).then(
    (status) => response.writeHead(status).end(),
    (error: unknown) => {
      console.error(String(error));
      response.writeHead(400).end();
    },
  );
});
server.listen(port, () => console.log("listening on", server.address()));

/** Whatever is not answered with a 2xx comes again, so an event is remembered only once it is dealt with. */
async function receive(request: IncomingMessage): Promise<number> {
  const id = String(request.headers["webhook-id"]);
  const body = await text(request);
  // Over the bytes as they came: parsed and printed again, they could differ and the signature would not fit.
  webhook?.verify(body, request.headers as Record<string, string>);
  if (seen.has(id)) return 204;
  const event: unknown = JSON.parse(body);
  console.log(id, event);
  remember(id);
  return 204;
}

function remember(id: string): void {
  const oldest = seen.values().next().value;
  if (seen.size >= SEEN_IDS_MAX && oldest !== undefined) seen.delete(oldest);
  seen.add(id);
}
