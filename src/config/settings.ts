/** What single settings may hold, where a general parser would let mistakes through. */

import { parseUsd, type NanoUsd } from "../money/amount.ts";
import { isResetTime, isZone } from "../money/window.ts";
import { fit, misfit, number, oneOf, parseText, type Parse } from "./value.ts";

const KEY_PREFIX = "sk-";

const SECRET_PREFIX = "whsec_";
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
/** Bounds of the Standard Webhooks specification: fewer can be guessed, more add nothing to SHA-256. */
const SECRET_BYTES_MIN = 24;
const SECRET_BYTES_MAX = 64;

/** What can be sent in a header; a secret from a file often ends with its line. */
export const parseCredential: Parse<string> = (value) => {
  const text = parseText(value);
  if (!text.ok || /^[\x21-\x7e]+$/.test(text.value)) return text;
  return misfit("has spaces, line ends or letters beyond ASCII", "take them out");
};

/** LiteLLM's clients and its key pages take nothing else for a key. */
export const parseMasterKey: Parse<string> = (value) => {
  const key = parseCredential(value);
  if (!key.ok || (key.value.startsWith(KEY_PREFIX) && key.value !== KEY_PREFIX)) return key;
  return misfit(`does not begin with "${KEY_PREFIX}"`, `write "${KEY_PREFIX}" and a long secret`);
};

/** A name with a star stands for many models in LiteLLM. */
export const parseModelName: Parse<string> = (value) => {
  const text = parseText(value);
  if (!text.ok || !text.value.includes("*")) return text;
  return misfit("is a wildcard, which is not supported yet", "write one entry for each model");
};

/** It travels in a header, and customers are kept to regions in lower case. */
export const parseRegion: Parse<string> = (value) => {
  const text = parseText(value);
  if (!text.ok) return text;
  return /^[\w-]+$/.test(text.value)
    ? fit(text.value.toLowerCase())
    : misfit("is not the name of a region", "write for example eu or us");
};

/** `webhook` and `slack` are served; the others are known so that they can be named as not sent to. */
export const parseAlertChannel = oneOf(["webhook", "slack", "email", "pagerduty"]);

/** A day at midnight UTC, or a time; in epoch milliseconds. */
export const parseDay: Parse<number> = (value) => {
  const at = typeof value === "string" && DAY.test(value) ? Date.parse(value) : Number.NaN;
  return Number.isNaN(at)
    ? misfit(
        "is not a day or a time in UTC",
        "write for example 2026-12-01 or 2026-12-01T08:00:00Z",
      )
    : fit(at);
};

const DAY = /^\d{4}-\d{2}-\d{2}(?:T[\d:.]+Z)?$/;

/** Of a list price, in millionths. */
export const parseMultiplier = inMillionths(
  number({ min: 0, max: 100, what: "a factor", example: 0.85 }),
);

/** In millionths. What is meant as per cent is over a thousand of them. */
export const parseFraction = inMillionths(
  number({ min: -1, max: 10, what: "a fraction", example: 0.1 }),
);

export const parseDiscount = inMillionths(
  number({ min: 0, max: 1, what: "a fraction", example: 0.05 }),
);

/** To the nearest millionth. */
function inMillionths(parse: Parse<number>): Parse<bigint> {
  return (value) => {
    const parsed = parse(value);
    return parsed.ok ? fit(BigInt(Math.round(parsed.value * 1e6))) : parsed;
  };
}

export const parseAmount: Parse<NanoUsd> = (value) => {
  const isScalar = typeof value === "string" || typeof value === "number";
  const amount = isScalar ? parseUsd(value) : undefined;
  return amount !== undefined && amount >= 0n
    ? fit(amount)
    : misfit("is not an amount of dollars", "write for example 0.0005");
};

/** Secrets that `standardwebhooks` takes, and receivers with it. */
export const parseWebhookSecret: Parse<string> = (value) => {
  const text = typeof value === "string" ? value : "";
  const encoded = text.startsWith(SECRET_PREFIX) ? text.slice(SECRET_PREFIX.length) : text;
  const bytes = BASE64.test(encoded) ? Buffer.byteLength(encoded, "base64") : 0;
  if (bytes >= SECRET_BYTES_MIN && bytes <= SECRET_BYTES_MAX) return fit(text);
  return misfit(
    `is not ${SECRET_PREFIX} and ${SECRET_BYTES_MIN} to ${SECRET_BYTES_MAX} bytes in base64`,
    `make one with: echo "${SECRET_PREFIX}$(openssl rand -base64 32)"`,
  );
};

export const parseZone: Parse<string> = (value) =>
  typeof value === "string" && isZone(value)
    ? fit(value)
    : misfit("is not a time zone", "write its IANA name, for example Europe/Berlin");

export const parseResetTime: Parse<string> = (value) =>
  typeof value === "string" && isResetTime(value)
    ? fit(value)
    : misfit("is not a time of day", 'write for example "06:30", in quotes');

/** YAML reads `4000` and `true` as other things than text, but a variable holds nothing else. */
export const parseVariable: Parse<string> = (value) =>
  typeof value === "string" || typeof value === "number" || typeof value === "boolean"
    ? fit(String(value))
    : misfit("is not a text", "put it in quotes");
