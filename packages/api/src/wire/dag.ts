import { z } from "@hono/zod-openapi";
import { instant, json, name, workflowKind } from "./basics.js";

/** A dag or task that a worker has registered. */
export const dag = z
  .object({
    kind: workflowKind,
    name,
    version: z.string().openapi({ description: "The hash of its plan." }),
    registeredAt: instant,
  })
  .openapi("Dag");

/** A dag or task that a worker has registered. */
export type DagSummary = z.infer<typeof dag>;

/** All that is registered, dags and tasks. */
export const dagList = z.object({ dags: z.array(dag) }).openapi("DagList");

/** All that is registered, dags and tasks. */
export type DagList = z.infer<typeof dagList>;

/** A dag or task with its plan and schemas. */
export const dagDetail = z
  .object({
    ...dag.shape,
    plan: z.looseObject({}).openapi({ description: "The graph as data." }),
    inputSchema: json.optional().openapi({ description: "JSON Schema (draft 2020-12) of its input." }),
    outputSchema: json.optional().openapi({ description: "JSON Schema (draft 2020-12) of its output." }),
    versions: z
      .array(z.object({ version: z.string(), registeredAt: instant, runs: z.int() }))
      .openapi({ description: "The versions that the store knows, newest first." }),
  })
  .openapi("DagDetail");

/** A dag or task with its plan and schemas. */
export type DagDetail = z.infer<typeof dagDetail>;
