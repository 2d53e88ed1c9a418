/** The prices of the bench and what a call costs under them: a second reckoning beside the gateway's own. */

/** As `config.yaml` gives them. They are chosen so that nearly every call ends on a fraction of a nano-dollar. */
export const INPUT_USD_PER_TOKEN = "0.0000001503";
export const OUTPUT_USD_PER_TOKEN = "0.0000006007";

const INPUT_PICO = 150_300n;
const OUTPUT_PICO = 600_700n;

/** The cost of one call in nano-dollars, rounded up once. */
export function costNano(promptTokens: number, completionTokens: number): bigint {
  const pico = BigInt(promptTokens) * INPUT_PICO + BigInt(completionTokens) * OUTPUT_PICO;
  return (pico + 999n) / 1000n;
}

/** Dollars as a JSON number, to nano-dollars; a double is exact here below four million dollars. */
export function nanoFromDollars(dollars: number): bigint {
  return BigInt(Math.round(dollars * 1e9));
}

export function dollarsFromNano(nano: bigint): string {
  const digits = (nano < 0n ? -nano : nano).toString().padStart(10, "0");
  return `${nano < 0n ? "-" : ""}${digits.slice(0, -9)}.${digits.slice(-9)}`;
}
