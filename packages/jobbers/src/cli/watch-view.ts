import type { RunState } from "@jobbers/core";
import { type Block, createBlock } from "./block.js";
import { type ProgressView, startLiveView } from "./live-view.js";
import type { Output } from "./output.js";
import { createRates } from "./rates.js";
import { clip, showDuration } from "./table.js";
import { treeLine, treeWidth, treeWindow } from "./tree-lines.js";
import { type TreeRow, treeRows, type ViewedStep } from "./tree-rows.js";
import { createTroubles, type RunningSteps } from "./troubles.js";

/** A run, as far as its tree shows it. */
export interface WatchedRun extends RunningSteps {
  readonly id: string;
  detail(): Promise<WatchedDetail>;
  events(options: { readonly signal: AbortSignal }): AsyncIterable<unknown>;
}

interface WatchedDetail {
  readonly id: string;
  readonly name: string;
  readonly state: RunState;
  readonly cancelling: boolean;
  readonly createdAtMs: number;
  readonly startedAtMs?: number | undefined;
  readonly endedAtMs?: number | undefined;
  readonly steps: readonly ViewedStep[];
}

const none: ReadonlyMap<string, string> = new Map();

/** How often the tree is drawn at most, and looked after at least. */
export interface WatchPace {
  readonly terminalMs: number;
  readonly linesMs: number;
  readonly idleMs: number;
  /** How often the running steps inside of maps are looked at, at most. */
  readonly troublesMs: number;
}

const defaultPace: WatchPace = { terminalMs: 150, linesMs: 500, idleMs: 1_000, troublesMs: 2_000 };

/** Starts the live tree of a run: on a terminal redrawn in place, elsewhere a line for each step that changed. */
export function startWatchView(
  run: WatchedRun,
  output: Output,
  pace: WatchPace = defaultPace,
  now: () => number = Date.now,
): ProgressView {
  const { terminal } = output;
  const rates = createRates();
  const block = terminal ? createBlock(terminal) : undefined;
  const tellChanges = createChanges(output);
  const readTroubles = createTroubles(run, pace.troublesMs);
  return startLiveView({
    events: (options) => run.events(options),
    leastMs: terminal ? pace.terminalMs : pace.linesMs,
    idleMs: pace.idleMs,
    async refresh({ last, signal }) {
      const detail = await run.detail();
      if (!last && signal.aborted) return;
      rates.sample(
        performance.now(),
        detail.steps.map(({ name, settled }) => [name, settled]),
      );
      const rateOf = last ? rates.overall : rates.lately;
      const troubles = last ? none : await readTroubles(detail.steps, performance.now());
      const rows = treeRows({ steps: detail.steps, troubles }, rateOf, detail.endedAtMs ?? now());
      if (block && terminal) draw(block, terminal, detail, rows, now());
      else tellChanges(detail, rows);
    },
    end: () => block?.end(),
  });
}

function draw(
  block: Block,
  terminal: { readonly columns: number; readonly rows: number },
  detail: WatchedDetail,
  rows: readonly TreeRow[],
  nowMs: number,
): void {
  const { columns } = terminal;
  const layout = { labelWidth: treeWidth(rows), columns };
  const { rows: visible, hidden } = treeWindow(rows, Math.max(1, terminal.rows - 3));
  const more = hidden === 0 ? [] : [`  … and ${hidden} more ${hidden === 1 ? "step" : "steps"}`];
  const lines = [headLine(detail, nowMs), ...visible.map((row) => treeLine(row, layout)), ...more];
  block.draw(lines.map((line) => clip(line, columns - 1)));
}

function headLine(detail: WatchedDetail, nowMs: number): string {
  const { id, name, state, cancelling, startedAtMs, endedAtMs, createdAtMs } = detail;
  const word = cancelling && state === "running" ? "being cancelled" : state;
  const sinceMs = state === "scheduled" ? createdAtMs : (startedAtMs ?? createdAtMs);
  return `${name} ${id}  ${word}  ${showDuration(Math.max(0, (endedAtMs ?? nowMs) - sinceMs))}`;
}

/** Tells of each row that changed since it was told of last. */
function createChanges(output: Output) {
  const told = new Map<string, string>();
  const changed = (name: string, now: string) => {
    if (told.get(name) === now) return false;
    told.set(name, now);
    return true;
  };
  return (detail: WatchedDetail, rows: readonly TreeRow[]) => {
    const { state, cancelling } = detail;
    if (changed("", `${state} ${cancelling}`)) output.note(headLine(detail, detail.endedAtMs ?? Date.now()));
    const plain = rows.map((row) => ({ ...row, branch: "  " }));
    const layout = { labelWidth: treeWidth(plain) };
    for (const row of plain) {
      const isNew = changed(
        `step ${row.name}`,
        JSON.stringify([row.look, row.bar, row.counts, row.trouble, row.progress]),
      );
      if (isNew && row.look !== "idle") output.note(treeLine(row, layout));
    }
  };
}
