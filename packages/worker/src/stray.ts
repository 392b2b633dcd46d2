import type { TaskLog } from "@jobbers/core";

/** Marks the listeners of this package, of whichever copy of it. */
const GUARD = Symbol.for("jobbers.stray-rejections");

/**
 * Keeps promises that an aborted handler left behind from ending the process.
 *
 * A handler may start a request with its signal and never come to await it: when the signal aborts, nobody handles that rejection,
 * and Node.js ends the process, with all the other handlers in it. Rejections that come from an attempt's abort are therefore only
 * noted; all others take their usual course.
 *
 * @returns takes the guard away
 */
export function guardStrays(log: TaskLog): () => void {
  const guard = Object.assign(
    (reason: unknown) => {
      if (isAbort(reason)) {
        log.debug("a promise of an aborted handler was rejected, and nobody handled it", {
          error: String(reason),
        });
        return;
      }
      // Listening takes Node's own reaction away. Where nobody else listens, it is made up for.
      if (process.listeners("unhandledRejection").every(isGuard)) throw reason;
    },
    { [GUARD]: true },
  );
  process.on("unhandledRejection", guard);
  return () => void process.off("unhandledRejection", guard);
}

/** True for an attempt's abort reason, and for errors that have one as their cause, such as Node's `AbortError`. */
function isAbort(reason: unknown): boolean {
  for (let at = reason, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth++) {
    if (at.name === "AttemptAborted") return true;
  }
  return false;
}

function isGuard(listener: object): boolean {
  return GUARD in listener;
}
