import { z } from "@hono/zod-openapi";
import { type ErrorCode, errorCatalogue } from "@jobbers/core";
import { json } from "./basics.js";

const codes = Object.keys(errorCatalogue) as [ErrorCode, ...ErrorCode[]];

/** A refusal, as RFC 9457 has it; `code` is one of the catalogue's. */
export const problem = z
  .object({
    type: z.string().openapi({ example: "/docs/errors#run-unknown" }),
    title: z.string(),
    status: z.int(),
    detail: z.string().openapi({ description: "What was wrong, where, and what to do." }),
    code: z.enum(codes).openapi("ErrorCode"),
    instance: z.string().optional().openapi({ description: "The run that it is about, where there is one." }),
    id: z
      .string()
      .optional()
      .openapi({ description: "The id of the run, with which the same may be sent again." }),
    errors: z
      .array(z.object({ pointer: z.string(), detail: z.string() }))
      .optional()
      .openapi({ description: "Each part of the request that was refused, by JSON pointer." }),
    facts: json.optional().openapi({ description: "Facts for programs, by code." }),
  })
  .openapi("Problem");

/** The body of every answer that refuses. */
export type Problem = z.infer<typeof problem>;
