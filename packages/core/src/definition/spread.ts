import { JobbersError } from "../errors/errors.js";
import type { SpreadPlan } from "../plan/plan.js";
import { checkName } from "../values/ids.js";
import { quoted } from "../values/quoted.js";
import { rendezvous, ways } from "./spread-ways.js";

/** The most queues that one spread may have. */
export const MAX_SPREAD_QUEUES = 64;

/** What a spread may know of an element when it chooses a queue for it. */
export interface SpreadContext<out E> {
  /** The element. */
  readonly item: E;
  /** Its place in the list, from 0. */
  readonly index: number;
  /** The spread's queues, as the plan of the run has them, and the weight of each. */
  readonly queues: readonly string[];
  readonly weights: readonly number[];
  /** A whole number below 2 to the power of 32 that all elements of this map of this run share. */
  readonly seed: number;
  /** The next of a sequence of numbers from 0 up to, not including, 1, which is the same whenever this element is laid out again. */
  readonly draw: () => number;
  /**
   * How many ready steps a queue has: as it was when the page of elements was begun, and what the page has added since. 0 unless the
   * spread asks for depths.
   */
  readonly depth: (queue: string) => number;
}

/**
 * How the children of a map are laid over queues. Those that Jobbers has are made by {@link hash}, {@link roundRobin},
 * {@link random}, {@link leastLoaded} and {@link weighted}; any object of this form will do.
 *
 * @example
 * const bySize: Spread<{ bytes: number }> = {
 *   name: "by-size",
 *   queues: ["small", "large"],
 *   choose: ({ item }) => (item.bytes > 1_000_000 ? "large" : "small"),
 * };
 */
export interface Spread<in E> {
  /** What it is called where runs are shown. */
  readonly name: string;
  /** The queues among which it chooses, at most {@link MAX_SPREAD_QUEUES}. */
  readonly queues: readonly string[];
  /** What share each queue is to have, in proportion to their sum; what a run's skew is measured by. Default: all alike. */
  readonly weights?: readonly number[] | undefined;
  /** True when it asks how deep the queues are, which costs one look at the store for each page of elements. */
  readonly depths?: boolean | undefined;
  /**
   * One of the queues. It has to answer at once and to know no more than it is given; where it throws or answers no queue of it, the
   * map fails.
   */
  choose(context: SpreadContext<E>): string;
}

/**
 * Lays the children of a map over queues by the hash of a key: elements with equal keys go to the same queue, and a queue that is
 * added takes only its share from the others (rendezvous hashing).
 *
 * A key is text or a number. Where the function throws or answers anything else for an element, the map fails, and says for which.
 *
 * @throws JobbersError `definition-invalid`, `name-invalid`
 * @example
 * urls.map((url) => fetchPage({ url }), { spread: hash((url) => new URL(url).host, ["crawl-a", "crawl-b"]) });
 */
// biome-ignore lint/suspicious/noExplicitAny: where TypeScript cannot infer the element from the call around it
export function hash<E = any>(key: (item: E) => string | number, queues: readonly string[]): Spread<E> {
  if (typeof key !== "function")
    throw invalid(`hash() has the key ${quoted(key)}; a key is a function from the element to text`);
  refuseAsync(key, "hash(): key");
  const choose = ({ item, queues }: SpreadContext<E>) => rendezvous(keyOf(key, item), queues);
  return checkSpread({ name: "hash", queues, choose }, "hash()");
}

/**
 * Lays the children of a map over queues in turn. Where a run's first child goes differs from run to run, so that many short lists
 * fill all queues alike.
 *
 * @throws JobbersError `definition-invalid`, `name-invalid`
 * @example
 * urls.map((url) => fetchPage({ url }), { spread: roundRobin(["crawl-a", "crawl-b"]) });
 */
export function roundRobin(queues: readonly string[]): Spread<unknown> {
  return wayOf("round-robin", "roundRobin()", queues);
}

/**
 * Lays the children of a map over queues at random, evenly.
 *
 * @throws JobbersError `definition-invalid`, `name-invalid`
 * @example
 * urls.map((url) => fetchPage({ url }), { spread: random(["crawl-a", "crawl-b"]) });
 */
export function random(queues: readonly string[]): Spread<unknown> {
  return wayOf("random", "random()", queues);
}

/**
 * Draws two queues for each child of a map and gives it to the one with fewer ready steps (the power of two choices). The depths are
 * read once for each page of elements; what the page itself adds is counted along.
 *
 * @throws JobbersError `definition-invalid`, `name-invalid`
 * @example
 * urls.map((url) => fetchPage({ url }), { spread: leastLoaded(["crawl-a", "crawl-b", "crawl-c"]) });
 */
export function leastLoaded(queues: readonly string[]): Spread<unknown> {
  return wayOf("least-loaded", "leastLoaded()", queues, { depths: true });
}

/**
 * Lays the children of a map over queues in proportion to weights, mixed evenly: after any number of children each queue has its
 * share but for a few.
 *
 * @throws JobbersError `definition-invalid`, `name-invalid`
 * @example
 * urls.map((url) => fetchPage({ url }), { spread: weighted({ "crawl-large": 3, "crawl-small": 1 }) });
 */
export function weighted(weights: Readonly<Record<string, number>>): Spread<unknown> {
  if (typeof weights !== "object" || weights === null || Array.isArray(weights))
    throw invalid(
      `weighted() has the weights ${quoted(weights)}; write weighted({ "queue-a": 3, "queue-b": 1 })`,
    );
  return wayOf("weighted", "weighted()", Object.keys(weights), { weights: Object.values(weights) });
}

function wayOf(
  name: string,
  what: string,
  queues: readonly string[],
  more: Pick<Spread<unknown>, "weights" | "depths"> = {},
): Spread<unknown> {
  return checkSpread({ name, queues, ...more, choose: ways[name] as Spread<unknown>["choose"] }, what);
}

/** The spread's part in a plan: what of it is data. */
export function spreadPlan({ name, queues, weights, choose }: Spread<never>): SpreadPlan {
  const isKnown = Object.hasOwn(ways, name) && ways[name] === choose;
  return {
    by: name,
    queues: [...queues],
    ...(weights && { weights: [...weights] }),
    ...(!isKnown && { code: true as const }),
  };
}

/** The text of a key; throws what the function threw. */
function keyOf<E>(key: (item: E) => string | number, item: E): string {
  const found: unknown = key(item);
  if (typeof found === "string" || typeof found === "number") return String(found);
  throw new TypeError(`its key is ${quoted(found)}; a key is text or a number`);
}

/** Checks a spread and answers it; throws `definition-invalid` or `name-invalid`, naming the field. */
export function checkSpread<S extends Spread<never>>(spread: S, what: string): S {
  const { name, queues, weights, choose } = (spread ?? {}) as Record<string, unknown>;
  if (typeof choose !== "function") {
    const own = "or an object with name, queues and choose";
    throw invalid(
      `${what} is ${quoted(spread)}; use hash(), roundRobin(), random(), leastLoaded(), weighted(), sticky(), ${own}`,
    );
  }
  refuseAsync(choose, `${what}: choose`);
  checkName(name, `${what}: name`);
  const names = checkQueues(queues, what);
  if (weights !== undefined) checkWeights(weights, names, what);
  return spread;
}

function checkQueues(queues: unknown, what: string): readonly string[] {
  if (!Array.isArray(queues) || queues.length === 0)
    throw invalid(`${what} has no queues; give it a list of queue names`);
  if (queues.length > MAX_SPREAD_QUEUES)
    throw invalid(`${what} has ${queues.length} queues; a spread has at most ${MAX_SPREAD_QUEUES}`);
  for (const queue of queues) checkName(queue, `${what}: queue`);
  const twice = queues.find((queue, at) => queues.indexOf(queue) < at);
  if (twice === undefined) return queues;
  throw invalid(`${what} names the queue ${quoted(twice)} twice; for a larger share use weighted()`);
}

function checkWeights(weights: unknown, queues: readonly string[], what: string): void {
  if (!Array.isArray(weights) || weights.length !== queues.length)
    throw invalid(`${what} has the weights ${quoted(weights)}; it takes a list with one for each queue`);
  let sum = 0;
  queues.forEach((queue, at) => {
    const weight: unknown = weights[at];
    if (typeof weight !== "number" || !Number.isFinite(weight) || weight < 0)
      throw invalid(
        `${what}: the weight of ${quoted(queue)} is ${quoted(weight)}; it takes a number from 0 on`,
      );
    sum += weight;
  });
  if (!(sum > 0 && Number.isFinite(sum)))
    throw invalid(
      `${what}: its weights sum to ${sum}, so there is no queue to choose; give one a weight above 0`,
    );
}

function refuseAsync(call: object, what: string): void {
  if (Object.prototype.toString.call(call) === "[object AsyncFunction]")
    throw invalid(`${what} is async; it has to answer at once`);
}

function invalid(message: string): JobbersError {
  return new JobbersError("definition-invalid", message);
}
