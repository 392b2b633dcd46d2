import type { AnyTask } from "@jobbers/core";
import type { Attempt } from "./attempt.js";
import { parseInput } from "./task-io.js";

/** One attempt, as whatever runs its handler needs it. */
export interface Call {
  readonly attempt: Attempt;
  readonly task: AnyTask;
  /** The input as it is stored, before the task's schema has parsed it. */
  readonly raw: unknown;
}

/**
 * Where handlers run: in the worker's own thread, in a thread or process apart, or as a program. The executor knows no more of it.
 *
 * A runner parses the input, has the attempt begin, runs the handler, and answers its output (a promise, or a {@link Written} where the output is JSON text
 * already); it throws {@link Final} for what another try would not change. What it answers settles only when nothing of the handler runs
 * any more: until then the attempt keeps its slot.
 */
export interface Runner {
  run(call: Call): unknown;
}

/** An output that is checked JSON text already. */
export class Written {
  constructor(readonly text: string) {}
}

/**
 * The input as the task's schema has it; a promise only where the schema answers one, for small handlers come by the thousand.
 *
 * @throws what {@link parseInput} throws; the promise rejects with AttemptAborted when the attempt was aborted meanwhile
 */
export function inputOf({ attempt, task, raw }: Call): unknown {
  const parsed = parseInput(task, raw);
  return parsed instanceof Promise ? unlessAborted(parsed, attempt) : parsed;
}

async function unlessAborted(parsed: Promise<unknown>, attempt: Attempt): Promise<unknown> {
  const input = await parsed;
  if (attempt.aborted) throw attempt.aborted;
  return input;
}
