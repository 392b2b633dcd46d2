import type { StandardSchemaV1 } from "@standard-schema/spec";
import { type ErrorCode, JobbersError } from "../errors/errors.js";
import { errorShape } from "../errors/step-error.js";
import { showPath } from "./show-path.js";

const MAX_ISSUES = 10;
const MAX_MESSAGE_CHARS = 200;

/**
 * Parses a value with any Standard Schema; without a schema the value is answered as it is.
 *
 * @param what names the value in messages, such as "input of fetch"
 * @throws JobbersError `input-invalid`, or the code given: the first ten issues with their paths are in its message, and in
 * `detail.issues` as `{ at, message }`
 * @example
 * const input = await parseWith(z.object({ url: z.url() }), raw, "input of fetch", "input-invalid");
 */
export async function parseWith(
  schema: StandardSchemaV1 | undefined,
  value: unknown,
  what: string,
  code: ErrorCode = "input-invalid",
): Promise<unknown> {
  return await parseSoon(schema, value, what, code);
}

/**
 * Parses as {@link parseWith} does, but answers a promise only where the schema does.
 *
 * @throws JobbersError as {@link parseWith}
 * @example
 * const parsed = parseSoon(z.object({ url: z.url() }), raw, "input of fetch");
 * const input = parsed instanceof Promise ? await parsed : parsed;
 */
export function parseSoon(
  schema: StandardSchemaV1 | undefined,
  value: unknown,
  what: string,
  code: ErrorCode = "input-invalid",
): unknown {
  if (schema === undefined) return value;
  let answered: unknown;
  try {
    answered = schema["~standard"].validate(value);
  } catch (cause) {
    throw refusal(cause, what, code);
  }
  return isThenable(answered) ? passedLater(answered, what, code) : passed(answered, what, code);
}

async function passedLater(answered: PromiseLike<unknown>, what: string, code: ErrorCode): Promise<unknown> {
  let result: unknown;
  try {
    result = await answered;
  } catch (cause) {
    throw refusal(cause, what, code);
  }
  return passed(result, what, code);
}

function refusal(cause: unknown, what: string, code: ErrorCode): JobbersError {
  const { name, message } = errorShape(cause);
  return new JobbersError(code, `${what}: its schema threw ${cut(`${name}: ${message}`)}`, { cause });
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === "function";
}

/** The value that a schema lets pass. */
function passed(answered: unknown, what: string, code: ErrorCode): unknown {
  if (typeof answered !== "object" || answered === null) {
    throw new JobbersError(
      "definition-invalid",
      `${what}: its schema is not a Standard Schema: it answered no result`,
    );
  }
  const result = answered as StandardSchemaV1.Result<unknown>;
  if (!result.issues) return result.value;
  const issues = result.issues.slice(0, MAX_ISSUES).map((issue) => describe(issue, what));
  const lines = issues.map(({ at, message }) => `${at}: ${message}`);
  const more = result.issues.length - issues.length;
  if (more > 0) lines.push(`and ${more} more`);
  const list = lines.map((line) => `\n  ${line}`).join("");
  const message = lines.length === 1 ? (lines[0] as string) : `${what} is invalid${list && `:${list}`}`;
  throw new JobbersError(code, message, { detail: { issues } });
}

function describe(issue: StandardSchemaV1.Issue, what: string) {
  const path = (issue.path ?? []).map((segment) => {
    const key = typeof segment === "object" ? segment.key : segment;
    return typeof key === "number" ? key : String(key);
  });
  return { at: what + showPath(path), message: cut(String(issue.message)) };
}

function cut(text: string): string {
  return text.length > MAX_MESSAGE_CHARS ? `${text.slice(0, MAX_MESSAGE_CHARS)}…` : text;
}
