import { z } from "@hono/zod-openapi";
import { instantMs } from "../instants.js";
import { runId } from "../wire/basics.js";

/** The path of one run. */
export const runPath = z.object({ id: runId.openapi({ param: { name: "id", in: "path" } }) });

/** The address of a step, in a path. */
export const stepAddress = z
  .string()
  .max(2_000)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: SQLite would look for what stands before it
  .regex(/^[^\u0000]*$/, "no address has U+0000 in it")
  .openapi({
    param: { name: "address", in: "path" },
    description: "As in a list of steps, URL-encoded.",
    example: "fetch[3]",
  });

/** The address of a step, as a parameter of a query. */
export function stepParam(description: string) {
  return (
    z
      .string()
      .min(1)
      .max(2_000)
      // biome-ignore lint/suspicious/noControlCharactersInRegex: SQLite would look for what stands before it
      .regex(/^[^\u0000]*$/, "no address has U+0000 in it")
      .optional()
      .openapi({ description, example: "fetch[3]" })
  );
}

/** How many things a page has; what is more than the most is clamped. */
export function limit(most: number, usual: number) {
  return z
    .string()
    .regex(/^\d{1,9}$/, "it takes a whole number")
    .transform((text) => Math.min(most, Math.max(1, Number(text))))
    .optional()
    .transform((given) => given ?? usual)
    .openapi({ type: "integer", minimum: 1, maximum: most, default: usual });
}

/** Where the last page ended. */
export const cursor = z
  .string()
  .min(1)
  .max(400)
  .optional()
  .openapi({ description: "The last page's `next`." });

/** An instant, as milliseconds since 1970 once parsed. */
export function instantParam(description: string) {
  return z
    .string()
    .refine((text) => instantMs(text) !== undefined, 'it takes an instant like "2026-11-21T16:06:00Z"')
    .transform((text) => instantMs(text) as number)
    .optional()
    .openapi({ type: "string", format: "date-time", description });
}

/** A list of known words, separated by commas. */
export function wordsParam<const T extends string>(known: readonly T[], description: string) {
  return z
    .string()
    .transform((text) => text.split(","))
    .pipe(z.array(z.enum(known)))
    .optional()
    .openapi({ type: "string", description: `${description} Separated by commas: ${known.join(", ")}.` });
}
