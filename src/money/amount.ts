/** Money as integers: nano-dollars in the ledger, pico-dollars in prices, decimals only at the border. */

declare const unit: unique symbol;

/** 10⁻⁹ US dollars. Every amount in the ledger has this unit. */
export type NanoUsd = bigint & { readonly [unit]: "nano-dollar" };

/** 10⁻¹² US dollars. Every unit price has this unit: $0.0375 per million tokens is 37,500 of them. */
export type PicoUsd = bigint & { readonly [unit]: "pico-dollar" };

const NANO_DIGITS = 9;
const PICO_DIGITS = 12;
const PICO_PER_NANO = 1000n;

/** Long enough for every double and every price list; a longer text is not an amount but an attack. */
const DECIMAL_CHARS_MAX = 64;

/** Four billion dollars, or four million per token: twice that still fits the ledger's columns of 64 bits. */
const UNITS_MAX = 4n * 10n ** 18n;

const DECIMAL = /^([+-]?)(\d+)(?:\.(\d*))?(?:e([+-]?\d{1,3}))?$/i;

export const ZERO_USD = nanoUsd(0n);

export function nanoUsd(amount: bigint): NanoUsd {
  return amount as NanoUsd;
}

export function picoUsd(price: bigint): PicoUsd {
  return price as PicoUsd;
}

/** The amount rounded up to a whole nano-dollar: a charge is rounded once, here, and never down. */
export function nanoFromPico(pico: bigint): NanoUsd {
  const whole = pico / PICO_PER_NANO;
  return nanoUsd(pico % PICO_PER_NANO > 0n ? whole + 1n : whole);
}

export function picoFromNano(amount: NanoUsd): bigint {
  return amount * PICO_PER_NANO;
}

/** Dollars as written by a person or a JSON number, to the nearest nano-dollar; undefined if it is no amount. */
export function parseUsd(dollars: string | number): NanoUsd | undefined {
  const parsed = parseDecimal(dollars, NANO_DIGITS);
  return parsed === undefined ? undefined : nanoUsd(parsed);
}

/** Dollars per unit, to the nearest pico-dollar; undefined if it is no price. */
export function parsePrice(dollarsPerUnit: string | number): PicoUsd | undefined {
  const parsed = parseDecimal(dollarsPerUnit, PICO_DIGITS);
  return parsed === undefined ? undefined : picoUsd(parsed);
}

/** The exact decimal with no trailing zeros: `0.001112`, `-3`, `12.5`. */
export function formatUsd(amount: NanoUsd): string {
  return formatDecimal(amount, NANO_DIGITS);
}

/** Dollars per unit, exact, with no trailing zeros. */
export function formatPrice(price: PicoUsd): string {
  return formatDecimal(price, PICO_DIGITS);
}

/** A JSON number that `JSON.stringify` prints exactly; a double would print 0.1 + 0.2 as 0.30000000000000004. */
export function jsonUsd(amount: NanoUsd): unknown {
  return JSON.rawJSON(formatUsd(amount));
}

function parseDecimal(value: string | number, digits: number): bigint | undefined {
  const text = String(value).trim();
  if (text.length > DECIMAL_CHARS_MAX) return undefined;
  const match = DECIMAL.exec(text);
  if (match === null) return undefined;
  const [, sign = "", whole = "", fraction = "", exponent = "0"] = match;
  const magnitude = shift(BigInt(whole + fraction), digits - fraction.length + Number(exponent));
  if (magnitude > UNITS_MAX) return undefined;
  return sign === "-" ? -magnitude : magnitude;
}

/** `value × 10^places`, rounded half up. */
function shift(value: bigint, places: number): bigint {
  if (places >= 0) return value * 10n ** BigInt(places);
  const divisor = 10n ** BigInt(-places);
  return (value + divisor / 2n) / divisor;
}

function formatDecimal(value: bigint, digits: number): string {
  const sign = value < 0n ? "-" : "";
  const text = (value < 0n ? -value : value).toString().padStart(digits + 1, "0");
  const whole = text.slice(0, -digits);
  const fraction = text.slice(-digits).replace(/0+$/, "");
  return fraction === "" ? sign + whole : `${sign}${whole}.${fraction}`;
}
