import { JobbersError } from "../errors/errors.js";
import type { SpreadPlan } from "../plan/plan.js";
import { createDraws, hash32, mix } from "../values/draws.js";
import { quoted } from "../values/quoted.js";
import type { Spread } from "./spread.js";
import { ways } from "./spread-ways.js";

/** Chooses the queues of one map of one run. */
export interface QueueChooser {
  /** Whether it asks for the depths of its queues. */
  readonly depths: boolean;
  /** True where the code that should choose is not there, so that the queues are taken in turn instead. */
  readonly isStandIn: boolean;
  /**
   * Chooses for one element, and counts it in the depths that it is given.
   *
   * @throws JobbersError `spread-failed`
   */
  choose(item: unknown, index: number, depths: Map<string, number>): string;
}

/**
 * Makes the chooser of a map: the plan says among which queues, and how as far as that is data; what is code is the spread that the
 * dag of the process at hand has under the map's name, in whatever version.
 *
 * @param place the run and the address of the map
 */
export function createChooser(
  plan: SpreadPlan,
  spread: Spread<never> | undefined,
  place: { readonly run: string; readonly map: string },
): QueueChooser {
  const known = plan.code ? (spread as Spread<unknown> | undefined) : knownWay(plan.by);
  const { choose, depths = false } = known ?? { choose: ways["round-robin"] as Spread<unknown>["choose"] };
  const { queues } = plan;
  const weights = plan.weights ?? queues.map(() => 1);
  const seed = hash32(`${place.run}:${place.map}`);
  // A newer version of the dag may have other queues than the plan of the run.
  const allowed = new Set([...queues, ...(known?.queues ?? [])]);
  return {
    depths,
    isStandIn: known === undefined,
    choose(item, index, counted) {
      const depth = (queue: string) => counted.get(queue) ?? 0;
      const draw = createDraws(mix(seed ^ mix(index + 1)));
      let queue: unknown;
      try {
        queue = choose.call(known, { item, index, queues, weights, seed, draw, depth });
      } catch (error) {
        throw failed(plan, place.map, index, error instanceof Error ? error.message : String(error));
      }
      if (typeof queue !== "string" || !allowed.has(queue)) {
        const list = queues.join(", ");
        throw failed(
          plan,
          place.map,
          index,
          `it answered ${quoted(queue)}, which is none of its queues ${list}`,
        );
      }
      counted.set(queue, depth(queue) + 1);
      return queue;
    },
  };
}

function knownWay(by: string): Spread<unknown> | undefined {
  const choose = Object.hasOwn(ways, by) ? ways[by] : undefined;
  return choose && { name: by, queues: [], choose, depths: by === "least-loaded" };
}

function failed(plan: SpreadPlan, map: string, index: number, why: string): JobbersError {
  return new JobbersError(
    "spread-failed",
    `the spread ${quoted(plan.by)} of map ${quoted(map)} failed for element ${index}: ${why}`,
  );
}
