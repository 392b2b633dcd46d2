import { setTimeout as sleep } from "node:timers/promises";
import type { Crew, Member } from "./crew.js";
import type { HandlerLine } from "./ledgers.js";
import type { Submitter } from "./submitter.js";
import type { Terms } from "./terms.js";
import type { WorkWatch } from "./work-watch.js";

/** Something that was done to the processes or the store, and for how long it lasted. */
export interface Fault {
  readonly kind: string;
  readonly at: number;
  /** When the last of what it did was over: the process goes on, or is gone, or the store answers again. */
  readonly until: number;
  /** The workers that bore it; empty where it was the store or the submitter. */
  readonly pids: readonly number[];
  readonly reach: Reach;
}

/** Whom a fault may cost a lease: nobody, the processes it was done to, or, where it touches the store, everybody. */
export type Reach = "nobody" | "victims" | "everybody";

/** A kind of fault, and how to inject one. */
export interface FaultKind {
  readonly name: string;
  /** One sentence for the usage text. */
  readonly what: string;
  /** Does its worst, and makes it good again; undefined when there was no victim to be had. */
  inject(scene: Scene): Promise<Fault | undefined>;
  /** False as long as none of its faults has brought about what it is for; then it is tried on, even when the time is over. */
  hasProvoked?(scene: Scene): boolean;
}

/** What faults act on. */
export interface Scene {
  readonly crew: Crew;
  /** Absent where the bench submits by itself. */
  readonly submitter?: Submitter | undefined;
  /** What handlers are doing just now. */
  readonly work: WorkWatch;
  readonly terms: Terms;
  readonly random: () => number;
  /** True for a store that one stopped process can keep from all others, because it may hold the lock. */
  readonly isShared: boolean;
}

/** Takes one worker as a victim, but never the last one that works; undefined when there is none to spare. */
export function pickVictim({ crew, random }: Scene): Member | undefined {
  const idle = crew.idle();
  return idle.length < 2 ? undefined : idle[Math.floor(random() * idle.length)];
}

const LOOK_MS = 2_000;
const POLL_MS = 10;

/** Waits a while for a worker that is in the middle of such work, and takes it; undefined when there is none. */
export async function pickBusy(
  { crew, work, random }: Scene,
  isSuch: (line: HandlerLine) => boolean,
): Promise<Member | undefined> {
  for (const deadline = Date.now() + LOOK_MS; Date.now() < deadline; ) {
    const idle = crew.idle();
    const busy = idle.length < 2 ? [] : idle.filter(({ pid }) => work.underWay(pid).some(isSuch));
    if (busy.length > 0) return busy[Math.floor(random() * busy.length)];
    await sleep(POLL_MS);
  }
  return undefined;
}

/** A number between two bounds. */
export function between(random: () => number, from: number, to: number): number {
  return Math.round(from + random() * (to - from));
}
