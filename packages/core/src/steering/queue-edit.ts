import { JobbersError } from "../errors/errors.js";
import { QUEUE_MAX_LIMIT, type QueueDefaults, type QueueEdit } from "../store/queues.js";
import { checkName } from "../values/ids.js";
import { quoted } from "../values/quoted.js";

/** The longest text that says who edited something, in characters. */
const BY_CHARS = 200;

/**
 * Answers an edit of a queue as it is when it makes sense.
 *
 * @throws JobbersError `name-invalid` or `flag-invalid`, naming the field
 */
export function checkQueueEdit(name: string, edit: QueueEdit): QueueEdit {
  checkName(name, "queue");
  const { paused, draining, max } = edit;
  for (const [field, value] of Object.entries({ paused, draining }))
    if (value !== undefined && typeof value !== "boolean") throw wrong(name, field, value, "true or false");
  if (max !== undefined && max !== "none" && max !== "default") checkMax(max, name, ', "none" or "default"');
  return { paused, draining, max };
}

/**
 * Answers what code says of queues as it is when it makes sense.
 *
 * @throws JobbersError `name-invalid` or `flag-invalid`, naming the field
 */
export function checkQueueDefaults(defaults: readonly QueueDefaults[]): readonly QueueDefaults[] {
  return defaults.map(({ name, max }) => {
    checkName(name, "queue");
    if (max !== undefined) checkMax(max, name, "");
    return { name, max };
  });
}

/** Who edits something, short enough to be kept. */
export function editorOf(by: string): string {
  return [...by].slice(0, BY_CHARS).join("");
}

function checkMax(max: unknown, name: string, or: string): void {
  if (Number.isInteger(max) && (max as number) >= 1 && (max as number) <= QUEUE_MAX_LIMIT) return;
  throw wrong(name, "max", max, `a whole number from 1 to ${QUEUE_MAX_LIMIT}${or}`);
}

function wrong(name: string, field: string, value: unknown, form: string): JobbersError {
  return new JobbersError(
    "flag-invalid",
    `queue ${quoted(name)}: ${field} is ${quoted(value)}; it takes ${form}`,
  );
}
