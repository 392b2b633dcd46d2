// A worker of ours in a process of its own.
import { connect } from "jobbers";
import {
  chain,
  diamond,
  longChain,
  noop,
  noopWithPolicy,
  pagedJoin,
  roundTrip,
  roundTripBatch,
  wide,
} from "../scenarios/workflows.js";
import { createTally, nowMs, obey, readOrder, tell } from "./protocol.js";

const order = readOrder();
const tally = createTally(order);
const returnedMs = new Map<string, number>();
const jobbers = await connect(order.url);
const forever = { ageMs: 86_400_000, count: 100_000_000 };
const worker = jobbers.worker({
  workflows: [noop, noopWithPolicy, roundTrip, roundTripBatch, chain, longChain, diamond, wide, pagedJoin],
  concurrency: order.concurrency,
  ...(order.lanes !== undefined && { lanes: order.lanes }),
  ...(order.inline !== undefined && { inline: order.inline }),
  ...(order.keepsAll && { retention: { succeeded: forever, failed: forever, cancelled: forever } }),
  observe(event) {
    switch (event.type) {
      case "reported":
        if (event.report === "succeeded" && event.verdict === "accepted") tally.add();
        return;
      case "started": {
        if (!order.starts) return;
        const atMs = nowMs();
        const before = returnedMs.get(event.run);
        if (before !== undefined) tally.gapsMs.push(atMs - before);
        tell({ type: "started", atMs });
        return;
      }
      case "returned":
        if (order.starts) returnedMs.set(event.run, nowMs());
    }
  },
});

obey({
  async go() {
    tally.begin();
    await worker.start();
    tell({ type: "working", atMs: nowMs() });
  },
  async stop() {
    await worker.stop();
    await jobbers.close();
    tell({ type: "peaked", mib: process.resourceUsage().maxRSS / 1024 });
  },
});
