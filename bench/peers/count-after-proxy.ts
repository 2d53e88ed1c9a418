/**
 * A reference of our own, not a product: the bare proxy that counts a call once it has ended and looks at the count
 * before it begins. Run as `count-after-proxy.ts <port> <upstream> <limit in nano-dollars>`. In memory and at once, it
 * is the best that counting after the call can do.
 */

import { createServer, type ServerResponse } from "node:http";
import { argv } from "node:process";
import { Pool } from "undici";
import { costNano } from "../money.ts";

const [port = "0", upstream = "", limit = "0"] = argv.slice(2);
const pool = new Pool(upstream, { connections: 256, pipelining: 1 });
const spent = new Map<string, bigint>();

createServer((request, response) => {
  if (request.method === "GET") {
    response.end(JSON.stringify(Object.fromEntries([...spent].map(([id, n]) => [id, Number(n)]))));
    return;
  }
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  request.on("end", () => void forward(Buffer.concat(chunks), response));
}).listen(Number(port), "127.0.0.1");

async function forward(body: Buffer, response: ServerResponse): Promise<void> {
  const { user: customer = "" } = JSON.parse(body.toString()) as { readonly user?: string };
  if ((spent.get(customer) ?? 0n) >= BigInt(limit)) {
    response.writeHead(429, { "content-type": "application/json" });
    response.end('{"error":{"message":"over budget","type":"budget_exceeded"}}');
    return;
  }
  const answer = await pool.request({
    method: "POST",
    path: "/v1/chat/completions",
    headers: { "content-type": "application/json" },
    body,
  });
  response.writeHead(answer.statusCode, { "content-type": String(answer.headers["content-type"]) });
  let tail = "";
  for await (const chunk of answer.body) {
    response.write(chunk as Buffer);
    tail = (tail + String(chunk)).slice(-2000);
  }
  response.end();
  const used = /"prompt_tokens":(\d+),"completion_tokens":(\d+)/.exec(tail);
  const cost = used === null ? 0n : costNano(Number(used[1]), Number(used[2]));
  spent.set(customer, (spent.get(customer) ?? 0n) + cost);
}
