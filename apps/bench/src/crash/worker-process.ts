import { createUpkeep } from "@jobbers/upkeep";
import { connect } from "jobbers";
import type { WorkLine } from "./ledgers.js";
import { openLines } from "./line-file.js";
import type { PerformingDeps } from "./performing.js";
import { persistently } from "./persistently.js";
import type { Terms } from "./terms.js";
import { allWorkflows } from "./workflows.js";

/** What a worker process is told in its first argument, as JSON. */
export interface WorkerOrders {
  readonly name: string;
  readonly store: string;
  readonly ledger: string;
  /** Which machine it claims to be on; neighbours on the same one see at once that it is gone. */
  readonly host: string;
  readonly terms: Terms;
}

/** What a worker process is told later. */
export type WorkerCommand = { readonly type: "block"; readonly ms: number };

/** What it answers. */
export type WorkerNews = { readonly type: "ready" } | { readonly type: "unblocked" };

const orders = JSON.parse(process.argv[2] ?? "{}") as WorkerOrders;
const { name, host, terms } = orders;

// A child never outlives the bench.
process.once("disconnect", () => process.exit(0));

const ledger = openLines<WorkLine>(orders.ledger);
const deps: PerformingDeps = { ledger };
const jobbers = await persistently("connecting", () => connect(orders.store));
const worker = jobbers.worker({
  ...{ name, host, deps },
  workflows: allWorkflows,
  concurrency: terms.slots,
  leaseMs: terms.leaseMs,
  maxBlockMs: terms.maxBlockMs,
  graceMs: terms.graceMs,
  observe(event) {
    if (event.type !== "session") return;
    const { what, session } = event;
    ledger.append([{ type: "session", at: Date.now(), pid: process.pid, what, session }]);
  },
});
// The worker's own upkeep sweeps every 5 s, which the public face does not let one change: this one does it more often.
const { store } = jobbers;
const told: Pick<typeof store, "reapSessions"> = {
  async reapSessions(sweep) {
    const reaped = await store.reapSessions(sweep);
    ledger.append([{ type: "swept", at: Date.now(), pid: process.pid }]);
    return reaped;
  },
};
const upkeep = createUpkeep({ store: { ...store, ...told }, host, sweepMs: terms.sweepMs });

process.on("message", ({ ms }: WorkerCommand) => {
  const untilMs = performance.now() + ms;
  while (performance.now() < untilMs);
  tell({ type: "unblocked" });
});
process.once("SIGTERM", () => void drain());

await persistently("the start", () => worker.start());
await upkeep.start();
tell({ type: "ready" });

async function drain(): Promise<void> {
  let phase = "the worker";
  // Should it be killed for taking too long, its log says what it waited for.
  const explaining = setInterval(
    () => console.error(`draining waits for ${phase}: ${JSON.stringify(worker.stats())}`),
    terms.graceMs,
  );
  await worker.stop();
  phase = "the upkeep";
  await upkeep.stop();
  phase = "the store's end";
  await jobbers.close();
  clearInterval(explaining);
  ledger.close();
  process.exit(0);
}

function tell(news: WorkerNews): void {
  if (process.connected) process.send?.(news);
}
