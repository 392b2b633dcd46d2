import type { QueueObliterated, Queue as Read } from "@jobbers/api";
import type { QueuePolicyEdit } from "@jobbers/core";
import { type InMs, inMs } from "./instants.js";
import type { Transport } from "./transport.js";

/** A queue, how much is in it, and how it is set. */
export interface Queue extends Omit<Read, "settings"> {
  readonly settings?: InMs<NonNullable<Read["settings"]>> | undefined;
}

/** Who edits something, as it is kept beside the id of the token. */
export interface Editor {
  readonly by?: string | undefined;
}

/** One queue: steers it, for everybody at once. Each call may be repeated, and answers the queue as it is then. */
export interface QueueClient {
  readonly name: string;
  /**
   * How much is in it, and how it is set.
   *
   * @throws JobbersHttpError `queue-unknown`
   */
  read(): Promise<Queue>;
  /** Has nothing of it taken any more; what runs goes on. */
  pause(editor?: Editor): Promise<Queue>;
  /** Has it be taken from, and take submissions, again. */
  resume(editor?: Editor): Promise<Queue>;
  /** Has it refuse new submissions; what is in it, and what runs lead to, is worked off. */
  drain(editor?: Editor): Promise<Queue>;
  /** Sets its policy: what is given, and nothing else; `"default"`: what the code says. */
  set(edit: QueuePolicyEdit & Editor): Promise<Queue>;
  /**
   * Cancels all steps that wait in it now; answers how many. What runs goes on.
   *
   * @param confirm the queue's name once more
   * @throws JobbersHttpError `body-invalid` where that is another
   */
  obliterate(confirm: string): Promise<number>;
}

/** The queues of a server. */
export async function listQueues(transport: Transport): Promise<Queue[]> {
  return (await transport.json<{ queues: Read[] }>({ path: "/v1/queues" })).queues.map(queueOf);
}

/** Makes the handle of a queue. */
export function createQueueClient(transport: Transport, name: string): QueueClient {
  const path = `/v1/queues/${encodeURIComponent(name)}`;
  const act =
    (verb: string) =>
    async (editor: Editor = {}) =>
      queueOf(await transport.json<Read>({ path: `${path}/${verb}`, body: { json: editor } }));
  return {
    name,
    read: async () => queueOf(await transport.json<Read>({ path })),
    pause: act("pause"),
    resume: act("resume"),
    drain: act("drain"),
    set: async (edit) => queueOf(await transport.json<Read>({ path, method: "PATCH", body: { json: edit } })),
    async obliterate(confirm) {
      let removed = 0;
      let cursor: string | undefined;
      do {
        const json = { confirm, cursor };
        const page = await transport.json<QueueObliterated>({ path: `${path}/obliterate`, body: { json } });
        removed += page.removed;
        cursor = page.next;
      } while (cursor !== undefined);
      return removed;
    },
  };
}

function queueOf({ settings, ...rest }: Read): Queue {
  return { ...rest, ...(settings && { settings: inMs(settings) }) };
}
