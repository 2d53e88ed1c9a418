/** A call as the data plane sees it, once its body has been read and understood. */

import type { JsonObject } from "../platform/json.ts";
import type { Asked } from "./dialects/dialect.ts";
import type { Upload } from "./form.ts";
import type { Route } from "./routes.ts";

export interface Call extends Asked {
  readonly id: string;
  readonly route: Route;
  readonly model: string;
  readonly customer: string | null;
  /** Of a form, the fields that are text. */
  readonly body: JsonObject;
  /** Null where the body is JSON. */
  readonly form: FormData | null;
  /** The files of a form. */
  readonly uploads: readonly Upload[];
  /** Headers that mean something to the provider. */
  readonly passed: Readonly<Record<string, string>>;
  /** What the provider is sent behind the path: empty, or a query with its `?`. */
  readonly query: string;
}
