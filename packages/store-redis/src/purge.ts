import type { Retention } from "@jobbers/core";
import type { Argument, Script } from "./script.js";

/** Lua writes no numbers with exponents back as they came; nothing is kept for longer than this. */
const FOREVER = 1e15;

export const purgeScript: Script<[retention: Retention, limit: number], { purged: number; more: boolean }> = {
  name: "purge",
  encode: (retention, limit) => [
    limit,
    ...(["succeeded", "failed", "cancelled", "deadLetters"] as const).flatMap((what): Argument[] => {
      const rule = retention[what];
      if (!rule) return ["", ""];
      const { ageMs, count } = rule;
      return [Math.min(FOREVER, Math.ceil(ageMs)), Math.min(FOREVER, count)];
    }),
  ],
  decode(reply) {
    const [purged, more] = reply as [number, number];
    return { purged, more: more === 1 };
  },
};
