import { type Liveness, livenessOf, type PlanIndex, type StepRecord, type Store } from "@jobbers/core";

/** What telling how running steps are asks of a store. */
export type LivenessStore = Pick<Store, "listWorkers" | "readDurations" | "readTime">;

/** How many tasks are asked for at a time. */
const PAGE = 500;

/**
 * Says of each step of a run that runs how it is, by its address: three calls of the store for any number of steps, none where no
 * step runs.
 *
 * @param index the run's plan; without it nothing is known of the tasks
 */
export async function readLiveness(
  store: LivenessStore,
  index: PlanIndex | undefined,
  steps: readonly StepRecord[],
): Promise<ReadonlyMap<string, Liveness>> {
  const running = steps.filter(({ state }) => state === "running");
  if (running.length === 0) return new Map();
  const planned = new Map(running.map(({ name }) => [name, index?.step(name)]));
  const tasks = [
    ...new Set([...planned.values()].flatMap((step) => (step?.kind === "task" ? [step.task] : []))),
  ];
  const pages = Array.from({ length: Math.ceil(tasks.length / PAGE) }, (_, i) =>
    tasks.slice(i * PAGE, (i + 1) * PAGE),
  );
  const [workers, nowMs, ...read] = await Promise.all([
    store.listWorkers(),
    store.readTime(),
    ...pages.map((page) => store.readDurations(page)),
  ]);
  const bySession = new Map(workers.map((worker) => [worker.session, worker]));
  const usualOf = Object.assign({}, ...read) as Awaited<ReturnType<LivenessStore["readDurations"]>>;
  const found = running.flatMap((step) => {
    const plan = planned.get(step.name);
    const task = plan?.kind === "task" ? plan : undefined;
    const worker = step.session === undefined ? undefined : bySession.get(step.session);
    const liveness = livenessOf(
      { step, worker, usual: task && usualOf[task.task], heartbeatMs: task?.heartbeatMs },
      nowMs,
    );
    return liveness === undefined ? [] : [[step.address, liveness] as const];
  });
  return new Map(found);
}
