import type { Retention } from "@jobbers/core";
import type { Script } from "./script.js";

/** Lua writes no numbers with exponents back as they came; nothing is kept for longer than this. */
const FOREVER = 1e15;

export const purgeScript: Script<[retention: Retention, limit: number], { purged: number; more: boolean }> = {
  name: "purge",
  encode: (retention, limit) => [
    limit,
    ...(["succeeded", "failed", "cancelled"] as const).flatMap((outcome) => {
      const { ageMs, count } = retention[outcome];
      return [Math.min(FOREVER, Math.ceil(ageMs)), Math.min(FOREVER, count)];
    }),
  ],
  decode(reply) {
    const [purged, more] = reply as [number, number];
    return { purged, more: more === 1 };
  },
};
