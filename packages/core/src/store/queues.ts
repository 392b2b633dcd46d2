import type { DeclaredLimit } from "./limits.js";
import type { QueueRecord, WorkerRecord } from "./records.js";

/** What both code and live edits can say of a queue. */
export interface QueuePolicy {
  /** The most ready steps that it holds; a submission that would add to more is refused. Left out: no maximum. */
  readonly max?: number | undefined;
  /** How its priorities share what is taken; see {@link QueuePriority}. Left out: `strict`. */
  readonly priority?: QueuePriority | undefined;
  /** Of keys that take turns in it, whose weight is not 1: how many steps each gets for one of a key of weight 1, from 1 to 1,000. */
  readonly weights?: Readonly<Record<string, number>> | undefined;
}

/**
 * How the priorities of a queue share what is taken of it. `strict`: the highest first, and a lower one only where no higher one has
 * anything, so that it may wait for ever. `weighted`: each has twice as many starts as the next lower one, so that none starves.
 */
export type QueuePriority = "strict" | "weighted";

/** What code says of a queue; a live edit goes before it. What is left out, the code says nothing of (any more). */
export interface QueueDefaults extends QueuePolicy {
  readonly name: string;
  readonly limits?: readonly QueueLimits[] | undefined;
}

/** Limits of a queue, or of one task in it, as code declares them; none of them depends on the input. */
export interface QueueLimits {
  readonly task?: string | undefined;
  readonly limits: readonly DeclaredLimit[];
}

/** What an edit says of a policy; `default`: again what the code says. */
export interface QueuePolicyEdit {
  /** As in {@link QueuePolicy}; `none`: as many as come, whatever the code says. */
  readonly max?: number | "none" | "default" | undefined;
  readonly priority?: QueuePriority | "default" | undefined;
  /** Weights of some keys, each or all of them maybe `default`; those of other keys stay as they are. */
  readonly weights?: Readonly<Record<string, number | "default">> | "default" | undefined;
}

/** What edits said of a policy that holds. */
export type EditedPolicy = {
  readonly [K in keyof QueuePolicyEdit]: K extends "weights"
    ? QueuePolicy[K]
    : Exclude<QueuePolicyEdit[K], "default">;
};

/** A live edit of a queue; what is left out stays as it is. */
export interface QueueEdit extends QueuePolicyEdit {
  /** True: nothing of it is taken any more; what runs goes on. */
  readonly paused?: boolean | undefined;
  /** True: it takes no new submissions; what is in it, and what runs already lead to, is worked off. */
  readonly draining?: boolean | undefined;
}

/** How a queue is set, by whom and since when. What of its policy is in force stands beside that; what was edited goes before what the code says. */
export interface QueueSettings extends QueuePolicy {
  readonly paused: boolean;
  readonly draining: boolean;
  /** What the code says. */
  readonly default: QueuePolicy;
  /** What edits say. */
  readonly edit: EditedPolicy;
  /** How often it was edited, by whom last, and when; absent where it never was. */
  readonly version: number;
  readonly editedBy?: string | undefined;
  readonly editedAtMs?: number | undefined;
}

/** What one call of `obliterateQueue` is asked to do. */
export interface Obliteration {
  /** Where an earlier call left off. */
  readonly cursor?: string | undefined;
  /** How many steps it removes at most, up to {@link OBLITERATE_LIMIT}. */
  readonly limit: number;
}

/** `next` goes on where there may be more of the steps that stood there when the first call was made. */
export interface Obliterated {
  readonly removed: number;
  readonly next?: string | undefined;
}

/** The most steps that one call of `obliterateQueue` removes. */
export const OBLITERATE_LIMIT = 500;

/** The largest maximum of a queue. */
export const QUEUE_MAX_LIMIT = 1_000_000_000;

/** The largest weight of a key, and of how many keys of a queue edits, and code, may say one. */
export const WEIGHT_LIMIT = 1_000;
export const WEIGHTS_LIMIT = 1_000;

/** How many tenants of a queue are told. */
export const TENANTS_SHOWN = 100;

/** A key of which steps wait in a queue, and could be taken as far as limits go. */
export interface TenantRecord {
  /** As its task says it; "" is nobody's: it stands for all steps without a key. */
  readonly key: string;
  readonly priority: number;
  readonly weight: number;
  /** How many steps of it could be taken. */
  readonly waiting: number;
  /** True when they stand in too many lines to be counted: then `waiting` is the least. */
  readonly atLeast: boolean;
}

/** How soon a submission to a full queue is worth another try, in milliseconds. */
export const QUEUE_FULL_RETRY_MS = 5_000;

/** For how long a queue has ready steps and no worker before that is told, in milliseconds by the store's clock. */
export const ORPHANED_AFTER_MS = 60_000;

/** How far looks for such queues are apart at least, in milliseconds by the store's clock. */
export const WATCH_QUEUES_MS = 20_000;

/** Steering: settings of queues, that hold at once for everybody. */
export interface Steering {
  /** Keeps what code says of some queues, all of it: what an earlier call said of these holds no more. Edits go before it. */
  declareQueues(defaults: readonly QueueDefaults[]): Promise<void>;
  /**
   * Edits a queue, whether or not a step has ever stood in it; answers how it is set now. An edit that changes nothing is none, so that it may be repeated.
   *
   * What is paused is taken by no exchange that comes after: not from its lines, and not inlined. Control work goes on.
   */
  setQueue(name: string, edit: QueueEdit, by: string): Promise<QueueSettings>;
  /**
   * Settles the ready steps of a queue as cancelled, with the reason `obliterated`, those first that stand there longest, and none that came
   * after the first call. What runs, or waits for a retry, is left alone. A run of which such a step was a member ends as cancelled, unless it failed.
   */
  obliterateQueue(name: string, obliteration: Obliteration): Promise<Obliterated>;
  /**
   * The keys that take turns in a queue and could be served now, those first whose turn it is, at most {@link TENANTS_SHOWN} of each
   * priority. Those whose steps all wait for limits are not among them.
   */
  listTenants(queue: string): Promise<TenantRecord[]>;
}

/** The queue of a name, where there is anything to be known of it. */
export function queueIn<Q extends Pick<QueueRecord, "name">>(
  queues: readonly Q[],
  name: string,
): Q | undefined {
  return queues.find((queue) => queue.name === name);
}

/** How many open sessions serve each queue; one that nobody serves is left out. */
export function countServing(workers: readonly Pick<WorkerRecord, "queues">[]): Map<string, number> {
  const serving = new Map<string, number>();
  for (const { queues } of workers)
    for (const each of queues) serving.set(each, (serving.get(each) ?? 0) + 1);
  return serving;
}

/** True where steps wait in a queue that nobody serves. */
export function isOrphaned({ ready }: Pick<QueueRecord, "ready">, workers: number): boolean {
  return ready > 0 && workers === 0;
}
