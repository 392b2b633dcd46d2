import { JobbersError } from "../errors/errors.js";
import type { Inlining, Trigger } from "../plan/plan.js";
import { type LogLevel, logLevels } from "../store/logs.js";
import { checkName } from "../values/ids.js";
import { quoted } from "../values/quoted.js";
import { durationMs, MIN_HEARTBEAT_MS } from "./policy.js";

const triggers: readonly unknown[] = [
  "all_success",
  "none_failed",
  "one_failed",
  "all_done",
] satisfies Trigger[];
const INLININGS: readonly unknown[] = ["auto", "always", "never"] satisfies Inlining[];
/** As many as a worker may have. */
const MAX_SLOTS = 100_000;
const MAX_TAG_CHARS = 128;

/** Checks that options are an object with no other keys than these; none given reads as `{}`. */
export function checkOptions<O extends object>(
  options: O | undefined,
  keys: readonly string[],
  what: string,
): O {
  if (options === undefined) return {} as O;
  if (typeof options !== "object" || options === null || Array.isArray(options)) {
    throw new JobbersError(
      "definition-invalid",
      `${what}: its options are ${quoted(options)}, not an object`,
    );
  }
  const stranger = Object.keys(options).find((key) => !keys.includes(key));
  if (stranger !== undefined) {
    const known = keys.join(", ");
    throw new JobbersError(
      "definition-invalid",
      `${what}: ${quoted(stranger)} is no option; there are ${known}`,
    );
  }
  return options;
}

export function checkQueue(queue: unknown, what: string): string {
  return checkName(queue, `${what}: queue`);
}

export function checkPriority(priority: unknown, what: string): number {
  if (Number.isInteger(priority) && (priority as number) >= 0 && (priority as number) <= 9)
    return priority as number;
  throw new JobbersError("definition-invalid", `${what}: priority is ${quoted(priority)}; it takes 0 to 9`);
}

export function checkTimeout(timeout: number | string, what: string): number {
  const ms = durationMs(timeout, what);
  if (ms > 0) return ms;
  throw new JobbersError("definition-invalid", `${what} is ${quoted(timeout)}; it has to be longer than 0`);
}

export function checkHeartbeat(heartbeat: number | string, what: string): number {
  const ms = durationMs(heartbeat, what);
  if (ms >= MIN_HEARTBEAT_MS) return ms;
  const why = "a worker cannot tell a silent handler from an event loop that is busy for so long";
  throw new JobbersError(
    "definition-invalid",
    `${what} is ${quoted(heartbeat)}; the shortest is ${MIN_HEARTBEAT_MS} ms: ${why}`,
  );
}

export function checkEvents(events: unknown, what: string): "each" | "summed" {
  if (events === undefined || events === "summed") return "summed";
  if (events === "each") return "each";
  throw new JobbersError(
    "definition-invalid",
    `${what}: events is ${quoted(events)}; it takes "each" or "summed"`,
  );
}

export function checkSlots(slots: unknown, what: string): number {
  if (Number.isInteger(slots) && (slots as number) >= 1 && (slots as number) <= MAX_SLOTS)
    return slots as number;
  throw new JobbersError(
    "definition-invalid",
    `${what}: slots is ${quoted(slots)}; it takes a whole number from 1 to ${MAX_SLOTS}`,
  );
}

export function checkInlining(inline: unknown, what: string): Inlining {
  if (INLININGS.includes(inline)) return inline as Inlining;
  throw new JobbersError(
    "definition-invalid",
    `${what}: inline is ${quoted(inline)}; it takes ${INLININGS.join(", ")}`,
  );
}

/** Checks from which level on log lines are kept; throws `definition-invalid`, or the given code. */
export function checkKeepLogs(
  level: unknown,
  what: string,
  code: "definition-invalid" | "flag-invalid" = "definition-invalid",
): LogLevel | "none" | undefined {
  const known: readonly unknown[] = [undefined, "none", ...logLevels];
  if (known.includes(level)) return level as LogLevel | "none" | undefined;
  throw new JobbersError(code, `${what} is ${quoted(level)}; it takes ${logLevels.join(", ")} or none`);
}

export function checkTrigger(trigger: unknown, what: string): Trigger {
  if (triggers.includes(trigger)) return trigger as Trigger;
  throw new JobbersError(
    "definition-invalid",
    `${what}: trigger is ${quoted(trigger)}; there are ${triggers.join(", ")}`,
  );
}

/** True for a text of 1 to 128 characters. U+0000 is none of them: SQLite's texts end there. */
export function isTag(tag: unknown): tag is string {
  return typeof tag === "string" && tag.length > 0 && tag.length <= MAX_TAG_CHARS && !tag.includes("\0");
}

/** Checks tags, and keeps each once. */
export function checkTags(tags: unknown, what: string): readonly string[] {
  if (tags === undefined) return [];
  if (Array.isArray(tags) && tags.every(isTag)) return [...new Set(tags as string[])];
  throw new JobbersError(
    "definition-invalid",
    `${what}: tags take a list of texts of 1 to ${MAX_TAG_CHARS} characters other than U+0000`,
  );
}

/** Checks that something is a Standard Schema. */
export function checkSchema(schema: unknown, what: string): void {
  const isObject = (typeof schema === "object" && schema !== null) || typeof schema === "function";
  if (schema === undefined || (isObject && "~standard" in (schema as object))) return;
  const libraries = "a schema of zod, valibot, arktype or any other Standard Schema library";
  throw new JobbersError("definition-invalid", `${what} is ${quoted(schema)}; it takes ${libraries}`);
}
