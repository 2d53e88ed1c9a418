/** A bare Fastify + undici proxy, run as `fastify-proxy.ts <port> <upstream>`: what Node costs without accounts. */

import type { OutgoingHttpHeaders } from "node:http";
import { argv } from "node:process";
import Fastify, { type FastifyReply } from "fastify";
import { Pool, type Dispatcher } from "undici";

const [port = "0", upstream = ""] = argv.slice(2);
const pool = new Pool(upstream, { connections: 256, pipelining: 1 });
const app = Fastify();
app.addContentTypeParser("application/json", { parseAs: "buffer" }, (_request, body, done) => {
  done(null, body);
});

app.get("/ready", () => ({ ready: true }));
app.post("/v1/*", (request, reply) => {
  reply.hijack();
  const headers = { "content-type": "application/json" };
  const body = request.body as Buffer;
  pool.dispatch({ method: "POST", path: request.url, headers, body }, new Forward(reply));
});

await app.listen({ port: Number(port), host: "127.0.0.1" });

class Forward implements Dispatcher.DispatchHandler {
  readonly #reply: FastifyReply;

  constructor(reply: FastifyReply) {
    this.#reply = reply;
  }

  onRequestStart(): void {}

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>,
  ): void {
    const { "content-type": type, "content-length": length } = headers;
    const copied: OutgoingHttpHeaders = { "content-type": String(type) };
    if (length !== undefined) copied["content-length"] = String(length);
    this.#reply.raw.writeHead(status, copied);
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#reply.raw.write(chunk);
  }

  onResponseEnd(): void {
    this.#reply.raw.end();
  }

  onResponseError(): void {
    this.#reply.raw.destroy();
  }
}
