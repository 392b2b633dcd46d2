import type { AnyTask } from "../definition/face.js";
import { JobbersError } from "../errors/errors.js";
import type { LimitUse } from "../store/limits.js";
import { quoted } from "../values/quoted.js";
import { shortKey } from "./short-key.js";

/**
 * Fairness between keys: the tenants of a queue take turns. A step's tenant is said by its code, as the keys of limits are, and goes the
 * same ways: among its uses, under the name {@link FAIR}, which no limit can have. It refuses nobody.
 */
export const FAIR = "@fair";

/** Says whose turn a step takes, from its parsed input. */
export type FairKey = (input: never) => string | number;

/** What code says for all tasks of its process that stand in a queue and say nothing themselves, by queue. */
export type FairQueues = ReadonlyMap<string, FairKey>;

/** What says whose turn a step of a task takes in a queue; `undefined` where nothing does. */
export function fairKeyOf(
  task: AnyTask,
  queue: string,
  queues?: FairQueues | undefined,
): FairKey | undefined {
  return task.fair ?? queues?.get(queue);
}

/**
 * Whose turn a step with this input takes, as one of its uses; none where that is the empty text: it goes with all that have no key.
 *
 * @param input the parsed input
 * @throws JobbersError `fair-invalid`, naming the task, when the function throws, or answers what is no key
 */
export function fairUseOf(fair: FairKey, task: string, input: unknown): LimitUse[] {
  let key: unknown;
  try {
    key = fair(input as never);
  } catch (thrown) {
    const why = thrown instanceof Error ? thrown.message : String(thrown);
    throw new JobbersError("fair-invalid", `task ${quoted(task)}: its fair threw: ${why}`, { cause: thrown });
  }
  if (typeof key !== "string" && !(typeof key === "number" && Number.isFinite(key)))
    throw new JobbersError(
      "fair-invalid",
      `task ${quoted(task)}: its fair answered ${quoted(key)}; it takes text or a number`,
    );
  return key === "" ? [] : [{ limit: FAIR, key: shortKey(String(key)), cost: 1 }];
}

/** The tenant among a step's uses; "" where it has none. */
export function tenantOf(uses: readonly LimitUse[]): string {
  return uses.find(({ limit }) => limit === FAIR)?.key ?? "";
}

/** The uses that are limits. */
export function limitsAmong(uses: readonly LimitUse[]): LimitUse[] {
  return uses.filter(({ limit }) => limit !== FAIR);
}
