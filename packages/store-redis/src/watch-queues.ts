import {
  countServing,
  isOrphaned,
  ORPHANED_AFTER_MS,
  type QueueRecord,
  WATCH_QUEUES_MS,
} from "@jobbers/core";
import { listQueues } from "./queues.js";
import type { Script } from "./script.js";
import type { Server } from "./server.js";
import { listWorkers } from "./session.js";
import { keyText, unpackText } from "./text.js";

/** Answers the queues that were orphaned at the look before; undefined where this look is not the caller's. */
const watchQueuesScript: Script<[look: string], readonly string[] | undefined> = {
  name: "watch-queues",
  encode: (look) => [look, WATCH_QUEUES_MS],
  decode(reply) {
    const [isOurs, known] = reply as [number, string[]];
    return isOurs === 1 ? known.map(unpackText) : undefined;
  },
};

interface Figures extends Pick<QueueRecord, "name" | "ready"> {
  readonly workers: number;
}

const tellOrphansScript: Script<[look: string, figures: readonly Figures[], eventsKept: number], void> = {
  name: "tell-orphans",
  encode: (look, figures, eventsKept) => [
    ...[eventsKept, look, ORPHANED_AFTER_MS],
    ...figures.flatMap(({ name, ready, workers }) => [keyText(name), ready, workers]),
  ],
  decode: () => undefined,
};

/**
 * Looks which queues have ready steps and nobody who serves them. A script claims the look, readers see what there is, and another
 * script judges it: so only one process at a time reads all sessions, and none of it is done within a script.
 */
export async function watchQueues(server: Server, look: string, eventsKept: number): Promise<void> {
  const known = await server.run(watchQueuesScript, look);
  if (!known) return;
  const queues = (await listQueues(server)).filter(({ name, ready }) => ready > 0 || known.includes(name));
  const gone = known.filter((each) => !queues.some(({ name }) => name === each));
  if (queues.length === 0 && gone.length === 0) return;
  const serving = countServing(await listWorkers(server));
  const figures = [...queues, ...gone.map((name) => ({ name, ready: 0 }))]
    .map(({ name, ready }) => ({ name, ready, workers: serving.get(name) ?? 0 }))
    .filter((each) => known.includes(each.name) || isOrphaned(each, each.workers));
  if (figures.length > 0) await server.run(tellOrphansScript, look, figures, eventsKept);
}
