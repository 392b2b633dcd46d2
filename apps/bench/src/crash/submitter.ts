import { join } from "node:path";
import { type Child, startChild } from "./child.js";
import type { SubmitterCommand, SubmitterOrders } from "./submitter-process.js";

/** The submitter process, which may be killed and goes on where its ledger ends. */
export interface Submitter {
  readonly pid: number;
  start(): Promise<void>;
  /** Kills it, as a crash would; resolves when it is gone. */
  crash(): Promise<void>;
  /** Lets it resend what is unanswered and end; false when it did not come to an end in time. */
  finish(withinMs: number): Promise<boolean>;
  kill(): void;
}

const START_MS = 40_000;

export function createSubmitter(orders: SubmitterOrders, folder: string): Submitter {
  let child: Child<SubmitterCommand, { type: "ready" }> | undefined;
  return {
    get pid() {
      return child?.pid ?? -1;
    },
    async start() {
      child = startChild({ program: "submitter-process.js", orders, log: join(folder, "submitter.log") });
      await child.until("ready", START_MS);
    },
    async crash() {
      child?.kill("SIGKILL");
      await child?.ended;
    },
    async finish(withinMs) {
      child?.send({ type: "finish" });
      const late = setTimeout(() => child?.kill("SIGKILL"), withinMs);
      const ending = await child?.ended;
      clearTimeout(late);
      return ending?.code === 0;
    },
    kill: () => child?.kill("SIGKILL"),
  };
}
