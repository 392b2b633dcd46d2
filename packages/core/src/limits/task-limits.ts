import type { AnyTask } from "../definition/face.js";
import type { Limit } from "../definition/limits.js";
import { durationMs } from "../definition/policy.js";
import { JobbersError } from "../errors/errors.js";
import type { DeclaredLimit, LimitSetting, LimitUse, TaskLimits } from "../store/limits.js";
import { sha256Hex } from "../values/hash.js";
import { quoted } from "../values/quoted.js";
import { taskLimitName } from "./limit-name.js";

/** A declared limit with the functions that only its code has. */
interface OwnLimit extends DeclaredLimit {
  key?(input: unknown): unknown;
  costOf?(input: unknown): unknown;
}

const known = new WeakMap<AnyTask, readonly OwnLimit[]>();

function ownLimits(task: AnyTask): readonly OwnLimit[] {
  const before = known.get(task);
  if (before) return before;
  const limits = declared(task.name, task.limits as readonly Limit<unknown>[]);
  known.set(task, limits);
  return limits;
}

/** The limits of a task, `@queue` or `task@queue`, with their names. */
function declared(target: string, limits: readonly Limit<unknown>[]): OwnLimit[] {
  const counts = { rate: 0, concurrency: 0 };
  return limits.map((limit): OwnLimit => {
    const kind = "rate" in limit ? "rate" : "concurrency";
    // A limit with a name takes no number from those without.
    const name = limit.name ?? taskLimitName(target, kind, counts[kind]++);
    const cost = "rate" in limit ? limit.cost : undefined;
    const { key } = limit;
    return {
      name,
      setting: settingOf(limit),
      isKeyed: key !== undefined || typeof cost === "function",
      ...(typeof cost === "number" && { cost }),
      ...(key && { key: key.bind(limit) }),
      ...(typeof cost === "function" && { costOf: cost }),
    };
  });
}

function settingOf(limit: Limit<unknown>): LimitSetting {
  if (!("rate" in limit)) return { concurrency: limit.concurrency };
  return { rate: limit.rate, perMs: durationMs(limit.per, "per"), burst: limit.burst ?? 1 };
}

/** What a task's code says of its limits, for the store. */
export function taskLimitsOf(task: AnyTask): TaskLimits {
  return { task: task.name, limits: ownLimits(task).map(dataOf) };
}

/** The same of limits that hold for a `@queue` or a `task@queue`; none of them is keyed. */
export function targetLimitsOf(target: string, limits: readonly Limit<unknown>[]): DeclaredLimit[] {
  return declared(target, limits).map(dataOf);
}

function dataOf({ name, setting, isKeyed, cost }: OwnLimit): DeclaredLimit {
  return { name, setting, isKeyed, ...(cost !== undefined && { cost }) };
}

/** True for a task with a limit of which only its code can say the key or the cost. */
export function hasKeyedLimits(task: AnyTask): boolean {
  return task.limits.length > 0 && ownLimits(task).some(({ isKeyed }) => isKeyed);
}

/**
 * The limits that a step with this input runs under, of those that depend on it.
 *
 * @param input the parsed input
 * @throws JobbersError `limit-invalid`, naming the limit, when its key or cost throws, or answers what is none
 */
export function limitUsesOf(task: AnyTask, input: unknown): LimitUse[] {
  return ownLimits(task)
    .filter(({ isKeyed }) => isKeyed)
    .map(({ name, key, costOf, cost }) => ({
      limit: name,
      key: key
        ? shortKey(
            textOf(
              ask(name, "key", () => key(input)),
              name,
            ),
          )
        : "",
      cost: costOf
        ? amountOf(
            ask(name, "cost", () => costOf(input)),
            name,
          )
        : (cost ?? 1),
    }));
}

function ask(name: string, what: string, answer: () => unknown): unknown {
  try {
    return answer();
  } catch (thrown) {
    const why = thrown instanceof Error ? thrown.message : String(thrown);
    throw new JobbersError("limit-invalid", `limit ${quoted(name)}: its ${what} threw: ${why}`, {
      cause: thrown,
    });
  }
}

function textOf(value: unknown, name: string): string {
  if (typeof value === "string") return value;
  throw new JobbersError(
    "limit-invalid",
    `limit ${quoted(name)}: its key answered ${quoted(value)}; a key is text`,
  );
}

function amountOf(value: unknown, name: string): number {
  if (typeof value === "number" && Number.isFinite(value) && value > 0) return value;
  throw new JobbersError(
    "limit-invalid",
    `limit ${quoted(name)}: its cost answered ${quoted(value)}; a cost is a number above 0`,
  );
}

/** The longest key that is kept as it is, in characters. */
const KEY_CHARS = 100;

/** Keys stand in names of the store's, so of a long one only the beginning does, and its hash. */
function shortKey(key: string): string {
  if (key.length <= KEY_CHARS && /^[\x20-\x7e]*$/.test(key)) return key;
  if (key.length <= KEY_CHARS / 3) return key;
  return `${[...key].slice(0, 16).join("")}~${sha256Hex(key).slice(0, 32)}`;
}
