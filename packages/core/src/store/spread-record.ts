import type { SpreadPlan } from "../plan/plan.js";

/**
 * What a store keeps of a map with a spread, under `valueKey.spread` of the map: for each queue how many instances were laid there,
 * and how long their steps waited. It stands in one value of a few numbers for each queue, so that counting costs the same however
 * wide the map is, and it goes with its run.
 */
export interface QueueShare {
  readonly queue: string;
  /** How many instances were laid there. */
  readonly count: number;
  /** How many steps of them have ended that stood there, and how long those waited there from ready to started before their last try. */
  readonly waits: number;
  readonly waitedMs: number;
  readonly longestWaitMs: number;
}

type Packed = [queue: string, count: number, waits: number, waitedMs: number, longestWaitMs: number];

/** Reads what {@link packShares} wrote. */
export function readShares(text: string): QueueShare[] {
  return (JSON.parse(text) as Packed[]).map(([queue, count, waits, waitedMs, longestWaitMs]) => ({
    ...{ queue, count, waits, waitedMs, longestWaitMs },
  }));
}

/** Writes shares as JSON text. */
export function packShares(shares: Iterable<QueueShare>): string {
  const packed = Array.from(
    shares,
    ({ queue, count, waits, waitedMs, longestWaitMs }): Packed => [
      ...([queue, count, waits, waitedMs, longestWaitMs] as const),
    ],
  );
  return JSON.stringify(packed);
}

/** How the children of a map were laid over queues, and how well. */
export interface SpreadSummary {
  /** The spread's name. */
  readonly by: string;
  /** How many children have been laid out so far. */
  readonly count: number;
  readonly queues: readonly SpreadQueue[];
  /**
   * The largest of all shares over fair share: 1 is perfect; with two queues of equal weight 2 is all in one. A share of a queue that
   * should have none counts as that of the smallest that should have one. Absent before the first child.
   */
  readonly skew?: number | undefined;
  /** How much longer steps waited in the slowest queue than in the quickest, on average, in milliseconds; absent where less than two are known. */
  readonly waitSpreadMs?: number | undefined;
}

/** One queue of a spread. */
export interface SpreadQueue {
  readonly queue: string;
  readonly count: number;
  /** Its part of all children, and the part that it should have by its weight; 0 to 1. */
  readonly share: number;
  readonly fairShare: number;
  /** How long steps waited there from ready to started, before their last try, in milliseconds; absent before the first has ended. */
  readonly meanWaitMs?: number | undefined;
  readonly longestWaitMs?: number | undefined;
}

/** Makes sense of what a store has counted, by the plan of the map. */
export function summarizeSpread(plan: SpreadPlan, shares: readonly QueueShare[]): SpreadSummary {
  const byQueue = new Map(shares.map((share) => [share.queue, share]));
  const weights = new Map(plan.queues.map((queue, at) => [queue, plan.weights?.[at] ?? 1]));
  const total = [...weights.values()].reduce((sum, weight) => sum + weight, 0);
  const count = shares.reduce((sum, share) => sum + share.count, 0);
  const names = [...new Set([...weights.keys(), ...byQueue.keys()])];
  const queues = names.map((queue): SpreadQueue => {
    const { count: own = 0, waits = 0, waitedMs = 0, longestWaitMs } = byQueue.get(queue) ?? {};
    return {
      queue,
      count: own,
      share: count === 0 ? 0 : own / count,
      fairShare: (weights.get(queue) ?? 0) / total,
      ...(waits > 0 && { meanWaitMs: waitedMs / waits, longestWaitMs }),
    };
  });
  const means = queues.flatMap(({ meanWaitMs }) => meanWaitMs ?? []);
  return {
    ...{ by: plan.by, count, queues },
    ...(count > 0 && { skew: skewOf(queues) }),
    ...(means.length > 1 && { waitSpreadMs: Math.max(...means) - Math.min(...means) }),
  };
}

function skewOf(queues: readonly SpreadQueue[]): number {
  const least = Math.min(...queues.flatMap(({ fairShare }) => (fairShare > 0 ? fairShare : [])));
  return Math.max(...queues.map(({ share, fairShare }) => share / (fairShare > 0 ? fairShare : least)));
}
