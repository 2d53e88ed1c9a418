/** What a request asks of the mock upstream: it stands in the prompt, as a gateway forwards nothing but the body. */

/** How the pieces of a stream leave: all in one write, one per turn of the event loop, or one per few milliseconds. */
export type Pace = "burst" | "turn" | number;

export interface Script {
  readonly promptTokens: number;
  /** Tokens of the answer; a stream has one delta per token. `lognormal` draws from a seeded distribution. */
  readonly completionTokens: number | "lognormal";
  readonly pace: Pace;
  /** Produces the whole answer even past `max_tokens`, as a provider that overbills would. */
  readonly ignoreMaxTokens: boolean;
  /** Any other status than 200 is answered at once, with an error body and no usage. */
  readonly status: number;
}

const MARK = "#bench ";

/** An honest prompt has at least as many bytes as tokens; the mark alone is longer than this. */
const DEFAULTS: Script = {
  promptTokens: 24,
  completionTokens: 16,
  pace: "burst",
  ignoreMaxTokens: false,
  status: 200,
};

export function writePrompt(script: Partial<Script>): string {
  return `Say what a purser does, in a few words. ${MARK}${JSON.stringify(script)}`;
}

export function readPrompt(prompt: string): Script {
  const at = prompt.lastIndexOf(MARK);
  if (at === -1) return DEFAULTS;
  const script = JSON.parse(prompt.slice(at + MARK.length)) as Partial<Script>;
  return { ...DEFAULTS, ...script };
}
