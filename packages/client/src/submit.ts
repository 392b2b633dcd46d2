import type { RunRequest } from "@jobbers/api";
import type { Duration, Workflow } from "@jobbers/core";

/** How a run is submitted; every part may be left out. */
export interface SubmitOptions {
  /** A ULID of the client's choice: submitting it again with the same content answers the same run. */
  readonly id?: string | undefined;
  /** 0 to 9, higher first; default 5. */
  readonly priority?: number | undefined;
  /** The run waits so long before it starts. */
  readonly delay?: Duration | undefined;
  /** The run starts at this moment (milliseconds since 1970, or a Date), by the store's clock. */
  readonly runAt?: number | Date | undefined;
  /** Labels to find the run by, besides those of its workflow. */
  readonly tags?: readonly string[] | undefined;
  /** How long the run is kept after its end, instead of the store's retention; 0 keeps only its id. */
  readonly keep?: Duration | undefined;
  /**
   * How long after its submission the run has to be over, its delay included. If it is not, it is cancelled, and ends as `failed`, with
   * an error named `DeadlineExceeded` and the step "".
   */
  readonly deadline?: Duration | undefined;
  /** `"replica"` resolves only when a replica of the Redis has the run too; default `"local"`. */
  readonly durability?: "local" | "replica" | undefined;
}

/** One run of many: its input, and options of its own. */
export interface SubmitItem<I = unknown> extends SubmitOptions {
  readonly input: I;
}

/** What `submit` takes behind the workflow; an input may be left out where it has no property that must be there. */
export type SubmitArgs<I> = 0 extends 1 & I
  ? [input: I, options?: SubmitOptions]
  : Record<never, never> extends I
    ? [input?: I, options?: SubmitOptions]
    : [input: I, options?: SubmitOptions];

/** What is submitted: a dag or a task, by its name. */
export type Target = Pick<Workflow, "kind" | "name">;

/** Writes the request for one run. What cannot be right is left to the server to refuse. */
export function requestOf({ kind, name }: Target, id: string, item: SubmitItem): RunRequest {
  const { input, priority, delay, runAt, tags, keep, deadline, durability } = item;
  return {
    id,
    ...(kind === "dag" ? { dag: name } : { task: name }),
    ...(input !== undefined && { input }),
    ...(priority !== undefined && { priority }),
    ...(delay !== undefined && { delay }),
    ...(runAt !== undefined && { runAt: instantOf(runAt) }),
    ...(tags !== undefined && { tags: [...tags] }),
    ...(keep !== undefined && { keep }),
    ...(deadline !== undefined && { deadline }),
    ...(durability !== undefined && { durability }),
  };
}

function instantOf(moment: number | Date): string {
  const date = new Date(moment);
  if (!Number.isNaN(date.getTime())) return date.toISOString();
  throw new RangeError("runAt is no moment; it takes a Date or milliseconds since 1970");
}
