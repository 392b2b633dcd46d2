import { setTimeout as pause } from "node:timers/promises";
import { type Jobbers, task } from "jobbers";
import { z } from "zod";

/** One in so many runs has the name or the tag that is asked for; one in so many fails. */
export const SELDOM = 100;
export const RARE = 1_000;

const BATCH = 500;

const steady = (name: string) =>
  task({
    name,
    input: z.object({ n: z.number() }),
    retry: { attempts: 1 },
    async run({ n }) {
      if (n % RARE === 0) throw new Error("one in a thousand");
      return n;
    },
  });
const [common, seldom] = [steady("common"), steady("seldom")];

/** Submits runs, works through them, and keeps them all. */
export async function fillStore(jobbers: Jobbers, runs: number): Promise<void> {
  const forever = { ageMs: 86_400_000, count: 10 * runs };
  const retention = { succeeded: forever, failed: forever, cancelled: forever };
  const log = { debug() {}, info() {}, warn() {}, error() {} };
  const worker = jobbers.worker({ workflows: [common, seldom], concurrency: 200, retention, log });
  await worker.start();
  for (let from = 0; from < runs; from += BATCH) {
    const numbers = Array.from({ length: BATCH }, (_, i) => from + i);
    const items = (wanted: boolean) =>
      numbers
        .filter((n) => (n % SELDOM === 1) === wanted)
        .map((n) => ({ input: { n }, ...(wanted && { tags: ["blue"] }) }));
    const answers = [
      ...(await jobbers.submitMany(common, items(false))),
      ...(await jobbers.submitMany(seldom, items(true))),
    ];
    const refused = answers.find(({ status }) => status !== "created");
    if (refused) throw new Error(`a run was not created: ${JSON.stringify(refused)}`);
    // Some thousands wait at a time: more would only take room.
    while ((await waiting(jobbers)) > 20_000) await pause(20);
  }
  while ((await waiting(jobbers)) > 0) await pause(20);
  await worker.stop();
}

async function waiting({ store }: Jobbers): Promise<number> {
  return (await store.listQueues()).reduce((sum, { ready, running }) => sum + ready + running, 0);
}
