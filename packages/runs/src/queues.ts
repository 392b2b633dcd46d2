import {
  OBLITERATE_LIMIT,
  type QueueEdit,
  type QueuePolicyEdit,
  type QueueRecord,
  type QueueSettings,
  type Store,
} from "@jobbers/core";

/** One queue: steers it, for everybody at once. Each call may be repeated, and answers how the queue is set then. */
export interface QueueHandle {
  readonly name: string;
  /** How much is in it, and how it is set; undefined where no step has stood in it, and nobody has set it. */
  read(): Promise<QueueRecord | undefined>;
  /** Has nothing of it taken any more; what runs goes on. */
  pause(): Promise<QueueSettings>;
  /** Has it be taken from, and take submissions, again. */
  resume(): Promise<QueueSettings>;
  /** Has it refuse new submissions (`queue-draining`); what is in it, and what runs lead to, is worked off. */
  drain(): Promise<QueueSettings>;
  /**
   * Sets its policy: what is given, and nothing else. `max` is how many ready steps it holds at most: a submission beyond is refused
   * (`queue-full`); `"none"`: as many as come. `priority` is how its priorities share what is taken, `"strict"` or `"weighted"`. `"default"` is
   * what the code says.
   *
   * @throws JobbersError `flag-invalid`
   */
  set(edit: QueuePolicyEdit): Promise<QueueSettings>;
  /** Cancels all steps that wait in it now, a page at a time; answers how many. What runs goes on. */
  obliterate(): Promise<number>;
}

/**
 * Makes the handle of a queue.
 *
 * @param by who edits, as it is kept
 */
export function createQueueHandle(store: Store, name: string, by: string): QueueHandle {
  const set = (edit: QueueEdit) => store.setQueue(name, edit, by);
  return {
    name,
    read: async () => (await store.listQueues()).find((queue) => queue.name === name),
    pause: () => set({ paused: true }),
    resume: () => set({ paused: false, draining: false }),
    drain: () => set({ draining: true }),
    set: (policy) => set({ ...policy, paused: undefined, draining: undefined }),
    async obliterate() {
      let removed = 0;
      let cursor: string | undefined;
      do {
        const page = await store.obliterateQueue(name, { cursor, limit: OBLITERATE_LIMIT });
        removed += page.removed;
        cursor = page.next;
      } while (cursor !== undefined);
      return removed;
    },
  };
}
