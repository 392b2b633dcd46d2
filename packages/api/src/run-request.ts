import { durationMs, isRunId, isTag, type JsonValue, quoted } from "@jobbers/core";
import { type KeyOption, readKeyOption, type SubmitItem } from "@jobbers/runs";
import { instantMs } from "./instants.js";
import { pointerOf, type Refused, refusalOf } from "./problem.js";

/** A body that was checked: what is to be run, and how. */
export interface CheckedRequest {
  readonly kind: "dag" | "task";
  readonly name: string;
  readonly item: SubmitItem<JsonValue>;
}

type Fields = Readonly<Record<string, unknown>>;
/** What is wrong with a field; where it is a part of that, with its pointer. */
type Check = (value: unknown, fields: Fields) => string | Refused | undefined;

const nameForm = /^[A-Za-z0-9._-]{1,128}$/;
const anyName: Check = (value) =>
  typeof value === "string" && nameForm.test(value)
    ? undefined
    : `is ${quoted(value)}; a name has 1 to 128 of A-Z a-z 0-9 . _ -`;
const anyDuration: Check = (value) => {
  try {
    durationMs(value as string, "");
    return undefined;
  } catch (error) {
    return (error as Error).message.trimStart();
  }
};

/**
 * What each field takes; the published schema (`wire/submit.ts`) says the same, and a test compares the two. Checked by hand,
 * for every run that is submitted passes here.
 */
const checks: Readonly<Record<string, Check>> = {
  id: (value) => (isRunId(value) ? undefined : `is ${quoted(value)}, no ULID (26 upper-case characters)`),
  dag: (value, fields) =>
    fields.task === undefined ? anyName(value, fields) : "stands beside task; exactly one of them is given",
  task: anyName,
  input: () => undefined,
  priority: (value) =>
    Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 9
      ? undefined
      : `is ${quoted(value)}; it takes a whole number from 0 to 9`,
  delay: anyDuration,
  runAt: (value, { delay }) => {
    if (delay !== undefined) return "stands beside delay; they exclude each other";
    return instantMs(value) === undefined
      ? `is ${quoted(value)}; it takes an instant like "2026-11-21T16:06:00Z"`
      : undefined;
  },
  tags: (value) =>
    Array.isArray(value) && value.length <= 32 && value.every(isTag)
      ? undefined
      : "takes a list of at most 32 texts of 1 to 128 characters other than U+0000",
  keep: anyDuration,
  deadline: (value, fields) => {
    const fault = anyDuration(value, fields);
    if (fault !== undefined) return fault;
    const ms = durationMs(value as string, "");
    if (ms === 0) return `is ${quoted(value)}; it has to be longer than 0`;
    const delay = fields.delay ?? (fields.debounce as { readonly wait?: unknown } | null | undefined)?.wait;
    const isEarly = delay !== undefined && !anyDuration(delay, fields);
    if (isEarly && ms <= durationMs(delay as string, "")) return "is over before the delay has passed";
    return undefined;
  },
  durability: (value) =>
    value === "local" || value === "replica"
      ? undefined
      : `is ${quoted(value)}; it takes "local" or "replica"`,
  idempotencyKey: (value, fields) => keyFault("idempotencyKey", value, fields),
  singleton: (value, fields) => keyFault("singleton", value, fields),
  debounce: (value, fields) => keyFault("debounce", value, fields),
  throttle: (value, fields) => keyFault("throttle", value, fields),
};

function keyFault(option: KeyOption, value: unknown, fields: Fields): string | Refused | undefined {
  const claim = readKeyOption(option, value, fields);
  if (!("problem" in claim)) return undefined;
  return { pointer: pointerOf(claim.path), detail: claim.problem };
}

/** The fields of a body with the key that came in a header. */
function withKey(fields: Fields, key: string | undefined, faults: Refused[]): Fields {
  if (key === undefined) return fields;
  const { idempotencyKey } = fields;
  if (idempotencyKey === undefined) return { ...fields, idempotencyKey: key };
  const own = typeof idempotencyKey === "string" ? idempotencyKey : (idempotencyKey as Fields | null)?.key;
  if (own !== key)
    faults.push({ pointer: "/idempotencyKey", detail: "is another than that of the header Idempotency-Key" });
  return fields;
}

/**
 * Checks the body of a submission.
 *
 * @param key the idempotency key that came in a header
 * @throws RequestRefused `body-invalid`, naming each field that is wrong
 */
export function readRunRequest(
  body: JsonValue,
  what: string,
  traceparent: string | undefined,
  key?: string,
): CheckedRequest {
  if (typeof body !== "object" || body === null || Array.isArray(body))
    throw refusalOf("body-invalid", what, [{ pointer: "", detail: "is no JSON object" }]);
  const faults: Refused[] = [];
  const fields = withKey(body as Fields, key, faults);
  for (const key in fields) {
    const detail = Object.hasOwn(checks, key)
      ? (checks[key] as Check)(fields[key], fields)
      : `is no field of a submission; there are ${Object.keys(checks).join(", ")}`;
    if (detail !== undefined)
      faults.push(typeof detail === "string" ? { pointer: pointerOf([key]), detail } : detail);
  }
  if (fields.dag === undefined && fields.task === undefined)
    faults.push({ pointer: "", detail: "names neither a dag nor a task" });
  const [first, ...rest] = faults;
  if (first) throw refusalOf("body-invalid", what, [first, ...rest.slice(0, 9)]);
  return {
    kind: fields.dag === undefined ? "task" : "dag",
    name: (fields.dag ?? fields.task) as string,
    item: itemOf(fields, traceparent),
  };
}

function itemOf(fields: Fields, traceparent: string | undefined): SubmitItem<JsonValue> {
  const {
    id,
    input = {},
    priority,
    delay,
    runAt,
    tags,
    keep,
    deadline,
    durability,
    idempotencyKey,
    singleton,
    debounce,
    throttle,
  } = fields as Record<string, never>;
  // Written out, so that all items have one shape.
  return {
    id,
    input,
    priority,
    delay,
    tags,
    keep,
    deadline,
    durability,
    traceparent,
    idempotencyKey,
    singleton,
    debounce,
    throttle,
    runAt: runAt === undefined ? undefined : instantMs(runAt),
  };
}
