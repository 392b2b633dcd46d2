import { type DurationSummary, summarizeDurations, unpackDurations } from "@jobbers/core";
import type { Server } from "./server.js";
import { packText } from "./text.js";

/** How long attempts of some tasks took lately. */
export async function readDurations(
  { keys, look }: Server,
  tasks: readonly string[],
): Promise<Record<string, DurationSummary>> {
  if (tasks.length === 0) return {};
  const texts = await look((redis) => redis.hmget(keys.durations, ...tasks.map(packText)));
  const found = tasks.flatMap((task, i): [string, DurationSummary][] => {
    const summary = summarizeDurations(unpackDurations(texts[i] ?? ""));
    return summary ? [[task, summary]] : [];
  });
  return Object.fromEntries(found);
}
