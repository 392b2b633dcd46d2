import type { Crew, Member } from "./crew.js";
import type { Submitter } from "./submitter.js";
import type { Terms } from "./terms.js";

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
}

/** What faults act on. */
export interface Scene {
  readonly crew: Crew;
  readonly submitter: Submitter;
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

/** A number between two bounds. */
export function between(random: () => number, from: number, to: number): number {
  return Math.round(from + random() * (to - from));
}
