/** Writes docs/errors.md from the table of errors. */

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ERRORS } from "../src/http/errors.ts";

const FILE = join(import.meta.dirname, "../docs/errors.md");

export function errorDocs(): string {
  const rows = Object.entries(ERRORS).map(
    ([name, { status, type, about, cure }]) =>
      `| \`${name}\` | ${String(status)} | \`${type}\` | ${about} | ${cure} |`,
  );
  return `# Errors

Every error that Purser itself answers is an OpenAI error object:

\`\`\`json
{ "error": { "message": "…", "type": "budget_exceeded", "param": null, "code": "429" } }
\`\`\`

Match on \`type\`; \`code\` is the HTTP status as a string. Every answer carries its id in \`x-request-id\` and
\`x-litellm-call-id\`. The status of \`budget_exceeded\` is \`general_settings.budget_exceeded_status\`.

An admin body with faulty fields is answered 422 with FastAPI's \`{"detail": [{"loc", "msg", "type"}]}\`, as LiteLLM
does, and some admin routes have its other envelope, \`{"detail": {"error": "…"}}\`. What a provider answers with a 4xx
passes through as it is. After the first byte of a stream an error arrives in the stream, as a \`data:\` event with an
\`error\` object.

| error | status | type | what happened | what to do |
| --- | --- | --- | --- | --- |
${rows.join("\n")}
`;
}

if (process.argv[1] === import.meta.filename) writeFileSync(FILE, errorDocs());

export function errorDocsAreCurrent(): boolean {
  return readFileSync(FILE, "utf8") === errorDocs();
}
