/** Every way in which a call can name its customer, the one that counts first; `x-app-user` has to be mapped. */

export interface Said {
  readonly headers?: Record<string, string>;
  readonly body?: Record<string, unknown>;
}

export interface Source {
  readonly name: string;
  readonly say: (id: string) => Said;
}

/** None of them in the way of another, so that one call can use all of them. */
export const SOURCES: readonly Source[] = [
  header("x-litellm-customer-id"),
  header("x-litellm-end-user-id"),
  header("x-app-user"),
  body("user", (user) => ({ user })),
  body("litellm_metadata.user", (user) => ({ litellm_metadata: { user } })),
  body("metadata.user_id", (user_id) => ({ metadata: { user_id } })),
  body("safety_identifier", (safety_identifier) => ({ safety_identifier })),
];

/** Further spellings of some of them. */
export const SPELLINGS: readonly Source[] = [
  ...SOURCES,
  body("litellm_metadata as a text", (user) => ({ litellm_metadata: JSON.stringify({ user }) })),
  body("metadata as a text", (user_id) => ({ metadata: JSON.stringify({ user_id }) })),
];

/** All of it in one call. */
export function together(...parts: readonly Said[]): Required<Said> {
  return {
    headers: Object.assign({}, ...parts.map(({ headers }) => headers)) as Record<string, string>,
    body: Object.assign({}, ...parts.map((part) => part.body)) as Record<string, unknown>,
  };
}

function header(name: string): Source {
  return { name: `the header ${name}`, say: (id) => ({ headers: { [name]: id } }) };
}

function body(name: string, say: (id: string) => Record<string, unknown>): Source {
  return { name, say: (id) => ({ body: say(id) }) };
}
