import { JobbersError } from "../errors/errors.js";
import type { QueueDefaults, QueueEdit } from "../store/queues.js";
import { checkName } from "../values/ids.js";
import { quoted } from "../values/quoted.js";
import { checkPolicy, checkPolicyEdit } from "./queue-policy.js";

/** The longest text that says who edited something, in characters. */
const BY_CHARS = 200;

/**
 * Answers an edit of a queue as it is when it makes sense.
 *
 * @throws JobbersError `name-invalid` or `flag-invalid`, naming the field
 */
export function checkQueueEdit(name: string, edit: QueueEdit): QueueEdit {
  checkName(name, "queue");
  const { paused, draining, ...policy } = edit;
  for (const [field, value] of Object.entries({ paused, draining }))
    if (value !== undefined && typeof value !== "boolean")
      throw new JobbersError(
        "flag-invalid",
        `queue ${quoted(name)}: ${field} is ${quoted(value)}; it takes true or false`,
      );
  return { paused, draining, ...checkPolicyEdit(name, policy) };
}

/**
 * Answers what code says of queues as it is when it makes sense.
 *
 * @throws JobbersError `name-invalid` or `flag-invalid`, naming the field
 */
export function checkQueueDefaults(defaults: readonly QueueDefaults[]): readonly QueueDefaults[] {
  return defaults.map(({ name, limits = [], ...policy }) => {
    checkName(name, "queue");
    return { name, limits, ...checkPolicy(name, policy) };
  });
}

/** Who edits something, short enough to be kept. */
export function editorOf(by: string): string {
  return [...by].slice(0, BY_CHARS).join("");
}
