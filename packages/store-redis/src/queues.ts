import type { QueueRecord } from "@jobbers/core";
import type { Server } from "./server.js";
import { readSettings } from "./steering.js";
import { unpackText } from "./text.js";

/** The queues that steps have stood in, with how many are ready and running, and those that are set. */
export function listQueues({ keys, look }: Server): Promise<QueueRecord[]> {
  return look(async (redis) => {
    const [counted, settings] = await Promise.all([redis.hgetall(keys.queues), redis.hgetall(keys.settings)]);
    const unused = Object.keys(settings).filter((queue) => counted[queue] === undefined);
    const running = [...Object.entries(counted), ...unused.map((queue): [string, string] => [queue, "0"])];
    const limited = new Map<string, number>();
    for (const [field, n] of Object.entries(await redis.hgetall(keys.depths))) {
      const queue = field.slice(0, field.indexOf(":"));
      limited.set(queue, (limited.get(queue) ?? 0) + Math.max(0, Number(n)));
    }
    const indexes = redis.pipeline();
    for (const [queue] of running) indexes.smembers(keys.lines(queue));
    const open = (await indexes.exec()) ?? [];
    const depths = redis.pipeline();
    running.forEach(([queue], i) => {
      for (const member of (open[i]?.[1] ?? []) as string[]) depths.llen(keys.line(`${queue}:${member}`));
    });
    const lengths = ((await depths.exec()) ?? []).map(([, n]) => Number(n));
    let at = 0;
    return running
      .map(([queue, n], i) => {
        const lines = ((open[i]?.[1] ?? []) as string[]).length;
        const ready = lengths
          .slice(at, at + lines)
          .reduce((sum, each) => sum + each, limited.get(queue) ?? 0);
        at += lines;
        const set = settings[queue];
        return {
          ...{ name: unpackText(queue), ready, running: Math.max(0, Number(n)) },
          ...(set !== undefined && { settings: readSettings(set) }),
        };
      })
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  });
}
