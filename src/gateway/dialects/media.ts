/** Pictures and sound, in and out. No output bound can be sent for them, so a ceiling holds or the call is refused. */

import type { Asked, Dialect, EventKind, StreamShape } from "./dialect.ts";
import { dataEvent, dataOf, objectAt, textAt } from "./events.ts";
import type { Usage } from "../../money/usage.ts";
import type { Upload } from "../form.ts";
import { choicesIn, invalid, requireInput, streamIn } from "./fields.ts";

/** OpenAI counts 6,240 tokens for its largest picture at high quality; partial ones add a hundred each. */
const IMAGE_TOKENS_MAX = 8192;

/** Speech is 20 tokens a second and 15 characters a second; at a quarter of the speed that is 6 tokens a character. */
const SPEECH_TOKENS_PER_CHAR = 6;

/** A transcript has a few tokens for each second of sound; this is hours of speech. */
const TRANSCRIPT_TOKENS_MAX = 65_536;

/** A second of speech at six kilobits, which is as small as it gets. */
const SOUND_BYTES_MIN = 750;

const SOUND_BYTES_LIKELY = 4000;

const stream: StreamShape = {
  markers: [Buffer.from('"usage"'), Buffer.from('"error"')],
  text: null,
  kindOf,
  usageAt: ["usage"],
  otherEventsMax: 0,
  errorEvent: dataEvent,
};

export const image: Dialect = {
  family: "openai",
  convention: "openai_images",
  read(body) {
    if (typeof body["prompt"] !== "string") throw invalid("prompt must be text.", "prompt");
    const choices = choicesIn(body, "n");
    const units = { images: choices };
    return { ...asked(IMAGE_TOKENS_MAX), stream: streamIn(body), choices, units };
  },
  outbound: ({ model }) => ({ model }),
  producedIn: () => null,
  stream,
};

export const speech: Dialect = {
  ...image,
  convention: "openai_speech",
  read(body) {
    requireInput(body, "input");
    const characters = textAt(body, "input").length;
    const stream = body["stream_format"] === "sse";
    return { ...asked(characters * SPEECH_TOKENS_PER_CHAR), stream, units: { characters } };
  },
};

export const transcription: Dialect = {
  ...image,
  convention: "openai_transcription",
  read: (body, uploads) => ({
    ...asked(TRANSCRIPT_TOKENS_MAX),
    stream: streamIn(body),
    units: { seconds: secondsAtMost(uploads) },
  }),
  producedIn: (answer) => answer["text"] ?? answer,
};

/** What a file of sound most likely holds: speech at 32 kilobits, leaning up. */
export function likelyUnits(units: Usage): Usage {
  const { seconds } = units;
  if (seconds === undefined) return units;
  return { ...units, seconds: Math.ceil((seconds * SOUND_BYTES_MIN) / SOUND_BYTES_LIKELY) };
}

function secondsAtMost(uploads: readonly Upload[]): number {
  return uploads.reduce((total, { bytes }) => total + Math.ceil(bytes / SOUND_BYTES_MIN), 0);
}

function asked(outputTokensMax: number): Asked {
  return { stream: false, wantsUsage: true, outputTokensMax, choices: 1, isUnbounded: true };
}

function kindOf(event: Buffer): EventKind {
  const data = dataOf(event);
  if (objectAt(data, "error") !== null) return "error";
  return objectAt(data, "usage") === null ? "plain" : "final";
}
