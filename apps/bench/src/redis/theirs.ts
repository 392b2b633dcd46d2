import { type FlowJob, FlowProducer, Queue } from "bullmq";

/** The one queue of all BullMQ jobs here. */
export const QUEUE = "bench";

/** How many jobs, or trees of jobs, one call adds. */
export const BATCH = 500;

/** Adds jobs in calls of 500; what is not said is BullMQ's default, so that finished jobs stay with their results. */
export async function addJobs(url: string, jobs: number): Promise<void> {
  const queue = await openQueue(url);
  try {
    await addJobsTo(queue, jobs);
  } finally {
    await queue.close();
  }
}

/** Opens the queue, so that connecting is not measured. */
export async function openQueue(url: string): Promise<Queue> {
  const queue = new Queue(QUEUE, { connection: { url } });
  await queue.waitUntilReady();
  return queue;
}

/** The same on an open queue. */
export async function addJobsTo(
  queue: Queue,
  jobs: number,
  dataOf = (n: number): object => ({ n }),
): Promise<void> {
  for (let from = 0; from < jobs; from += BATCH) {
    const length = Math.min(BATCH, jobs - from);
    await queue.addBulk(Array.from({ length }, (_, i) => ({ name: "noop", data: dataOf(from + i) })));
  }
}

/** Adds chains of five jobs, many a call; each job waits for its only child. */
export async function addChains(url: string, chains: number): Promise<void> {
  const flows = new FlowProducer({ connection: { url } });
  try {
    await flows.waitUntilReady();
    for (let from = 0; from < chains; from += BATCH) {
      const length = Math.min(BATCH, chains - from);
      await flows.addBulk(Array.from({ length }, (_, i) => chainOf(5, from + i)));
    }
  } finally {
    await flows.close();
  }
}

function chainOf(length: number, n: number): FlowJob {
  const job: FlowJob = { name: "noop", queueName: QUEUE, data: { n } };
  return length === 1 ? job : { ...job, children: [chainOf(length - 1, n)] };
}
