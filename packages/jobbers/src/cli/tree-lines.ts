import { barOf, count, showRate } from "./progress-lines.js";
import { clip, showDuration } from "./table.js";
import { isOver, type Look, type TreeRow } from "./tree-rows.js";

const glyphs: Readonly<Record<Look, string>> = {
  idle: "·",
  ready: "○",
  running: "●",
  waiting: "◔",
  succeeded: "✓",
  failed: "✗",
  cancelled: "⊘",
  skipped: "↷",
};

const MAX_LABEL = 36;
const BAR = 20;

/** How wide the column is that has branches, states and names. */
export function treeWidth(rows: readonly TreeRow[]): number {
  return Math.min(MAX_LABEL, Math.max(0, ...rows.map((row) => headOf(row).length)));
}

/** Writes a row: `├ ● fetch[]  ████░░░░  120/400  2 failed  31/s`, within the columns where they are given. */
export function treeLine(
  row: TreeRow,
  layout: { readonly labelWidth: number; readonly columns?: number },
): string {
  const { bar, counts, durationMs, rate, trouble, progress, failure } = row;
  const { columns } = layout;
  const head = clip(headOf(row), layout.labelWidth).padEnd(layout.labelWidth);
  const parts: string[] = [];
  if (bar) {
    const done = `${count(bar.settled)}/${bar.total === undefined ? "?" : count(bar.total)}`;
    const width = columns === undefined ? 0 : Math.min(BAR, columns - layout.labelWidth - 44);
    const share = bar.total ? bar.settled / bar.total : 1;
    // Without a total there is no share, only the room for it.
    if (width >= 6) parts.push(bar.total === undefined ? " ".repeat(width) : barOf(share, width));
    parts.push(bar.unit === undefined ? done : `${done} ${bar.unit}`);
  }
  for (const state of ["failed", "waiting", "skipped", "cancelled"] as const)
    if ((counts[state] ?? 0) > 0) parts.push(`${count(counts[state] as number)} ${state}`);
  if (durationMs !== undefined) parts.push(showDuration(durationMs));
  if (rate !== undefined && !isOver(row)) parts.push(showRate(rate));
  if (trouble !== undefined) parts.push(trouble);
  if (progress !== undefined) parts.push(progress);
  if (failure !== undefined) parts.push(failure);
  const line = [head, ...parts].join("  ").trimEnd();
  return columns === undefined ? clip(line, 300) : clip(line, columns - 1);
}

/** The rows that fit: all, or those in motion and what failed, and the number of the rest. */
export function treeWindow(
  rows: readonly TreeRow[],
  height: number,
): { readonly rows: readonly TreeRow[]; readonly hidden: number } {
  if (rows.length <= height) return { rows, hidden: 0 };
  const room = Math.max(1, height - 1);
  const weight = (row: TreeRow) =>
    row.look === "running" || row.look === "waiting" ? 0 : row.look === "failed" ? 1 : isOver(row) ? 3 : 2;
  const chosen = [...rows.keys()]
    .sort((a, b) => weight(rows[a] as TreeRow) - weight(rows[b] as TreeRow) || a - b)
    .slice(0, room)
    .sort((a, b) => a - b);
  return { rows: chosen.map((at) => rows[at] as TreeRow), hidden: rows.length - chosen.length };
}

function headOf({ branch, look, label }: TreeRow): string {
  return `${branch}${glyphs[look]} ${label}`;
}
