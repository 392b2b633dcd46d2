import { z } from "@hono/zod-openapi";
import { name } from "./basics.js";

/** How the children of a map were laid over queues, and how well. */
export const spread = z
  .object({
    by: z.string().openapi({ description: "The spread's name.", example: "hash" }),
    count: z.int().openapi({ description: "How many children were laid out so far." }),
    queues: z.array(
      z.object({
        queue: name,
        count: z.int(),
        share: z.number().openapi({ description: "Its part of all children, 0 to 1." }),
        fairShare: z.number().openapi({ description: "The part that it should have by its weight." }),
        meanWaitMs: z.number().optional().openapi({
          description:
            "How long steps waited there from ready to started; absent before the first has ended.",
        }),
        longestWaitMs: z.number().optional(),
      }),
    ),
    skew: z.number().optional().openapi({
      description: "The largest of all shares over fair share: 1 is perfect.",
      example: 1.04,
    }),
    waitSpreadMs: z.number().optional().openapi({
      description: "How much longer steps waited on average in the slowest queue than in the quickest.",
    }),
  })
  .openapi("Spread");

/** How the children of a map were laid over queues, and how well. */
export type SpreadView = z.infer<typeof spread>;
