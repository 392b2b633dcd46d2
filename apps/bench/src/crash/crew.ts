import { join } from "node:path";
import { type Child, startChild } from "./child.js";
import type { Terms } from "./terms.js";
import type { WorkerCommand, WorkerNews, WorkerOrders } from "./worker-process.js";

/** One life of a worker process. */
export interface Life {
  readonly name: string;
  readonly pid: number;
  /** From when to when it could work. */
  readonly readyAt: number;
  readonly endedAt?: number | undefined;
}

/** A worker that can be chosen as a victim. */
export interface Member {
  readonly name: string;
  readonly pid: number;
  readonly child: Child<WorkerCommand, WorkerNews>;
}

/** The worker processes: they are started, and started again when a fault has ended them. */
export interface Crew {
  readonly lives: readonly Life[];
  /** What went wrong with processes that nobody had touched. */
  readonly troubles: string[];
  /** Those that work and have no fault to bear just now. */
  idle(): readonly Member[];
  /** Marks a member as somebody's victim, until the function that it answers is called. */
  claim(member: Member): () => void;
  start(name: string): Promise<void>;
  /** Ends all: with SIGTERM each drains and exits with 0, within the time given. */
  drain(withinMs: number): Promise<void>;
  /** Kills whatever is left, at once. */
  kill(): void;
}

export interface CrewParts {
  readonly store: string;
  readonly folder: string;
  readonly ledger: string;
  readonly terms: Terms;
  /** The program of a worker, in this folder. */
  readonly program?: string | undefined;
  /** Which machine a worker claims to be on. */
  readonly hostOf: (name: string) => string;
}

const START_MS = 40_000;

export function createCrew({
  store,
  folder,
  ledger,
  terms,
  hostOf,
  program = "worker-process.js",
}: CrewParts): Crew {
  const members = new Map<string, Member>();
  const claimed = new Set<number>();
  const lives: { name: string; pid: number; readyAt: number; endedAt?: number }[] = [];
  const troubles: string[] = [];
  const children = new Set<Member["child"]>();

  return {
    lives,
    troubles,
    idle: () => [...members.values()].filter(({ pid }) => !claimed.has(pid)),
    claim({ pid }) {
      claimed.add(pid);
      return () => void claimed.delete(pid);
    },
    async start(name) {
      const log = join(folder, `${name}.log`);
      const orders: WorkerOrders = { name, store, ledger, terms, host: hostOf(name) };
      const child: Member["child"] = startChild({ program, orders, log });
      children.add(child);
      const life: (typeof lives)[number] = { name, pid: child.pid, readyAt: Number.POSITIVE_INFINITY };
      lives.push(life);
      void child.ended.then(({ at, code, signal }) => {
        life.endedAt = at;
        children.delete(child);
        if (members.get(name)?.child === child) members.delete(name);
        if (!claimed.has(child.pid))
          troubles.push(
            `${name} (pid ${child.pid}) ended by itself: code ${code}, signal ${signal}; see ${log}`,
          );
      });
      await child.until("ready", START_MS);
      life.readyAt = Date.now();
      members.set(name, { name, pid: child.pid, child });
    },
    async drain(withinMs) {
      await Promise.all(
        [...members.values()].map(async ({ name, pid, child }) => {
          claimed.add(pid);
          child.kill("SIGTERM");
          const late = setTimeout(() => {
            troubles.push(`${name} (pid ${pid}) did not drain within ${withinMs} ms`);
            child.kill("SIGKILL");
          }, withinMs);
          const { code, signal } = await child.ended;
          clearTimeout(late);
          if (code !== 0) troubles.push(`${name} (pid ${pid}) drained with code ${code}, signal ${signal}`);
        }),
      );
    },
    kill() {
      for (const child of children) {
        claimed.add(child.pid);
        child.kill("SIGKILL");
      }
    },
  };
}
