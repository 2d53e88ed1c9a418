/** What the customer routes take: bodies, queries and paths. */

import { Type, type Static } from "typebox";
import { BULK_CUSTOMERS_MAX } from "./customer-bulk.ts";
import { CUSTOMER_FIELDS } from "./customer-fields.ts";

const CLOSED = { additionalProperties: false };
const Id = Type.String({ minLength: 1 });
const Amount = Type.Union([Type.Number(), Type.String()]);

export const New = Type.Object(
  { user_id: Id, ...CUSTOMER_FIELDS, spend: Type.Optional(Type.Union([Amount, Type.Null()])) },
  CLOSED,
);
export type New = Static<typeof New>;

/** An item of a list, or a change. */
export const Named = Type.Object({ user_id: Id, ...CUSTOMER_FIELDS }, CLOSED);
export type Named = Static<typeof Named>;

export const Whole = Type.Object(CUSTOMER_FIELDS, CLOSED);
export type Whole = Static<typeof Whole>;

export const Bulk = Type.Object(
  { customers: Type.Array(Named, { maxItems: BULK_CUSTOMERS_MAX }) },
  CLOSED,
);
export type Bulk = Static<typeof Bulk>;

/** They are written in one transaction, which a call beside it may have to wait for. */
export const Ids = Type.Object({ user_ids: Type.Array(Type.String(), { maxItems: 1000 }) }, CLOSED);
export type Ids = Static<typeof Ids>;

export const Path = Type.Object({ id: Type.String() });
export type Path = Static<typeof Path>;

export const Info = Type.Object({ end_user_id: Type.String() });
export type Info = Static<typeof Info>;

export const List = Type.Object(
  {
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 500 })),
    after: Type.Optional(Type.String()),
    q: Type.Optional(Type.String()),
  },
  CLOSED,
);
export type List = Static<typeof List>;

export const Usage = Type.Object(
  {
    key: Type.Optional(Type.String()),
    windows: Type.Optional(Type.Integer({ minimum: 0, maximum: 100 })),
  },
  CLOSED,
);
export type Usage = Static<typeof Usage>;

const CORRECTION = {
  reason: Type.String({ minLength: 1, maxLength: 1000 }),
  idempotency_key: Type.Optional(Type.String({ minLength: 1, maxLength: 255 })),
};

export const Adjust = Type.Object({ amount: Amount, ...CORRECTION }, CLOSED);
export type Adjust = Static<typeof Adjust>;

export const Reset = Type.Object(CORRECTION, CLOSED);
export type Reset = Static<typeof Reset>;
