import type { StepRecord } from "@jobbers/client";
import type { Liveness, ProgressRecord } from "@jobbers/core";
import { count } from "./progress-lines.js";
import { clip, showDuration, showTime } from "./table.js";

/** The most characters of what a step says it is at. */
const MAX_AT = 30;
const DAY_MS = 86_400_000;

/** What is the matter with a running step, in a word or two; nothing is where it just runs. */
export function troubleOf(liveness: Liveness | undefined): string | undefined {
  return liveness === undefined || liveness === "running" ? undefined : troubles[liveness];
}

const troubles: Readonly<Record<Exclude<Liveness, "running">, string>> = {
  slow: "slow",
  "blocked-loop": "worker blocked",
  frozen: "frozen",
  lost: "lost",
};

/** How far a step is: `at "parsing" since 12:03:11Z, 340 of 1,000`. */
export function progressText({ at, sinceMs, done, total }: ProgressRecord, nowMs: number): string {
  const where =
    at === undefined ? [] : [`at ${clip(JSON.stringify(at), MAX_AT)} since ${clock(sinceMs, nowMs)}`];
  const of = total === undefined ? " done" : ` of ${count(total)}`;
  return [...where, ...(done === undefined ? [] : [`${count(done)}${of}`])].join(", ");
}

/** A moment to the second, its day only where that is another. */
export function clock(ms: number, nowMs: number): string {
  const text = showTime(ms);
  return Math.abs(nowMs - ms) < DAY_MS ? text.slice("2026-11-21T".length) : text;
}

/** Running steps, a line each: `fetch[3]  12.0s on w1  slow, at "parsing" since 12:03:11Z, 340 of 1,000`. */
export function runningLines(steps: readonly StepRecord[], nowMs: number): string[] {
  const rows = steps.map((step) => {
    const { address, phase, worker, startedAtMs, liveness, progress } = step;
    const age = startedAtMs === undefined ? "" : showDuration(Math.max(0, nowMs - startedAtMs));
    const who = worker === undefined ? "" : `on ${clip(worker, 30)}`;
    const how = [
      ...[phase === "run" ? "" : phase, troubleOf(liveness) ?? ""],
      progress ? progressText(progress, nowMs) : "",
    ];
    return [address, words(" ", [age, who]), words(", ", how)];
  });
  const widths = [0, 1].map((at) => Math.max(...rows.map((row) => (row[at] as string).length)));
  return rows.map((row) =>
    row
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}

function words(between: string, parts: readonly string[]): string {
  return parts.filter((each) => each !== "").join(between);
}
