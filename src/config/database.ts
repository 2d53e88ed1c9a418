/** Where the ledger is kept, from `sqlite:<file>` or a PostgreSQL address. */

import type { DatabaseConfig } from "./config.ts";
import { fit, misfit, parseText, type Parse, type Parsed } from "./value.ts";

/** PostgreSQL refuses a connection that names these: LiteLLM's database client takes them out, Purser's does not. */
const PRISMA_PARAMETERS = [
  "connection_limit",
  "pgbouncer",
  "pool_timeout",
  "schema",
  "socket_timeout",
  "sslaccept",
  "sslidentity",
  "sslpassword",
  "statement_cache_size",
];

export const parseDatabase: Parse<DatabaseConfig> = (value) => {
  const text = parseText(value);
  if (!text.ok) return text;
  const scheme = /^[a-z][a-z0-9+.-]*:/i.exec(text.value)?.[0].toLowerCase();
  if (scheme === "sqlite:") return sqlite(text.value.slice(scheme.length));
  if (scheme === "postgres:" || scheme === "postgresql:") return postgres(text.value);
  if (scheme === undefined) return misfit("has no scheme", "use postgres: or sqlite:");
  return misfit(`unknown scheme "${scheme}"`, "use postgres: or sqlite:");
};

/** `sqlite:file`, and the `sqlite:///absolute` that other programs write. */
function sqlite(rest: string): Parsed<DatabaseConfig> {
  const file = rest.replace(/^\/\/(?=.)/, "");
  if (file === "") return misfit("names no file", "write sqlite:purser.db");
  return fit({ kind: "sqlite", file });
}

function postgres(address: string): Parsed<DatabaseConfig> {
  // Several hosts are lawful for PostgreSQL, but only one is for the URL parser.
  const url = URL.parse(address.replace(/,[^/?]*/, ""));
  if (url === null || !address.includes("://")) {
    return misfit("is not a PostgreSQL address", "write postgres://user:password@host:5432/name");
  }
  const foreign = PRISMA_PARAMETERS.filter((name) => url.searchParams.has(name));
  if (foreign.length > 0) {
    return misfit(
      `has parameters of Prisma: ${foreign.join(", ")}`,
      "take them out of the address",
    );
  }
  return fit({ kind: "postgres", url: address });
}
