/** nginx as a bare proxy: one worker, upstream keep-alive, no log, no buffering. The floor of what proxying costs. */

import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePort, startProcess, type Server } from "../server.ts";

export async function startNginx(dir: string, upstream: string): Promise<Server> {
  nginxVersion();
  const port = await freePort();
  const home = join(dir, "nginx");
  mkdirSync(home, { recursive: true });
  writeFileSync(join(home, "nginx.conf"), config(home, port, new URL(upstream).host));
  const child = await startProcess({
    command: "nginx",
    args: ["-p", home, "-c", join(home, "nginx.conf"), "-e", join(home, "error.log")],
    cwd: home,
    readyUrl: `http://127.0.0.1:${port}/bench/ready`,
  });
  return {
    name: "nginx",
    origin: `http://127.0.0.1:${port}`,
    headers: {},
    pid: child.pid,
    databasePid: null,
    stop: child.stop,
  };
}

/** Throws where nginx is not installed. */
export function nginxVersion(): string {
  try {
    execFileSync("nginx", ["-v"], { stdio: "ignore" });
  } catch (error) {
    throw new Error("nginx is not installed", { cause: error });
  }
  return execFileSync("/bin/sh", ["-c", "nginx -v 2>&1"]).toString().trim().replace(/^.*\//, "");
}

function config(home: string, port: number, upstreamHost: string): string {
  return `
daemon off;
user ${process.getuid?.() === 0 ? "root" : "nobody"};
worker_processes 1;
pid ${home}/nginx.pid;
error_log ${home}/error.log crit;
events { worker_connections 4096; }
http {
  access_log off;
  client_body_temp_path ${home}/body;
  proxy_temp_path ${home}/proxy;
  fastcgi_temp_path ${home}/fastcgi;
  uwsgi_temp_path ${home}/uwsgi;
  scgi_temp_path ${home}/scgi;
  client_body_buffer_size 128k;
  keepalive_requests 100000000;
  upstream provider {
    server ${upstreamHost};
    keepalive 256;
    keepalive_requests 100000000;
  }
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass http://provider;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_buffering off;
    }
  }
}
`;
}
