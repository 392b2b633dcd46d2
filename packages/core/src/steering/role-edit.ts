import { JobbersError } from "../errors/errors.js";
import type { RoleEdit, RoleQueues } from "../store/roles.js";
import { checkName } from "../values/ids.js";
import { quoted } from "../values/quoted.js";

/** The most queues of a role, and the largest weight. */
const MOST = 1_000;
const HEAVIEST = 1_000_000;

/** The most steps at once that a role may be limited to. */
const MOST_AT_ONCE = 1_000_000;

/**
 * Answers an edit of a role, its queues by name, when it makes sense.
 *
 * @throws JobbersError `name-invalid` or `flag-invalid`, naming the field
 */
export function checkRoleEdit(name: string, { queues, concurrency }: RoleEdit): RoleEdit {
  checkName(name, "role");
  const what = `role ${quoted(name)}`;
  if (concurrency !== undefined && concurrency !== "none" && !isCap(concurrency))
    throw wrong(
      `${what}: concurrency is ${quoted(concurrency)}; it takes a whole number from 1 to ${MOST_AT_ONCE}, or "none"`,
    );
  return { ...(queues !== undefined && { queues: checkQueues(what, queues) }), concurrency };
}

/** The refusal of an edit that says no queues, of a role that is not there. */
export function roleUnknown(name: string): JobbersError {
  return new JobbersError(
    "role-unknown",
    `there is no role ${quoted(name)}; make it: jobbers roles set ${name} --queues QUEUE=1`,
  );
}

/** True for what may be the queues of a role that is kept. */
export function areRoleQueues(queues: unknown): queues is RoleQueues {
  try {
    checkQueues("", queues as RoleQueues);
    return true;
  } catch {
    return false;
  }
}

/** True for how many steps at once a role may be limited to. */
export function isCap(concurrency: unknown): concurrency is number {
  return (
    Number.isInteger(concurrency) && (concurrency as number) >= 1 && (concurrency as number) <= MOST_AT_ONCE
  );
}

function checkQueues(what: string, queues: RoleQueues): RoleQueues {
  if (typeof queues !== "object" || queues === null || Array.isArray(queues))
    throw wrong(
      `${what}: queues is ${quoted(queues)}; it takes queues with their weights, as in {"crawl": 3, "mail": 1}`,
    );
  const entries = Object.entries(queues).sort(([a], [b]) => (a < b ? -1 : 1));
  if (entries.length === 0) throw wrong(`${what}: queues has none; a role serves at least one queue`);
  if (entries.length > MOST)
    throw wrong(`${what}: queues has ${entries.length}; a role serves at most ${MOST}`);
  for (const [queue, weight] of entries) {
    checkName(queue, `${what}: queue`);
    if (typeof weight === "number" && weight >= 0.001 && weight <= HEAVIEST) continue;
    throw wrong(
      `${what}: queues.${queue} is ${quoted(weight)}; a weight is a number from 0.001 to ${HEAVIEST}`,
    );
  }
  return Object.fromEntries(entries);
}

function wrong(message: string): JobbersError {
  return new JobbersError("flag-invalid", message);
}
