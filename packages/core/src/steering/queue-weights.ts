import { JobbersError } from "../errors/errors.js";
import { shortKey } from "../limits/short-key.js";
import {
  type EditedPolicy,
  type QueuePolicy,
  type QueuePolicyEdit,
  type QueueSettings,
  WEIGHT_LIMIT,
  WEIGHTS_LIMIT,
} from "../store/queues.js";
import { quoted } from "../values/quoted.js";

/** The weights of the keys that take turns in a queue: a part of its policy of which each key is said for itself. */
type Weights = Readonly<Record<string, number>>;

/** The longest key that may be given a weight, in characters. */
const KEY_CHARS = 512;

/** Weights that code says, by keys as stores keep them. */
export function checkWeights(name: string, weights: unknown): Pick<QueuePolicy, "weights"> {
  if (weights === undefined) return {};
  const all = checked(name, weights, []) as Weights;
  return Object.keys(all).length === 0 ? {} : { weights: all };
}

/** The same for an edit. */
export function checkWeightEdit(name: string, weights: unknown): Pick<QueuePolicyEdit, "weights"> {
  if (weights === undefined) return {};
  if (weights === "default") return { weights };
  return { weights: checked(name, weights, ["default"]) as Readonly<Record<string, number | "default">> };
}

function checked(name: string, weights: unknown, words: readonly string[]): Record<string, unknown> {
  const refuse = (message: string) => new JobbersError("flag-invalid", `queue ${quoted(name)}: ${message}`);
  if (typeof weights !== "object" || weights === null || Array.isArray(weights))
    throw refuse(`weights is ${quoted(weights)}; it takes weights by key, as in { acme: 3 }`);
  const entries = Object.entries(weights as Record<string, unknown>);
  if (entries.length > WEIGHTS_LIMIT)
    throw refuse(`weights has ${entries.length} keys; it takes at most ${WEIGHTS_LIMIT}`);
  for (const [key, weight] of entries) {
    if (key === "" || key.length > KEY_CHARS)
      throw refuse(`weights has a key of ${key.length} characters; it takes 1 to ${KEY_CHARS}`);
    if (isWeight(weight) || words.includes(weight as string)) continue;
    const or = words.map((word) => `, or ${quoted(word)}`).join("");
    throw refuse(
      `weights: that of ${quoted(key)} is ${quoted(weight)}; it takes a whole number from 1 to ${WEIGHT_LIMIT}${or}`,
    );
  }
  return Object.fromEntries(entries.map(([key, weight]) => [shortKey(key), weight] as const).sort(byKey));
}

/** True for weights as they are kept. */
export function areWeights(weights: unknown): boolean {
  if (typeof weights !== "object" || weights === null || Array.isArray(weights)) return false;
  return Object.values(weights).every(isWeight);
}

function isWeight(weight: unknown): boolean {
  return Number.isInteger(weight) && (weight as number) >= 1 && (weight as number) <= WEIGHT_LIMIT;
}

/**
 * Refuses an edit with which edits would say more weights than a queue may have.
 *
 * @throws JobbersError `flag-invalid`
 */
export function checkWeightCount(name: string, count: number): void {
  if (count <= WEIGHTS_LIMIT) return;
  const what = `weights would have ${count} keys with this edit; it takes at most ${WEIGHTS_LIMIT}`;
  throw new JobbersError("flag-invalid", `queue ${quoted(name)}: ${what}`);
}

/** What edits say of weights once one more has; undefined where they say none. */
export function weightsAfter(
  { weights: before = {} }: EditedPolicy,
  { weights: edit = {} }: QueuePolicyEdit,
): Pick<EditedPolicy, "weights"> {
  if (edit === "default") return { weights: undefined };
  const all = Object.entries({ ...before, ...edit }).filter(([, weight]) => weight !== "default");
  return { weights: all.length === 0 ? undefined : (Object.fromEntries(all.sort(byKey)) as Weights) };
}

/** What of weights is in force: each key's by itself. */
export function weightsInForce({
  default: code,
  edit,
}: Pick<QueueSettings, "default" | "edit">): Pick<QueuePolicy, "weights"> {
  if (!code.weights && !edit.weights) return {};
  const all = Object.entries({ ...code.weights, ...edit.weights });
  return { weights: Object.fromEntries(all.sort(byKey)) };
}

function byKey([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : 1;
}
