import type { Reaped, Sweep } from "@jobbers/core";
import type { Script } from "./script.js";
import { keyText } from "./text.js";

export const reapScript: Script<[sweep: Sweep, eventsKept: number], Reaped> = {
  name: "reap-sessions",
  encode: ({ sweepMs, limit, gone = [], unheard = [] }, eventsKept) => [
    ...[eventsKept, sweepMs, limit, gone.length, ...gone.map(keyText)],
    ...unheard.flatMap(({ session, expiresAtMs }) => [keyText(session), expiresAtMs]),
  ],
  decode(reply) {
    const [returned, quarantined, more, sessions] = reply as [number, number, number, string[]];
    return { sessions, returned, quarantined, more: more === 1 };
  },
};
