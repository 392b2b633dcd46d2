import { setTimeout as sleep } from "node:timers/promises";
import { connect } from "jobbers";
import { createIntake } from "./intake.js";
import type { IntakeLine } from "./ledgers.js";
import { openLines, readLines } from "./line-file.js";
import { persistently } from "./persistently.js";

/** What a submitter process is told in its first argument, as JSON. */
export interface SubmitterOrders {
  readonly store: string;
  readonly ledger: string;
  readonly seed: number;
  /** Runs a second. */
  readonly rate: number;
  /** The longest that a handler is to take, in milliseconds. */
  readonly longestMs: number;
  /** Ready steps beyond which nothing new is submitted: recovery is measured, not the length of a queue. */
  readonly backlog: number;
}

/** The only word it is told later: submit nothing new, resend what is unanswered, and end. */
export type SubmitterCommand = { readonly type: "finish" };

const TICK_MS = 100;
const orders = JSON.parse(process.argv[2] ?? "{}") as SubmitterOrders;

process.once("disconnect", () => process.exit(0));

const past = readLines<IntakeLine>(orders.ledger).lines;
const ledger = openLines<IntakeLine>(orders.ledger);
const jobbers = await persistently("connecting", () => connect(orders.store));
const intake = createIntake({ ...orders, jobbers, ledger, past });

let finishing = false;
process.on("message", ({ type }: SubmitterCommand) => {
  finishing = type === "finish";
});
if (process.connected) process.send?.({ type: "ready" });

while (!finishing) {
  const fromMs = performance.now();
  await intake.resend();
  if ((await readyCount()) < orders.backlog) await intake.submit((orders.rate * TICK_MS) / 1000);
  await sleep(Math.max(1, TICK_MS - (performance.now() - fromMs)));
}
while (!(await intake.resend())) await sleep(TICK_MS);
await jobbers.close();
ledger.close();
process.exit(0);

/** A store that does not answer is no reason to hold back: what it is told must not get lost either. */
async function readyCount(): Promise<number> {
  try {
    const queues = await jobbers.store.listQueues();
    return queues.reduce((all, { ready }) => all + ready, 0);
  } catch {
    return 0;
  }
}
