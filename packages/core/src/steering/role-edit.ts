import { JobbersError } from "../errors/errors.js";
import type { RoleQueues } from "../store/roles.js";
import { checkName } from "../values/ids.js";
import { quoted } from "../values/quoted.js";

/** The most queues of a role, and the largest weight. */
const MOST = 1_000;
const HEAVIEST = 1_000_000;

/**
 * Answers the queues of a role, by name, when they make sense.
 *
 * @throws JobbersError `name-invalid` or `flag-invalid`, naming the field
 */
export function checkRole(name: string, queues: RoleQueues): RoleQueues {
  checkName(name, "role");
  const what = `role ${quoted(name)}`;
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
