import { z } from "@hono/zod-openapi";
import { JobbersError } from "@jobbers/core";
import { explain } from "@jobbers/runs";
import { json } from "../answers.js";
import { explanationView } from "../iso-causes.js";
import { defineRoute } from "../route.js";
import { explanation } from "../wire/explanation.js";
import { runPath } from "./parameters.js";

/** `GET /v1/runs/{id}/explain` */
export const explainRun = defineRoute(
  {
    method: "get",
    path: "/v1/runs/{id}/explain",
    operationId: "explainRun",
    tag: "runs",
    summary: "Why a run, or one step of it, is not further",
    description:
      "The whole chain of what it waits for: a sentence for people, and causes with their figures for programs. " +
      "Everything goes on meanwhile, so what is told of two steps may be of two moments.",
    params: runPath,
    query: z.strictObject({
      step: z
        .string()
        .min(1)
        .max(2_000)
        .optional()
        .openapi({ description: "The address of a step; left out: the run.", example: "fetch[3]" }),
    }),
    answers: { 200: { description: "The explanation.", schema: explanation } },
    problems: ["run-unknown", "step-unknown", "store-busy", "store-closed"],
  },
  async ({ store, plans }, { params: { id }, query: { step } }) => {
    const told = await explain({ store, plans }, id, step);
    const [first] = told.causes;
    if (first?.type === "run-unknown") throw new JobbersError("run-unknown", first.sentence);
    if (first?.type === "step-unknown") throw new JobbersError("step-unknown", first.sentence);
    return json(explanationView(told));
  },
);
