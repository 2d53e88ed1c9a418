/** Separates what TypeScript source does from what it says: code on one side, comments and texts on the other. */

export interface Comment {
  /** Counted from 1. */
  readonly line: number;
  readonly text: string;
}

export interface Blanked {
  /** The source with spaces for comments and for the insides of strings, templates and patterns; lines stay. */
  readonly code: string;
  readonly comments: readonly Comment[];
}

const COMMENT = /\/\*[^]*?\*\/|\/\/.*/;
const QUOTED = /"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'/;

/** A slash that follows an operator, an opening bracket or one of these words begins a pattern; any other divides. */
const BEFORE_PATTERN = /(?:^|[(,=:[!&|?{};+\-*%~^<>]|\b(?:return|typeof|case|of|in|await))\s*/;
const PATTERN_BODY = /\/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\[\n])+\/[a-z]*/;
const PATTERN = new RegExp(`(?<=${BEFORE_PATTERN.source})${PATTERN_BODY.source}`);

/** Substitutions may hold one pair of braces and one template more, which is all that readable code needs. */
const SUBSTITUTION = new RegExp(
  String.raw`\$\{((?:${QUOTED.source}|[^{}\`"']|\{[^{}]*\}|\`(?:\\[^]|[^\`\\])*\`)*)\}`,
);
const TEMPLATE = new RegExp(String.raw`\`(?:\\[^]|${SUBSTITUTION.source}|[^\`\\])*\``);

const PIECE = new RegExp(
  [COMMENT, QUOTED, PATTERN, TEMPLATE].map((piece) => `(${piece.source})`).join("|"),
  "g",
);
const TEMPLATE_PIECE = new RegExp(`${SUBSTITUTION.source}|[^\`\\n]`, "g");

export function blank(source: string): Blanked {
  const comments: Comment[] = [];
  const code = source.replaceAll(PIECE, (piece: string, ...rest: unknown[]) => {
    const [comment, quoted, pattern] = rest;
    if (comment !== undefined) {
      const offset = rest.find((part) => typeof part === "number") ?? 0;
      comments.push({ line: lineAt(source, offset), text: piece });
      return spaces(piece);
    }
    if (quoted !== undefined) return `"${spaces(piece.slice(2))}"`;
    return pattern === undefined ? blankTemplate(piece) : spaces(piece);
  });
  return { code, comments };
}

/** Counted from 1. */
export function lineAt(source: string, offset: number): number {
  return source.slice(0, offset).split("\n").length;
}

function blankTemplate(template: string): string {
  return template.replaceAll(TEMPLATE_PIECE, (_, inside: string | undefined) =>
    inside === undefined ? " " : `  ${blank(inside).code} `,
  );
}

function spaces(text: string): string {
  return text.replaceAll(/[^\n]/g, " ");
}
