import { type AnyTask, connect, type Jobbers, type JobbersWorker } from "jobbers";
import { percentile, type Scenario } from "../scenario.js";
import { here, hung, inProcess, inThread } from "./isolated-tasks.js";

/** What it costs to run a handler apart from the worker: the time of an attempt there, less that of one in place. */
export const isolatedCalls: Scenario = {
  name: "isolated handlers, warm",
  what: "no-op steps, one at a time, in the worker, in a warm thread and in a warm process; an attempt's time from its start to its answer",
  async measure(_folder, scale) {
    const took = new Map<string, number[]>();
    const onSuccess = ({ task, tookMs }: { task: string; tookMs: number }) =>
      void (took.get(task) ?? took.set(task, []).get(task))?.push(tookMs);
    await using jobbers = await connect("memory:");
    const workflows = [here, inThread, inProcess];
    const worker = jobbers.worker({ workflows, concurrency: 1, hooks: { onSuccess } });
    await worker.start();
    for (const task of workflows) {
      // The first ones start the thread or process, and have it compile what it runs.
      for (let n = 0; n < Math.ceil(600 * scale); n++) await (await jobbers.submit(task, {})).result();
    }
    await worker.stop();
    const costMs = (task: AnyTask, p: number) => {
      const warm = (name: string) => percentile(took.get(name)?.slice(100) ?? [], p);
      return warm(task.name) - warm(here.name);
    };
    return [
      { name: "thread, p50", value: costMs(inThread as AnyTask, 50), unit: "ms", target: { atMost: 1 } },
      { name: "thread, p99", value: costMs(inThread as AnyTask, 99), unit: "ms" },
      { name: "process, p50", value: costMs(inProcess as AnyTask, 50), unit: "ms" },
      { name: "process, p99", value: costMs(inProcess as AnyTask, 99), unit: "ms" },
    ];
  },
};

/** How soon after its timeout a handler that loops for ever is dead. */
export const hungHandler: Scenario = {
  name: "a hung handler",
  what: "a handler in a process that loops for ever, from the end of its timeout of 300 ms until its process is gone",
  async measure(_folder, scale) {
    let overAtMs = 0;
    const onError = () => {
      overAtMs = performance.now();
    };
    await using jobbers = await connect("memory:");
    const worker = jobbers.worker({ workflows: [hung], hooks: { onError } });
    await worker.start();
    const samples: number[] = [];
    for (let n = 0; n < Math.ceil(5 * scale); n++) samples.push((await goneAtMs(jobbers, worker)) - overAtMs);
    await worker.stop();
    return [{ name: "dead after", value: Math.max(...samples), unit: "ms", target: { atMost: 1_000 } }];
  },
};

async function goneAtMs(jobbers: Jobbers, worker: JobbersWorker): Promise<number> {
  const run = await jobbers.submit(hung, {});
  let pid: unknown;
  // At most 20 s: a handler whose process starts too slowly for its timeout says nothing.
  for (let look = 0; look < 20_000 && pid === undefined; look++) {
    await new Promise((resolve) => setTimeout(resolve, 1));
    pid = worker.stats().running.find((each) => each.run === run.id)?.progress?.detail;
    if (pid === undefined && (await run.status()).state === "failed") return await goneAtMs(jobbers, worker);
  }
  await run.result().catch(() => {});
  while (isAlive(pid as number)) await new Promise((resolve) => setTimeout(resolve, 1));
  return performance.now();
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
