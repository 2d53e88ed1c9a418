/** The source obeys STYLE.md wherever a machine can see it. A fault is told by its file, its line and what is there. */

import assert from "node:assert/strict";
import { isBuiltin } from "node:module";
import { test } from "node:test";

import { lineAt } from "./support/blank.ts";
import { functionLengths } from "./support/functions.ts";
import { parseSource, readSources, readText, type Import, type Source } from "./support/sources.ts";

const FOLDERS =
  "admin cli config events exports gateway http ledger money platform prices providers store".split(
    " ",
  );

/** What each part of `src` may import of the others; `type` marks what may be imported as types only. */
const LAYERS: Readonly<Record<string, readonly string[]>> = {
  platform: [],
  money: [],
  ledger: ["money"],
  store: ["ledger", "money", "platform", "type config"],
  config: ["money", "platform", "type ledger"],
  http: ["config", "ledger", "platform"],
  providers: ["config", "platform"],
  prices: ["config", "money"],
  gateway: ["config", "http", "ledger", "money", "platform", "prices", "providers"],
  events: ["config", "ledger", "money", "platform"],
  exports: ["config", "ledger", "money", "platform"],
  admin: ["config", "http", "ledger", "money", "platform", "prices"],
  cli: FOLDERS,
  "purser.ts": FOLDERS,
  "main.ts": [...FOLDERS, "purser.ts"],
};

/** What a process begins with, so that nothing need import it. */
const ENTRIES = ["src/main.ts", "src/cli/purser.ts"];

const FILE_LINES_MAX = 300;
const FUNCTION_LINES_MAX = 50;
const FUNCTION_LINES_P90_MAX = 25;
const LINE_CHARS_MAX = 120;

/** ARCHITECTURE.md has a better word for each of these, and STYLE.md says that names are written in full. */
const BANNED_WORD =
  /^(?:tenant|backend|quota|balance|reservation|ctx|amt|tok|utils?|helpers?|manager|misc)$/;

/** Lines that read as code and not as a sentence: a statement's beginning, or the whole of one. */
const CODE_BEGINS =
  /^(?:import|export|const|let|return|await|throw|if|for|while|function|class)\b.*[;{(]$/;
const CODE_WHOLE = /^(?:[\w.]+\(.*\);|[\w.]+ = .+;|[{}()]+[;,]?)$/;
const COMMENT_SIGNS = /^\s*(?:\/\*\*?|\/\/|\*\/?)\s*|\s*\*\/$/g;

/** What the scanner must not be taken in by: an import in a comment, a brace in a string, code in a template. */
const SAMPLE = `import { type D, e as x } from "../c.ts";
import * as fs from "node:fs";
import type { G } from "./f.ts";
// import "x"
export async function run(
  given: D,
): Promise<void> {
  const h = await import("./h.ts");
  h.each("console }", () => {
    x(/TODO"\\//, \`console \${Date.now()} "\`, fs);
  });
}
`;

const sources = readSources("src");
const everything = [...sources, ...["test", "bench", "examples", "scripts"].flatMap(readSources)];
const links = linksOf(sources);

test("the scanner tells what a file does from what it says", () => {
  const { imports, exports, code, comments } = parseSource("src/a/b.ts", SAMPLE);
  assert.deepEqual(imports, [
    { from: "src/c.ts", names: ["D", "e"], typeOnly: false },
    { from: "node:fs", names: ["*"], typeOnly: false },
    { from: "src/a/f.ts", names: ["G"], typeOnly: true },
    { from: "src/a/h.ts", names: ["*"], typeOnly: false },
  ]);
  assert.deepEqual(exports, [{ name: "run", isType: false }]);
  assert.deepEqual(comments, [{ line: 4, text: '// import "x"' }]);
  assert.doesNotMatch(code, /console|TODO/);
  assert.match(code, /Date\.now\(\)/);
  const lengths = functionLengths(parseSource("src/a/b.ts", SAMPLE));
  assert.deepEqual(lengths, [
    { line: 5, lines: 8 },
    { line: 9, lines: 3 },
  ]);
});

test("every part of the source has its place among the layers", () => {
  assertNone(sources.filter(({ path }) => !(partOf(path) in LAYERS)).map(({ path }) => path));
});

for (const [part, others] of Object.entries(LAYERS)) {
  test(`${part} imports ${listed(others)}`, () => {
    const own = links.filter(({ path, to }) => partOf(path) === part && isOurs(to));
    assertNone(own.filter((link) => !isAllowed(part, link)).map(readable));
  });
}

test("gateway, events, exports and admin never import each other", () => {
  const ends = ["gateway", "events", "exports", "admin"];
  const between = links.filter(({ path, to }) => partOf(path) !== partOf(to.from));
  const crossing = between.filter(({ path, to }) =>
    [path, to.from].every((end) => ends.includes(partOf(end))),
  );
  assertNone(crossing.map(readable));
});

test("money and the ledger import no package and no part of Node", () => {
  const pure = links.filter(({ path }) => /^src\/(?:money|ledger)\//.test(path));
  assertNone(pure.filter(({ to }) => !isOurs(to)).map(readable));
});

test("only the composition root and the command line open a database", () => {
  const openings = links.filter(({ to }) => to.from === "src/store/open.ts");
  assertNone(openings.filter(({ path }) => !/^src\/(?:cli\/|[^/]+$)/.test(path)).map(readable));
});

test("every file of the source is in use", () => {
  const used = new Set([...ENTRIES, ...links.map(({ to }) => to.from)]);
  assertNone(sources.map(({ path }) => path).filter((path) => !used.has(path)));
});

test("every exported value is imported by another file, and every exported type at least spoken of", () => {
  const imports = linksOf(everything).flatMap(({ to }) =>
    to.names.map((name) => `${to.from} ${name}`),
  );
  const imported = new Set(imports);
  const unused = sources.flatMap(({ path, code, exports }) =>
    exports
      .filter(({ name }) => !imported.has(`${path} ${name}`) && !imported.has(`${path} *`))
      .filter(
        ({ name, isType }) => !isType || code.match(new RegExp(`\\b${name}\\b`, "g"))?.length === 1,
      )
      .map(({ name }) => `${path} ${name}`),
  );
  assertNone(unused);
});

test("every name has one home: no file passes on what another one exports", () => {
  assertNone(sources.filter(({ passesOn }) => passesOn).map(({ path }) => path));
});

test("the packages that the source imports are the run-time dependencies, each with its reason", () => {
  const declared = Object.keys(dependencies()).toSorted();
  const packages = links
    .filter(({ to }) => !isOurs(to) && !isBuiltin(to.from))
    .map(({ to }) => /^(?:@[^/]+\/)?[^/]+/.exec(to.from)?.[0] ?? to.from);
  assert.deepEqual([...new Set(packages)].toSorted(), declared, "imported, and in package.json");
  assert.deepEqual(reasonedDependencies(), declared, "in ARCHITECTURE.md, and in package.json");
});

test("every file opens with a sentence that says what it is for", () => {
  const purpose = /^(?:#!.*\n)?\/\*\*\s(?:(?!\*\/)[^])*[.:]\s(?:(?!\*\/)[^])*\*\/\n\n/;
  assertNone(everything.filter(({ text }) => !purpose.test(text)).map(({ path }) => path));
});

test("files have names in kebab-case that say what they hold", () => {
  const name = /\/[a-z\d]+(?:-[a-z\d]+)*(?:\.[a-z]+)*\.ts$/;
  const paths = everything.map(({ path }) => path);
  assertNone(
    paths.filter((path) => !name.test(path) || /\/(?:index|common|types)\.ts$/.test(path)),
  );
  assertNone(paths.filter(isBanned));
});

test("names keep to the vocabulary", () => {
  assertNone(
    sources.flatMap(({ path, code }) =>
      [...new Set(code.match(/[A-Za-z$][\w$]*/g))]
        .filter(isBanned)
        .map((name) => `${path} ${name}`),
    ),
  );
});

test("nothing is printed past the log", () => {
  assertNone(inCode(sources, /\bconsole\b/g));
});

test("time, ids and chance are injected: only the platform has them", () => {
  const others = sources.filter(({ path }) => partOf(path) !== "platform");
  assertNone(
    inCode(others, /\b(?:Date\.now\(|Math\.random\(|new Date\(\)|Temporal\.Now\b|randomUUID)/g),
  );
});

test("no type is any and no check is switched off", () => {
  assertNone(inCode(everything, /\bas any\b|[:<] ?any\b/g));
  assertNone(inComments(everything, /@ts-(?:ignore|nocheck)/));
});

test("nothing is left for later and no code is commented out", () => {
  assertNone(inComments(everything, /\b(?:TODO|FIXME|XXX|HACK)\b/));
  assertNone(inComments(everything, CODE_BEGINS));
  assertNone(inComments(everything, CODE_WHOLE));
});

test(`files have at most ${FILE_LINES_MAX} lines`, () => {
  const long = sources.filter(({ text }) => text.split("\n").length - 1 > FILE_LINES_MAX);
  assertNone(long.map(({ path }) => path));
});

test(`lines have at most ${LINE_CHARS_MAX} characters, but for what a test expects`, () => {
  const long = everything
    .filter(({ path }) => !path.startsWith("test/"))
    .flatMap(({ path, text }) => {
      const lines = text.split("\n");
      return lines.flatMap((line, index) =>
        line.length > LINE_CHARS_MAX ? [`${path}:${index + 1}`] : [],
      );
    });
  assertNone(long);
});

test(`functions have at most ${FUNCTION_LINES_MAX} lines, and nine of ten at most ${FUNCTION_LINES_P90_MAX}`, () => {
  const functions = sources.flatMap((source) =>
    functionLengths(source).map(({ line, lines }) => ({
      at: `${source.path}:${line}  ${lines} lines`,
      lines,
    })),
  );
  assertNone(functions.filter(({ lines }) => lines > FUNCTION_LINES_MAX).map(({ at }) => at));
  const longer = functions.filter(({ lines }) => lines > FUNCTION_LINES_P90_MAX);
  assert.ok(longer.length <= functions.length / 10, longer.map(({ at }) => at).join("\n"));
});

function listed(parts: readonly string[]): string {
  if (parts.length === 0) return "no other part";
  if (parts.length < FOLDERS.length) return `nothing but ${parts.join(", ")}`;
  return ["any folder", ...parts.slice(FOLDERS.length)].join(" and ");
}

/** One file imports another, or a package. */
interface Link {
  readonly path: string;
  readonly to: Import;
}

function linksOf(files: readonly Source[]): readonly Link[] {
  return files.flatMap(({ path, imports }) => imports.map((to) => ({ path, to })));
}

function readable({ path, to }: Link): string {
  return `${path} imports ${to.names.join(", ")} from ${to.from}`;
}

function isOurs(to: Import): boolean {
  return to.from.startsWith("src/");
}

/** The folder below `src`, or the file directly in it; a package has none. */
function partOf(path: string): string {
  return /^src\/([^/]+)/.exec(path)?.[1] ?? "";
}

function isAllowed(part: string, { to }: Link): boolean {
  const other = partOf(to.from);
  const allowed = LAYERS[part] ?? [];
  return (
    other === part || allowed.includes(other) || (to.typeOnly && allowed.includes(`type ${other}`))
  );
}

function dependencies(): Readonly<Record<string, string>> {
  const manifest = JSON.parse(readText("package.json")) as { dependencies: Record<string, string> };
  return manifest.dependencies;
}

/** The first column of the table below the heading about dependencies. */
function reasonedDependencies(): readonly string[] {
  const section =
    /^#+ .*dependencies$([^]*?)(?=^#|$(?![^]))/im.exec(readText("ARCHITECTURE.md"))?.[1] ?? "";
  return [...section.matchAll(/^\| `([^`]+)`/gm)].map(([, name = ""]) => name).toSorted();
}

/** Names with underscores come from outside, but for constants. */
function isBanned(name: string): boolean {
  if (/[a-z].*_|_.*[a-z]/.test(name)) return false;
  const spaced = name.replaceAll(/([a-z\d])([A-Z])/g, "$1 $2").toLowerCase();
  return spaced.split(/[^a-z\d]+/).some((word) => BANNED_WORD.test(word));
}

function inCode(files: readonly Source[], pattern: RegExp): readonly string[] {
  return files.flatMap(({ path, code }) =>
    [...code.matchAll(pattern)].map((match) => `${path}:${lineAt(code, match.index)}  ${match[0]}`),
  );
}

/** Line by line, without the signs that make it a comment. */
function inComments(files: readonly Source[], pattern: RegExp): readonly string[] {
  return files.flatMap(({ path, comments }) =>
    comments.flatMap(({ line, text }) => {
      const said = text.split("\n").map((row) => row.replaceAll(COMMENT_SIGNS, ""));
      return said.flatMap((row, index) =>
        pattern.test(row) ? [`${path}:${line + index}  ${row}`] : [],
      );
    }),
  );
}

function assertNone(faults: readonly string[]): void {
  assert.deepEqual(faults, []);
}
