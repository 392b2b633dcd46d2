import { JobbersError } from "../errors/errors.js";
import { checkName } from "../values/ids.js";
import { quoted } from "../values/quoted.js";

/**
 * How the children of a map are laid over queues. This version declares and validates spreads; it does not enforce them yet.
 */
export interface Spread<in E> {
  readonly by: "hash" | "round-robin" | "random" | "least-loaded";
  readonly queues: readonly string[];
  /** By hash: elements with equal keys go to the same queue. */
  key?(item: E): string;
}

/**
 * Lays the children of a map over queues by the hash of a key. Not enforced yet, see {@link Spread}.
 *
 * @throws JobbersError `definition-invalid`
 * @example
 * urls.map((url) => fetchPage({ url }), { spread: hash((url) => new URL(url).host, ["crawl-a", "crawl-b"]) });
 */
// biome-ignore lint/suspicious/noExplicitAny: where TypeScript cannot infer the element from the call around it
export function hash<E = any>(key: (item: E) => string, queues: readonly string[]): Spread<E> {
  return checkSpread({ by: "hash", queues, key }, "hash()");
}

/** Lays the children of a map over queues in turn. Not enforced yet, see {@link Spread}. */
export function roundRobin(queues: readonly string[]): Spread<unknown> {
  return checkSpread({ by: "round-robin", queues }, "roundRobin()");
}

/** Lays the children of a map over queues at random. Not enforced yet, see {@link Spread}. */
export function random(queues: readonly string[]): Spread<unknown> {
  return checkSpread({ by: "random", queues }, "random()");
}

/** Gives each child of a map to the queue with the fewest ready steps. Not enforced yet, see {@link Spread}. */
export function leastLoaded(queues: readonly string[]): Spread<unknown> {
  return checkSpread({ by: "least-loaded", queues }, "leastLoaded()");
}

const ways: readonly unknown[] = ["hash", "round-robin", "random", "least-loaded"];

/** Checks a spread and answers it; throws `definition-invalid`. */
export function checkSpread<S extends Spread<never>>(spread: S, what: string): S {
  const refuse = (message: string) => new JobbersError("definition-invalid", `${what} ${message}`);
  const { by, queues, key } = (spread ?? {}) as Record<string, unknown>;
  if (!ways.includes(by))
    throw refuse(`is ${quoted(spread)}; use hash(), roundRobin(), random() or leastLoaded()`);
  if (!Array.isArray(queues) || queues.length === 0)
    throw refuse("has no queues; give it a list of queue names");
  for (const queue of queues) checkName(queue, `${what}: queue`);
  if (by === "hash" && typeof key !== "function")
    throw refuse(`has the key ${quoted(key)}; a key is a function`);
  return spread;
}
