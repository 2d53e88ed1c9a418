/** What can be a customer's id. */

/** Room for an e-mail address or a glued `account:feature:user`; a longer id is a blob that nobody would bill. */
const CUSTOMER_ID_CHARS_MAX = 256;

/** NUL and the other control characters: databases, logs and terminals each break on some of them. */
// oxlint-disable-next-line no-control-regex
const CONTROL_CHARACTER = /[\u0000-\u001f\u007f]/;

/** Why this cannot be an id, as the rest of a sentence; null if it can. */
export function customerIdFault(id: string): string | null {
  if (id.trim() === "") return "is blank";
  if (id.length > CUSTOMER_ID_CHARS_MAX) {
    return `is longer than ${String(CUSTOMER_ID_CHARS_MAX)} characters`;
  }
  if (CONTROL_CHARACTER.test(id)) return "holds control characters";
  return id.isWellFormed() ? null : "is not well-formed Unicode";
}
