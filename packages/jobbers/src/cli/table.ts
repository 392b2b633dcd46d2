import { cleanLine } from "./clean-text.js";

/** How a table is fitted to a terminal. */
export interface Fit {
  readonly columns: number | undefined;
  /** The heads of the columns that are cut where there is no room for all. */
  readonly soft: readonly string[];
}

/** The least that is left of a column that is cut. */
const LEAST = 8;

/** Writes rows as columns, each as wide as its widest cell, or narrower where the terminal is. */
export function table(head: readonly string[], rows: readonly (readonly string[])[], fit?: Fit): string {
  const all = [head, ...rows.map((row) => row.map(cleanLine))];
  const widths = head.map((_, i) => Math.max(...all.map((row) => (row[i] ?? "").length)));
  if (fit?.columns !== undefined) narrow(head, widths, fit.columns, fit.soft);
  return all
    .map((row) =>
      row
        .map((cell, i) => clip(cell, widths[i] as number).padEnd(widths[i] as number))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

/** Takes from the widest column that may be cut, until the rows fit or nothing more can be taken. */
function narrow(head: readonly string[], widths: number[], columns: number, soft: readonly string[]): void {
  const over = () => widths.reduce((all, width) => all + width + 2, -2) - columns;
  const cuttable = [...head.keys()].filter((i) => soft.includes(head[i] as string));
  for (let left = over(); left > 0; left = over()) {
    const [widest] = cuttable.sort((a, b) => (widths[b] as number) - (widths[a] as number));
    if (widest === undefined || (widths[widest] as number) <= LEAST) return;
    widths[widest] = (widths[widest] as number) - 1;
  }
}

/** Cuts a text to so many characters, and shows that it was cut. */
export function clip(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, Math.max(0, width - 1))}…`;
}

/** A moment as people and programs both read it, to the second. */
export function showTime(ms: number | undefined): string {
  return ms === undefined ? "-" : new Date(ms).toISOString().replace(/\.\d+Z$/, "Z");
}

/** A length of time in its two largest units: `1h 12m`, `3.2s`, `45ms`. */
export function showDuration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)}ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)}s`;
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 60) return `${minutes}m ${Math.floor((ms % 60_000) / 1000)}s`;
  return `${Math.floor(minutes / 60)}h ${minutes % 60}m`;
}
