import type { Run } from "@jobbers/runs";
import type { Output, Terminal } from "./output.js";
import { labelWidthOf, lineOf, type ProgressRow, rowsOf } from "./progress-lines.js";
import { createRates } from "./rates.js";

/** A live view of a run, on a terminal redrawn in place, elsewhere as plain lines now and then. */
export interface ProgressView {
  /** Shows the last state and ends the view. */
  stop(): Promise<void>;
}

/** How often the view is renewed at most, and looked after at least. */
export interface ProgressPace {
  readonly terminalMs: number;
  readonly linesMs: number;
  readonly idleMs: number;
}

const defaultPace: ProgressPace = { terminalMs: 150, linesMs: 5_000, idleMs: 2_000 };

/** Starts a view of a run. It reads when the run's events say so, never more often than its pace, and rarely while idle. */
export function startProgress(
  run: Run<unknown>,
  output: Output,
  pace: ProgressPace = defaultPace,
): ProgressView {
  const stopping = new AbortController();
  const rates = createRates();
  const { terminal } = output;
  const block = terminal ? createBlock(terminal) : undefined;
  const shown = new Map<string, string>();
  const leastMs = terminal ? pace.terminalMs : pace.linesMs;
  let timer: NodeJS.Timeout | undefined;
  let dueMs = Number.POSITIVE_INFINITY;
  let drawing = Promise.resolve();

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
  const refresh = async (last: boolean) => {
    const progress = await run.progress();
    rates.sample(
      performance.now(),
      progress.map(({ name, settled }) => [name, settled]),
    );
    if (last || !stopping.signal.aborted) show(rowsOf(progress, last ? rates.overall : rates.lately));
  };
  const schedule = (delayMs: number) => {
    if (stopping.signal.aborted || performance.now() + delayMs >= dueMs) return;
    clearTimeout(timer);
    dueMs = performance.now() + delayMs;
    timer = setTimeout(() => {
      dueMs = Number.POSITIVE_INFINITY;
      // A view that cannot be read for a moment is not worth an error: whoever awaits the run meets it as well.
      const again = () => schedule(Math.max(pace.idleMs, leastMs));
      drawing = drawing.then(() => refresh(false)).then(again, again);
    }, delayMs);
  };
  const follow = async () => {
    for await (const _event of run.events({ signal: stopping.signal })) schedule(leastMs);
  };
  schedule(0);
  void follow().catch(() => undefined);
  return {
    async stop() {
      if (stopping.signal.aborted) return;
      stopping.abort();
      clearTimeout(timer);
      await drawing;
      await refresh(true).catch(() => undefined);
      block?.end();
    },
  };
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

/** Draws lines in place of the ones drawn before, and makes way for what others write to the terminal meanwhile. */
function createBlock(terminal: Terminal) {
  let drawn: readonly string[] = [];
  const erase = () => {
    // A line that was drawn on a wider terminal has been folded since, and takes several rows now.
    const rows = drawn.reduce((all, line) => all + Math.max(1, Math.ceil(line.length / terminal.columns)), 0);
    drawn = [];
    if (rows > 0) terminal.draw(`\x1b[${rows}A\x1b[J`);
  };
  const unshare = terminal.share(erase);
  return {
    draw(lines: readonly string[]) {
      erase();
      terminal.draw(lines.map((line) => `${line}\n`).join(""));
      drawn = lines;
    },
    end: unshare,
  };
}
