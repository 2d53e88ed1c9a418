/** A key that Purser reads: what it may hold and how the documentation explains it. */

import type { Parse } from "./value.ts";

export interface Key<T> {
  readonly parse: Parse<T>;
  readonly about: string;
  /** As the documentation states it. */
  readonly default?: string;
  /** The cure where it is missing; a key without one may be left out. */
  readonly required?: string;
  /** Its value is never shown, not even in a mistake. */
  readonly secret?: true;
}

export type Keys = Readonly<Record<string, Key<unknown>>>;

/** What is read by a table of keys; null where a key was left out, or was a mistake. */
export type Values<K extends Keys> = {
  readonly [Name in keyof K]: K[Name] extends Key<infer T> ? T | null : never;
};
