import { JobbersError, type TaskLog } from "@jobbers/core";
import { onAbort } from "./on-abort.js";
import { pause } from "./waiting.js";

const FIRST_DELAY_MS = 25;
const LONGEST_DELAY_MS = 5_000;

/** Answers of the store that repeating the call would not change. */
const transient: ReadonlySet<string> = new Set(["store-busy", "store-unwritable"]);

/** Who asks: how it draws its jitter, where it tells of trouble, and when it gives up. */
export interface Asker {
  readonly random: () => number;
  readonly log: TaskLog;
  /** Ends the asking; what is under way then is left alone. */
  readonly signal: AbortSignal;
}

/** What {@link untilAnswered} rejects with when its signal aborts; `cause` is what the store said last. */
export class GaveUp extends Error {
  override readonly name = "GaveUp";
}

/**
 * Repeats a call of the store until it is answered, with jittered back-off from 25 ms to 5 s.
 *
 * Every verb may be repeated, and a rejection may mean that only the reply was lost; so whatever is no definite answer is
 * asked again, for ever. Trouble is logged once when it begins and once when it is over.
 *
 * @throws GaveUp when the signal aborts; the JobbersError of a definite refusal, such as `session-lost`
 */
export async function untilAnswered<T>(what: string, call: () => Promise<T>, asker: Asker): Promise<T> {
  let trouble: unknown;
  for (let failures = 0; ; failures++) {
    try {
      if (asker.signal.aborted) throw new GaveUp(`${what}: gave up`, { cause: trouble });
      const answer = await unlessGivenUp(call, asker.signal);
      if (failures > 0) asker.log.info(`${what}: the store answers again`, { failures });
      return answer;
    } catch (error) {
      if (error instanceof GaveUp || isDefinite(error)) throw error;
      trouble = error;
      if (failures === 0)
        asker.log.warn(`${what}: the store does not answer; trying on`, { error: messageOf(error) });
      await pause(delayMs(failures, asker.random), asker.signal);
    }
  }
}

/** True when a rejection is an answer, so that repeating the call is pointless. */
export function isDefinite(error: unknown): error is JobbersError {
  return error instanceof JobbersError && !transient.has(error.code);
}

/** The back-off before another try, in milliseconds: doubling, and drawn from the upper half of its length. */
export function delayMs(failures: number, random: () => number): number {
  const fullMs = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** Math.min(failures, 20));
  return fullMs * (0.5 + random() / 2);
}

/** What was thrown, in one line. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

/** A call may hang as well as fail, and nobody who stops should wait for it. */
async function unlessGivenUp<T>(call: () => Promise<T>, signal: AbortSignal): Promise<T> {
  let forget = () => {};
  const givenUp = new Promise<never>((_, reject) => {
    forget = onAbort(signal, () => reject(new GaveUp("gave up")));
  });
  try {
    return await Promise.race([call(), givenUp]);
  } finally {
    forget();
  }
}
