import type { Row } from "./rows.js";
import type { Verdict } from "./verdict.js";

const columns = [
  ...["fault", "injected", "runs", "lost", "executed again", "at most", "accepted twice"],
  ...["recover median", "max"],
];

/** The table that a person reads. */
export function crashTable({ rows, total }: Verdict): string {
  const cells = [columns, ...[...rows, total].map(cellsOf)];
  const widths = columns.map((_, i) => Math.max(...cells.map((row) => (row[i] as string).length)));
  const line = (row: readonly string[]) =>
    row
      .map((cell, i) => (i === 0 ? cell.padEnd(widths[i] as number) : cell.padStart(widths[i] as number)))
      .join("  ");
  const rule = widths.map((width) => "─".repeat(width)).join("  ");
  const [head, ...body] = cells.map(line);
  return [head, rule, ...body.slice(0, -1), rule, body.at(-1)].join("\n");
}

function cellsOf(row: Row): string[] {
  const { kind, injected, runs, lost, executedAgain, mostAgain, acceptedTwice } = row;
  const counts = [injected, runs, lost, executedAgain, mostAgain, acceptedTwice].map(String);
  return [kind, ...counts, duration(row.recoverMedianMs), duration(row.recoverMaxMs)];
}

function duration(ms: number | undefined): string {
  return ms === undefined ? "–" : `${(ms / 1000).toFixed(2)} s`;
}

/** Where the traces of a crash run are. */
export interface Traces {
  readonly store: string;
  readonly folder: string;
}

const MOST_SHOWN = 40;

/** What is wrong, and how to look at it. */
export function violationText({ violations }: Verdict, { store, folder }: Traces): string {
  if (violations.length === 0) return "";
  const shown = violations
    .slice(0, MOST_SHOWN)
    .map(({ class: clas, run, what }) => `  [${clas}] ${run ? `${run}: ` : ""}${what}`);
  const rest = violations.length - shown.length;
  const run = violations.find((each) => each.run)?.run ?? "RUN";
  return [
    `${violations.length} violations:`,
    ...shown,
    ...(rest > 0 ? [`  … and ${rest} more`] : []),
    "To look at one:",
    `  npx jobbers show ${run} --store ${store}`,
    `  grep -h ${run} ${folder}/*.jsonl`,
    `  ls ${folder}   # ledgers, faults.jsonl, the processes' logs, what a Redis of its own has left`,
  ].join("\n");
}
