/** What a prompt tells the fake provider to do, read from the markers in it. */

/** Longer answers prove nothing more and fill the memory. */
export const WORDS_MAX = 20_000;

/** Longer than any deadline under test; a timer beyond 2³¹ ms would fire at once. */
const WAIT_MS_MAX = 600_000;

export interface Script {
  /** Until the headers. */
  readonly delayMs: number;
  /** Between two pieces of the answer. */
  readonly paceMs: number;
  /** Null lets the prompt decide. */
  readonly words: number | null;
  readonly usage: "counted" | "unreported" | ReportedUsage;
  /** Null is success. */
  readonly errorStatus: number | null;
  readonly fault: Fault | null;
  readonly heedsBound: boolean;
}

interface ReportedUsage {
  readonly promptTokens: number;
  readonly completionTokens: number;
}

export interface Fault {
  readonly kind: "reset" | "hang";
  /** Pieces of the answer that are sent before; 0 withholds even the headers. */
  readonly afterPieces: number;
}

const PLAIN: Script = {
  delayMs: 0,
  paceMs: 0,
  words: null,
  usage: "counted",
  errorStatus: null,
  fault: null,
  heedsBound: true,
};

type Marker = (first: number, second: number) => Partial<Script>;

const MARKERS: ReadonlyMap<string, Marker> = new Map<string, Marker>([
  ["delay", (ms) => ({ delayMs: Math.min(ms, WAIT_MS_MAX) })],
  ["pace", (ms) => ({ paceMs: Math.min(ms, WAIT_MS_MAX) })],
  ["words", (count) => ({ words: Math.min(count, WORDS_MAX) })],
  ["usage", (promptTokens, completionTokens) => ({ usage: { promptTokens, completionTokens } })],
  ["no usage", () => ({ usage: "unreported" })],
  ["status", (status) => ({ errorStatus: status >= 400 && status <= 599 ? status : 500 })],
  ["reset", (afterPieces) => ({ fault: { kind: "reset", afterPieces } })],
  ["hang", (afterPieces) => ({ fault: { kind: "hang", afterPieces } })],
  ["ignore max_tokens", () => ({ heedsBound: false })],
]);

const MARKER = /\[\[([a-z_]+(?: [a-z_]+)*)(?: (\d{1,9}))?(?: (\d{1,9}))?\]\]/g;

/** Unknown markers are part of the text. */
export function readScript(prompt: string): Script {
  return [...prompt.matchAll(MARKER)].reduce(
    (script, [, name = "", first = "0", second = "0"]) => ({
      ...script,
      ...MARKERS.get(name)?.(Number(first), Number(second)),
    }),
    PLAIN,
  );
}

export function withoutMarkers(prompt: string): string {
  return prompt.replaceAll(MARKER, (marker, name: string) => (MARKERS.has(name) ? " " : marker));
}
