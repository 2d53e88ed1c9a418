/** Answers of any length: made page by page while the client takes them, so that memory holds one page. */

import { Readable } from "node:stream";
import type { FastifyReply } from "fastify";
import type {
  Dimension,
  NumberedPosting,
  PostingQuestion,
  SumLine,
  SumQuestion,
} from "../ledger/spend.ts";
import type { Admin } from "./admin.ts";

/** Some 500 kB of postings; enough that the database is asked rarely. */
const POSTINGS_PER_PAGE = 1_000;

/** Some megabyte. Each page of sums adds up all the lines that are left of its span, so there should not be many. */
const LINES_PER_PAGE = 3_000;

/** A piece that is sent by itself costs as much as some kilobytes of text. */
const CHUNK_CHARS = 65_536;

/** The first chunk is made before the status goes out, so that a database that is away is still a 503. */
export async function sendPieces(
  reply: FastifyReply,
  type: string,
  pieces: AsyncGenerator<string>,
): Promise<FastifyReply> {
  const chunks = chunked(pieces);
  const first = await chunks.next();
  const all = first.done === true ? [] : resumed(first.value, chunks);
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
  const common = { ...question, limit: POSTINGS_PER_PAGE };
  let page = await ledger.read.spend.postings(common);
  yield page;
  let after = page.at(-1);
  while (after !== undefined && page.length === POSTINGS_PER_PAGE) {
    page = await ledger.read.spend.postings({ ...common, after });
    yield page;
    after = page.at(-1);
  }
}

/** The lines of one span, in the order of their dimensions. */
export async function* sumLines(
  { ledger }: Admin,
  question: Pick<SumQuestion, "spans" | "by" | "of">,
): AsyncGenerator<SumLine> {
  const common = { ...question, order: "named", limit: LINES_PER_PAGE } as const;
  let { lines } = await ledger.read.spend.sums(common);
  yield* lines;
  let last = lines.at(-1);
  while (last !== undefined && lines.length === LINES_PER_PAGE) {
    const after = placeOf(last, question.by);
    ({ lines } = await ledger.read.spend.sums({ ...common, after }));
    yield* lines;
    last = lines.at(-1);
  }
}

function placeOf(line: SumLine, by: readonly Dimension[]): readonly string[] {
  return by.map((dimension) => line[dimension]);
}

async function* chunked(pieces: AsyncIterable<string>): AsyncGenerator<string> {
  let chunk = "";
  for await (const piece of pieces) {
    chunk += piece;
    if (chunk.length < CHUNK_CHARS) continue;
    yield chunk;
    chunk = "";
  }
  if (chunk !== "") yield chunk;
}

async function* resumed(first: string, rest: AsyncGenerator<string>): AsyncGenerator<string> {
  yield first;
  yield* rest;
}
