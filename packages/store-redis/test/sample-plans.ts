import type { Plan } from "@jobbers/core";
import { planOf, taskStep } from "@jobbers/testing";

/** One step. */
export const single = (queue = "default"): Plan => planOf("single", [taskStep("a", { queue })]);

/** Steps in a row: s1, s2, … */
export const chain = (length: number): Plan =>
  planOf(
    "chain",
    Array.from({ length }, (_, i) => taskStep(`s${i + 1}`, i === 0 ? {} : { after: [`s${i}`] })),
  );
