import type { Order, Said } from "./protocol.js";

/** A thread or a process that runs handlers, as the worker sees it. */
export interface Child {
  send(order: Order): void;
  /** Ends it for real, whatever it is at. */
  kill(): void;
  /** False from the moment that it is known to be dead, which may be a little before `ended`. */
  readonly isAlive: boolean;
  /** Resolves when nothing of it is left; never rejects. */
  readonly ended: Promise<Ending>;
}

/** How a child has ended. */
export interface Ending {
  /** The end of a sentence: "exited with code 3". */
  readonly how: string;
  readonly cause?: unknown;
}

/** Who hears what a child says. */
export interface ChildEars {
  onSaid(said: Said): void;
  /** A piece of what it writes with `console.log` and the like. */
  onWritten(from: "stdout" | "stderr", chunk: Buffer): void;
}

export function megabytes(bytes: number): number {
  return Math.round(bytes / 2 ** 20);
}
