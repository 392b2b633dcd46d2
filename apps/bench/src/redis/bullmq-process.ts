// A BullMQ worker in a process of its own, with BullMQ's defaults apart from its concurrency.
import { Worker } from "bullmq";
import { createTally, nowMs, obey, readOrder, tell } from "./protocol.js";
import { QUEUE } from "./theirs.js";

const order = readOrder();
const tally = createTally(order);
const worker = new Worker<{ n: number }, number>(
  QUEUE,
  async ({ data }) => {
    if (order.starts) tell({ type: "started", atMs: nowMs() });
    return data.n;
  },
  {
    connection: { url: order.url, maxRetriesPerRequest: null },
    concurrency: order.concurrency,
    autorun: false,
  },
);
// It is emitted when Redis has answered that the job is finished.
worker.on("completed", () => tally.add());
worker.on("error", (error) => process.stderr.write(`BullMQ: ${error.message}\n`));
await worker.waitUntilReady();

obey({
  async go() {
    tally.begin();
    void worker.run();
    tell({ type: "working", atMs: nowMs() });
  },
  stop: () => worker.close(),
});
