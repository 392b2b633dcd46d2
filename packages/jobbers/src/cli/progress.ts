import type { StepProgress } from "@jobbers/runs";
import { createBlock } from "./block.js";
import { type ProgressView, startLiveView } from "./live-view.js";
import type { Output } from "./output.js";
import { labelWidthOf, lineOf, type ProgressRow, rowsOf } from "./progress-lines.js";
import { createRates } from "./rates.js";

export type { ProgressView } from "./live-view.js";

/** What a view needs of a run, be it one of a store or one behind a server. */
export interface Viewed {
  progress(): Promise<readonly StepProgress[]>;
  events(options: { readonly signal: AbortSignal }): AsyncIterable<unknown>;
}

/** How often the view is renewed at most, and looked after at least. */
export interface ProgressPace {
  readonly terminalMs: number;
  readonly linesMs: number;
  readonly idleMs: number;
}

const defaultPace: ProgressPace = { terminalMs: 150, linesMs: 5_000, idleMs: 2_000 };

/** Starts a view of a run: a line for each task, on a terminal redrawn in place, elsewhere as plain lines now and then. */
export function startProgress(run: Viewed, output: Output, pace: ProgressPace = defaultPace): ProgressView {
  const rates = createRates();
  const { terminal } = output;
  const block = terminal ? createBlock(terminal) : undefined;
  const shown = new Map<string, string>();

  const show = (rows: readonly ProgressRow[]) => {
    const labelWidth = labelWidthOf(rows);
    if (block && terminal) return block.draw(windowOf(rows, terminal.rows - 2, labelWidth, terminal.columns));
    for (const row of rows) {
      const done = `${row.settled}/${row.total} ${row.failed}`;
      if (shown.get(row.label) === done || row.settled === 0) continue;
      shown.set(row.label, done);
      output.note(lineOf(row, { labelWidth }));
    }
  };
  return startLiveView({
    events: (options) => run.events(options),
    leastMs: terminal ? pace.terminalMs : pace.linesMs,
    idleMs: pace.idleMs,
    async refresh({ last, signal }) {
      const progress = await run.progress();
      rates.sample(
        performance.now(),
        progress.map(({ name, settled }) => [name, settled]),
      );
      if (last || !signal.aborted) show(rowsOf(progress, last ? rates.overall : rates.lately));
    },
    end: () => block?.end(),
  });
}

/** The lines that fit: all, or those in motion and the number of the rest. */
function windowOf(
  rows: readonly ProgressRow[],
  height: number,
  labelWidth: number,
  columns: number,
): string[] {
  const write = (row: ProgressRow) => lineOf(row, { labelWidth, columns });
  if (rows.length <= height) return rows.map(write);
  const open = rows.filter(({ settled, total }) => settled !== total);
  const visible = (open.length > 0 ? open : rows).slice(0, Math.max(1, height - 1));
  return [...visible.map(write), `… and ${rows.length - visible.length} more steps`.slice(0, columns - 1)];
}
