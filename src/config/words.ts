/** A list of names that is written as plain text, so that a table of many keys stays a table. */

export function words(text: string): readonly string[] {
  return text.trim().split(/\s+/);
}
