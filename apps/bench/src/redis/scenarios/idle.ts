import { setTimeout as pause } from "node:timers/promises";
import type { Scenario } from "../../scenario.js";
import type { Bed } from "../bed.js";
import { type Program, startProcess } from "../worker-process.js";

/** What a worker asks of Redis that has nothing to do. */
export const idleWorker: Scenario<Bed> = {
  name: "idle worker",
  what:
    "commands per second over 10 s of one worker process with nothing to do, after 3 s: those that it sends (by MONITOR), " +
    "and all that Redis executes, those inside scripts included (by commandstats)",
  async measure(bed, scale) {
    const ms = Math.max(2_000, 10_000 * Math.min(1, scale));
    const ours = await idle(bed, "jobbers", ms);
    await bed.admin.flushall();
    const theirs = await idle(bed, "bullmq", ms);
    return [
      { name: "Jobbers, sent", value: ours.sent, unit: "commands/s", target: { atMost: 2 } },
      { name: "Jobbers, executed", value: ours.executed, unit: "commands/s" },
      { name: "BullMQ, sent", value: theirs.sent, unit: "commands/s" },
      { name: "BullMQ, executed", value: theirs.executed, unit: "commands/s" },
    ];
  },
};

async function idle({ url, admin }: Bed, program: Program, ms: number) {
  await using worker = await startProcess(program, { url, concurrency: 100 });
  await worker.go();
  await pause(3_000);
  const monitor = await admin.monitor();
  let sent = 0;
  monitor.on("monitor", (_time: string, _args: string[], source: string) => {
    if (source !== "lua") sent++;
  });
  const before = await executed(admin);
  await pause(ms);
  const after = await executed(admin);
  monitor.disconnect();
  // The look at the end is none of the worker's; the one before began while the monitor listened, too.
  return { sent: ((sent - 2) / ms) * 1000, executed: ((after - before - 1) / ms) * 1000 };
}

async function executed(admin: Bed["admin"]): Promise<number> {
  const text = await admin.info("commandstats");
  return [...text.matchAll(/:calls=(\d+)/g)].reduce((sum, [, calls]) => sum + Number(calls), 0);
}
