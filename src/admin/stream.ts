/** Answers of any length: made page by page while the client takes them, so that memory holds one page. */

import { Readable } from "node:stream";
import type { FastifyReply } from "fastify";
import type { NumberedPosting, PostingQuestion, SumLine, SumQuestion } from "../ledger/spend.ts";
import type { Admin } from "./admin.ts";

/** Some 500 kB of postings; enough that the database is asked rarely. */
const PAGE_ROWS = 1_000;

/** The first piece is made before the status goes out, so that a database that is away is still a 503. */
export async function sendPieces(
  reply: FastifyReply,
  type: string,
  pieces: AsyncGenerator<string>,
): Promise<FastifyReply> {
  const first = await pieces.next();
  const all = first.done === true ? [] : resumed(first.value, pieces);
  return reply.type(type).send(Readable.from(all, { highWaterMark: 1 }));
}

/** A JSON array of what the pages hold. */
export async function* jsonArray(pages: AsyncIterable<readonly unknown[]>): AsyncGenerator<string> {
  let separator = "[";
  for await (const page of pages) {
    if (page.length === 0) continue;
    yield separator + page.map((item) => JSON.stringify(item)).join(",");
    separator = ",";
  }
  yield separator === "[" ? "[]" : "]";
}

export async function* postingPages(
  { ledger }: Admin,
  question: Pick<PostingQuestion, "of" | "order">,
): AsyncGenerator<readonly NumberedPosting[]> {
  let page = await ledger.read.spend.postings({ ...question, limit: PAGE_ROWS });
  yield page;
  while (page.length === PAGE_ROWS) {
    const after = page.at(-1);
    page = await ledger.read.spend.postings({
      ...question,
      limit: PAGE_ROWS,
      ...(after === undefined ? {} : { after }),
    });
    yield page;
  }
}

/** The lines of one span, in the order of their dimensions. */
export async function* sumLines(
  { ledger }: Admin,
  question: Pick<SumQuestion, "spans" | "by" | "of">,
): AsyncGenerator<SumLine> {
  const common = { ...question, order: "named", limit: PAGE_ROWS } as const;
  let { lines } = await ledger.read.spend.sums(common);
  yield* lines;
  while (lines.length === PAGE_ROWS) {
    const last = lines.at(-1);
    const after = last === undefined ? [] : question.by.map((dimension) => last[dimension]);
    ({ lines } = await ledger.read.spend.sums({ ...common, after }));
    yield* lines;
  }
}

async function* resumed(first: string, rest: AsyncGenerator<string>): AsyncGenerator<string> {
  yield first;
  yield* rest;
}
