import type { Reaped } from "@jobbers/core";
import type { Script } from "./script.js";
import { keyText } from "./text.js";

/** What one call of `reapSessions` is asked to do. */
export interface Sweep {
  readonly sweepMs: number;
  readonly limit: number;
  readonly gone?: readonly string[];
}

export const reapScript: Script<[sweep: Sweep, eventsKept: number], Reaped> = {
  name: "reap-sessions",
  encode: ({ sweepMs, limit, gone = [] }, eventsKept) => [eventsKept, sweepMs, limit, ...gone.map(keyText)],
  decode(reply) {
    const [returned, quarantined, more, sessions] = reply as [number, number, number, string[]];
    return { sessions, returned, quarantined, more: more === 1 };
  },
};
