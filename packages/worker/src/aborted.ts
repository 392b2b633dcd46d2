import type { StepReason } from "@jobbers/core";

/** What `ctx.signal` aborts with; `reason` says why: timeout, frozen, cancelled, lost, or released (the worker stops). */
export class AttemptAborted extends Error {
  override readonly name = "AttemptAborted";
  constructor(
    readonly reason: StepReason,
    message: string,
  ) {
    super(message);
  }
}
