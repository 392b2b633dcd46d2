import type { Load, WorkflowName } from "./workflows.js";

/**
 * The two ledgers, both outside of the store. With the store they are all that the checker believes.
 *
 * - A, written by the submitter: what it meant to submit (on the disk before it is sent) and what it was told.
 * - B, written by the handlers: what was executed. A killed process loses none of it, for a finished `write` outlives its writer.
 */
export type IntakeLine =
  | {
      readonly type: "intent";
      readonly at: number;
      readonly id: string;
      readonly workflow: WorkflowName;
      readonly input: Load;
    }
  | {
      readonly type: "acknowledged";
      readonly at: number;
      readonly id: string;
      readonly how: "created" | "existing";
    }
  /** A definite no. */
  | { readonly type: "refused"; readonly at: number; readonly id: string; readonly code: string }
  /** Nobody knows whether it was taken: it is sent again with the same id. */
  | { readonly type: "unknown"; readonly at: number; readonly id: string; readonly code: string }
  /** An acknowledged id was sent once more with other content; only `run-conflict` is right, or no answer at all. */
  | { readonly type: "conflict"; readonly at: number; readonly id: string; readonly answer: string };

/** One line of ledger B. `tries` and `fence` are what the engine told the handler. */
export type WorkLine = HandlerLine | SessionLine | SweepLine;

/** A handler has begun or ended. */
export interface HandlerLine {
  readonly type: "started" | "finished" | "threw";
  readonly at: number;
  readonly pid: number;
  readonly run: string;
  readonly step: string;
  readonly fence: number;
  readonly tries: number;
  /** How long it is to take. */
  readonly ms: number;
  /** Whose outputs it was given, as `STEP#FENCE`. */
  readonly saw: readonly string[];
}

/** What a worker thinks of its session; it judges nothing, but explains much. */
export interface SessionLine {
  readonly type: "session";
  readonly at: number;
  readonly pid: number;
  readonly what: string;
  readonly session: string;
}

/** Somebody has looked for lost sessions. */
export interface SweepLine {
  readonly type: "swept";
  readonly at: number;
  readonly pid: number;
}

/** True for what handlers say. */
export function isOfHandler(line: WorkLine): line is HandlerLine {
  return line.type !== "session" && line.type !== "swept";
}
