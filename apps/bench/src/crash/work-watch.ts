import { closeSync, openSync, readSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { type HandlerLine, isOfHandler, type WorkLine } from "./ledgers.js";

/** Follows ledger B while handlers write it, for faults that have to come at the right moment. */
export interface WorkWatch {
  /** What a process has begun and not ended. */
  underWay(pid: number): readonly HandlerLine[];
  /** Resolves with true as soon as another has begun one of these steps under a newer fence; with false when the time is over. */
  untilTaken(held: readonly HandlerLine[], withinMs: number): Promise<boolean>;
  /** How often a step was finished by one while another, who had begun it anew, was still at it. */
  contested(): number;
}

const POLL_MS = 3;

export function watchWork(path: string): WorkWatch {
  const open = new Map<string, HandlerLine>();
  /** The newest fence under which a step has begun. */
  const newest = new Map<string, number>();
  let contested = 0;
  const read = createTail(path);
  const catchUp = () => {
    for (const line of read()) {
      if (!isOfHandler(line)) continue;
      const step = `${line.run} ${line.step}`;
      if (line.type !== "started") {
        open.delete(`${step} ${line.fence}`);
        const isLate = open.has(`${step} ${newest.get(step)}`);
        if (line.type === "finished" && isLate) contested++;
      } else {
        open.set(`${step} ${line.fence}`, line);
        newest.set(step, Math.max(newest.get(step) ?? 0, line.fence));
      }
    }
  };
  return {
    underWay(pid) {
      catchUp();
      return [...open.values()].filter((line) => line.pid === pid);
    },
    contested() {
      catchUp();
      return contested;
    },
    async untilTaken(held, withinMs) {
      const deadline = Date.now() + withinMs;
      for (;;) {
        catchUp();
        if (held.some(({ run, step, fence }) => (newest.get(`${run} ${step}`) ?? 0) > fence)) return true;
        if (Date.now() > deadline) return false;
        await sleep(POLL_MS);
      }
    },
  };
}

/** Answers at each call the whole lines that were added since the last one. */
function createTail(path: string): () => WorkLine[] {
  const chunk = Buffer.alloc(256 * 1024);
  let position = 0;
  let torn = "";
  return () => {
    const file = openSync(path, "a+");
    try {
      for (;;) {
        const length = readSync(file, chunk, 0, chunk.length, position);
        if (length === 0) break;
        position += length;
        torn += chunk.toString("latin1", 0, length);
      }
    } finally {
      closeSync(file);
    }
    const lines = torn.split("\n");
    torn = lines.pop() ?? "";
    return lines.flatMap(parsed);
  };
}

/** A killed process may leave a line torn; the checker counts it. */
function parsed(text: string): WorkLine[] {
  try {
    return [JSON.parse(text) as WorkLine];
  } catch {
    return [];
  }
}
