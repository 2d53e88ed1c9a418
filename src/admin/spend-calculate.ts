/** LiteLLM's calculator: what a prompt or an answer costs. */

import type { FastifyInstance } from "fastify";
import { Type, type Static } from "typebox";
import { ApiError } from "../http/errors.ts";
import { jsonUsd } from "../money/amount.ts";
import { isObject, type Json } from "../platform/json.ts";
import type { Admin } from "./admin.ts";
import { answer, CostAnswer } from "./spend-answers.ts";

const Open = Type.Unknown();

const Calculation = Type.Object(
  {
    model: Type.Optional(Type.Union([Type.String(), Type.Null()])),
    messages: Type.Optional(Open),
    completion_response: Type.Optional(Open),
  },
  { additionalProperties: false },
);
type Calculation = Static<typeof Calculation>;

export function spendCalculateRoutes(app: FastifyInstance, admin: Admin): void {
  app.post<{ Body: Calculation }>(
    "/spend/calculate",
    {
      // It tells prices and nothing of anybody's books.
      config: { access: "own" },
      schema: {
        summary: "What a prompt or an answer costs",
        description: "`model` and `messages`: the input alone. `completion_response`: its usage.",
        tags: ["spend"],
        body: Calculation,
        response: answer("Dollars.", CostAnswer),
      },
    },
    ({ body }) => calculate(body, admin),
  );
}

async function calculate(body: Calculation, admin: Admin): Promise<unknown> {
  const { model, messages, completion_response: answer } = body as Readonly<Record<string, Json>>;
  if (isObject(answer)) {
    const named = typeof model === "string" ? model : answer["model"];
    if (typeof named !== "string") throw refused("completion_response must name its model");
    const usage = answer["usage"] ?? null;
    return { cost: jsonUsd(await admin.costOf({ model: named, usage })) };
  }
  if (typeof model === "string") {
    return { cost: jsonUsd(await admin.costOf({ model, messages: messages ?? [] })) };
  }
  throw refused("Either 'model' or 'completion_response' must be provided");
}

function refused(why: string): ApiError {
  return new ApiError("invalid_request", `Bad Request - ${why}`);
}
