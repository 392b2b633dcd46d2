import type { StepProgress } from "@jobbers/runs";

/** What one line of a progress view shows. */
export interface ProgressRow {
  /** The step's name, with `[]` for each map that it is in. */
  readonly label: string;
  readonly settled: number;
  readonly total: number | undefined;
  readonly failed: number;
  readonly skipped: number;
  readonly cancelled: number;
  /** Steps a second, lately; absent where none settled. */
  readonly rate: number | undefined;
}

/** The rows of a progress view: the tasks, of which maps and inlined dags are only the frames. */
export function rowsOf(
  progress: readonly StepProgress[],
  rateOf: (name: string) => number | undefined,
): ProgressRow[] {
  return progress
    .filter((step) => step.kind === "task" && !isUnneeded(step))
    .map(({ name, depth, settled, total, counts }) => ({
      label: name + "[]".repeat(depth),
      settled,
      total,
      failed: counts.failed ?? 0,
      skipped: counts.skipped ?? 0,
      cancelled: counts.cancelled ?? 0,
      // Of a step that there is only once, a rate says nothing.
      rate: depth > 0 ? rateOf(name) : undefined,
    }));
}

/** A step of an onFailure body, of which nothing was touched: as a rule it never will be. */
function isUnneeded({ name, counts }: StepProgress): boolean {
  return name.includes("~onFailure") && Object.keys(counts).length === 0;
}

/**
 * Writes a row as a line: `fetch[]  1,203/4,000  2 failed  310/s`, with a bar where there is room for one. A step that never ran
 * has settled too, so the line says which were skipped or cancelled.
 */
export function lineOf(
  row: ProgressRow,
  layout: { readonly labelWidth: number; readonly columns?: number },
): string {
  const { settled, total, rate } = row;
  const done = `${count(settled)}/${total === undefined ? "?" : count(total)}`;
  const tail = [
    ...(["failed", "skipped", "cancelled"] as const).flatMap((state) =>
      row[state] > 0 ? [`${count(row[state])} ${state}`] : [],
    ),
    ...(rate !== undefined ? [showRate(rate)] : []),
  ];
  const label = row.label.padEnd(layout.labelWidth);
  if (layout.columns === undefined) return [label, done, ...tail].join("  ");
  const width = Math.min(24, layout.columns - label.length - 40);
  const bar = width < 6 ? [] : [barOf(total ? settled / total : total === 0 ? 1 : 0, width)];
  return [label, ...bar, done.padEnd(13), ...tail]
    .join("  ")
    .trimEnd()
    .slice(0, layout.columns - 1);
}

/** How wide the column of labels is. */
export function labelWidthOf(rows: readonly ProgressRow[]): number {
  return Math.min(40, Math.max(0, ...rows.map(({ label }) => label.length)));
}

/** A share from 0 to 1 as a bar. */
export function barOf(share: number, width: number): string {
  const filled = Math.round(Math.min(1, share) * width);
  return "█".repeat(filled) + "░".repeat(width - filled);
}

/** A rate of steps: `310/s`. */
export function showRate(rate: number): string {
  return `${rate < 10 ? rate.toFixed(1) : count(Math.round(rate))}/s`;
}

/** A number of steps: `4,000`. */
export function count(value: number): string {
  return value.toLocaleString("en-US");
}
