import { setTimeout as sleep } from "node:timers/promises";
import { task } from "jobbers";
import { z } from "zod";

const BEATS = 10;

/** Works on a name for ten seconds, and logs that it has. */
export const nameWorker = task({
  name: "name-worker",
  input: z.object({
    name: z.string().min(1).max(100),
    /** How long it takes, in milliseconds. */
    takesMs: z.int().min(0).max(600_000).default(10_000),
  }),
  async run({ name, takesMs }, ctx) {
    ctx.log.info(`working on ${name}`, { pid: process.pid });
    for (let beat = 1; beat <= BEATS; beat++) {
      await sleep(takesMs / BEATS, undefined, { signal: ctx.signal });
      ctx.heartbeat({ at: name, done: beat, total: BEATS });
    }
    ctx.log.info(`success: ${name}`, { pid: process.pid });
    return { greeting: `Hello, ${name}.` };
  },
});
