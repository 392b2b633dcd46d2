import { z } from "@hono/zod-openapi";
import { logLevels } from "@jobbers/core";
import { instant, json } from "./basics.js";

/** How grave a line is, the least first. */
export const logLevel = z.enum(logLevels).openapi("LogLevel");

/** One line that an attempt of a step has logged. */
export const logLine = z
  .object({
    step: z.string().openapi({ description: "The step's address." }),
    attempt: z.number().int(),
    number: z.number().int().openapi({
      description: "Its number in its attempt; where some are missing, lines were dropped.",
    }),
    level: logLevel,
    message: z.string(),
    fields: z.record(z.string(), json).optional(),
    cut: z
      .literal(true)
      .optional()
      .openapi({ description: "Something of it was too long to be kept, or no JSON." }),
    at: instant,
  })
  .openapi("LogLine");

/** One line of a log. */
export type LogLine = z.infer<typeof logLine>;

/** A page of a run's log, oldest first. */
export const logPage = z
  .object({
    lines: z.array(logLine),
    next: z
      .string()
      .openapi({ description: "Where to go on, also behind the last page: for what is yet to come." }),
    more: z.boolean().openapi({ description: "False at the end of what there is." }),
    dropped: z
      .number()
      .int()
      .openapi({ description: "How many lines of the step, or of the run, were dropped." }),
  })
  .openapi("LogPage");

/** A page of a run's log. */
export type LogPageView = z.infer<typeof logPage>;

/** The data of `lines`: some lines, in a stream. */
export const logLines = logPage
  .pick({ lines: true, dropped: true })
  .extend({ type: z.literal("lines") })
  .openapi("LogLines");

/** The data of `end`: the run has ended, and all its lines were told. */
export const logEnd = z.object({ type: z.literal("end") }).openapi("LogEnd");
