import { createUpkeep, watchTimers } from "@jobbers/upkeep";
import { createWorker, processBirth } from "@jobbers/worker";
import { connect } from "jobbers";
import type { WorkLine } from "../ledgers.js";
import { openLines } from "../line-file.js";
import { persistently } from "../persistently.js";
import type { WorkerNews, WorkerOrders } from "../worker-process.js";
import { type GivenBackLine, tellGivenBack } from "./given-back.js";
import { limitedTasks, ROLE } from "./limited-work.js";

const orders = JSON.parse(process.argv[2] ?? "{}") as WorkerOrders;
const { name, host, terms } = orders;

// A child never outlives the bench.
process.once("disconnect", () => process.exit(0));

const ledger = openLines<WorkLine | GivenBackLine>(orders.ledger);
const jobbers = await persistently("connecting", () => connect(orders.store));
const store = tellGivenBack(jobbers.store, ledger);
const upkeep = createUpkeep({ store, host, birthOf: processBirth, sweepMs: terms.sweepMs });
const worker = createWorker({
  ...{
    store: watchTimers(store, upkeep.due),
    name,
    host,
    role: ROLE,
    workflows: limitedTasks,
    deps: { ledger },
  },
  concurrency: terms.slots,
  leaseMs: terms.leaseMs,
  maxBlockMs: terms.maxBlockMs,
  graceMs: terms.graceMs,
});
process.once("SIGTERM", () => void drain());

await persistently("the start", () => worker.start());
await upkeep.start();
if (process.connected) process.send?.({ type: "ready" } satisfies WorkerNews);

async function drain(): Promise<void> {
  await worker.stop();
  await upkeep.stop();
  await jobbers.close();
  ledger.close();
  process.exit(0);
}
