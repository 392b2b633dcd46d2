import type { z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { type BodyLimits, readJsonBody } from "./doors/body.js";
import { pointerOf, type Refused, refusalOf } from "./problem.js";

/**
 * Reads a small body and checks it by its published schema. A request without a content type has none: its fields are those that may be left out.
 *
 * @throws RequestRefused `body-invalid`, and what reading a body throws
 */
export async function readFields<T extends z.ZodType>(
  c: Context,
  limits: BodyLimits,
  schema: T,
  what: string,
): Promise<z.output<T>> {
  const body = c.req.header("content-type") === undefined ? {} : await readJsonBody(c, limits);
  return parseFields(schema, body, what);
}

/** Checks fields by a schema; throws `body-invalid`, naming each that is wrong. */
export function parseFields<T extends z.ZodType>(schema: T, fields: unknown, what: string): z.output<T> {
  const parsed = schema.safeParse(fields);
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues
    .slice(0, 10)
    .map(
      (issue): Refused =>
        issue.code === "unrecognized_keys"
          ? { pointer: pointerOf(issue.keys.slice(0, 1)), detail: "is no field of it" }
          : { pointer: pointerOf(issue.path), detail: `is wrong: ${issue.message}` },
    );
  throw refusalOf("body-invalid", `the body is not what ${what} takes`, faults as [Refused]);
}
