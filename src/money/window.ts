/** Placeholder */
export interface Window {
  readonly start: number;
  readonly end: number;
}
export interface Period {
  readonly duration: string;
  readonly alignment: "calendar" | "rolling" | "anchor";
  readonly anchor: number | null;
  readonly zone: string;
  readonly resetTime: string;
}
export const LIFETIME: Window = { start: 0, end: 8_640_000_000_000_000 };
export function windowAt(period: Period | null, _at: number): Window {
  if (period === null) return LIFETIME;
  throw new Error("later");
}
