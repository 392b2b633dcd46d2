import type { Submission } from "@jobbers/core";
import type { Script } from "./script.js";

/** Promoters look more often than this by themselves, in milliseconds; nobody need be told of what is due later. */
const SOON_MS = 10_000;

export const tellTimerScript: Script<[], void> = {
  name: "tell-timer",
  encode: () => [SOON_MS],
  decode: () => undefined,
};

/** True when a submission may set a timer that is due soon; how far off an instant is only the server's clock can tell. */
export function isSoon(batch: readonly Submission[]): boolean {
  const isNear = (ms = 0) => ms > 0 && ms <= SOON_MS;
  return batch.some(
    ({ delayMs, runAtMs, deadlineMs, claim, entries }) =>
      runAtMs !== undefined ||
      claim?.maxMs !== undefined ||
      isNear(delayMs) ||
      isNear(deadlineMs) ||
      entries.items.some(({ startWithinMs }) => isNear(startWithinMs)),
  );
}
