import type { Script } from "./script.js";

interface Promoted {
  readonly promoted: number;
  readonly nextDueMs?: number | undefined;
  readonly opensInMs?: number | undefined;
}

export const promoteScript: Script<[limit: number, eventsKept: number], Promoted> = {
  name: "promote-due",
  encode: (limit, eventsKept) => [eventsKept, limit],
  decode(reply) {
    const [promoted, dueMs, opensMs] = reply as [number, number | null, number | null];
    return {
      ...{ promoted, nextDueMs: dueMs ?? undefined },
      ...(typeof opensMs === "number" && { opensInMs: opensMs }),
    };
  },
};
