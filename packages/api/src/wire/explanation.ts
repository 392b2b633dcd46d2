import { z } from "@hono/zod-openapi";
import { instant, runId, runState, stepState } from "./basics.js";
import { cause } from "./cause.js";

/** Why a run or a step is not further. */
export const explanation = z
  .object({
    run: runId,
    step: z.string().optional().openapi({ description: "Absent where the run was asked about." }),
    state: z
      .union([runState, stepState, z.enum(["unstarted", "unknown"])])
      .openapi({ description: "`unstarted`: a step that has no record yet." }),
    at: instant.openapi({ description: "The store's time of the look." }),
    sentence: z.string().openapi({ description: "The first chain of causes, from the top to its root." }),
    causes: z.array(cause).openapi({ description: "At least one; what needs somebody's help comes first." }),
    left: z.int().openapi({ description: "How many causes beside these are not listed." }),
  })
  .openapi("Explanation");

/** Why a run or a step is not further. */
export type Explanation = z.infer<typeof explanation>;
