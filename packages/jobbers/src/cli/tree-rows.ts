import type { Liveness, ProgressRecord, StepState } from "@jobbers/core";
import type { StepProgress } from "@jobbers/runs";
import { progressText, troubleOf } from "./running-lines.js";
import { type StepNode, treeOf } from "./step-tree.js";

/** One line of the live tree of a run. */
export interface TreeRow {
  /** The step's name in the plan. */
  readonly name: string;
  /** What stands left of the state: the branches of the tree. */
  readonly branch: string;
  readonly look: Look;
  /** What it is called in the tree: its name without that of the dag around it, with `[]` for a map. */
  readonly label: string;
  /** How many of how many; absent for a step that there is only once. */
  readonly bar?: RowBar | undefined;
  readonly counts: StepProgress["counts"];
  readonly durationMs?: number | undefined;
  readonly rate?: number | undefined;
  /** What is the matter with it while it runs. */
  readonly trouble?: string | undefined;
  /** How far it is, as its handler said last. */
  readonly progress?: string | undefined;
  /** Why it failed, in one line. */
  readonly failure?: string | undefined;
}

/** How many of how many have settled, and of what, where that is not the row's own step. */
export interface RowBar {
  readonly settled: number;
  readonly total: number | undefined;
  readonly unit?: "steps" | undefined;
}

/** How a row looks: one for each group of states that a reader tells apart. */
export type Look =
  | "idle"
  | "ready"
  | "running"
  | "waiting"
  | "succeeded"
  | "failed"
  | "cancelled"
  | "skipped";

/** A step's record, as far as the tree shows it. */
export interface RecordLook {
  readonly startedAtMs?: number | undefined;
  readonly endedAtMs?: number | undefined;
  readonly members?: number | undefined;
  readonly settled?: number | undefined;
  readonly liveness?: Liveness | undefined;
  readonly progress?: ProgressRecord | undefined;
  readonly error?: { readonly name: string; readonly message: string } | undefined;
}

/** Progress with the records of the steps that there is only once, where they are known. */
export type ViewedStep = StepProgress & { readonly record?: RecordLook | undefined };

/** What a tree shows. */
export interface TreeView {
  readonly steps: readonly ViewedStep[];
  /** What is the matter with running steps inside of maps, by name. */
  readonly troubles?: ReadonlyMap<string, string> | undefined;
}

/** The rows of a run's tree, each map of a single task as one row. */
export function treeRows(
  { steps, troubles }: TreeView,
  rateOf: (name: string) => number | undefined,
  nowMs: number,
): TreeRow[] {
  const rows: TreeRow[] = [];
  const walk = (nodes: readonly StepNode[], indent: string, inside: string) => {
    const shown = nodes.filter(({ step }) => !isUnneeded(step));
    for (const [i, { step, children }] of shown.entries()) {
      const isLast = i === shown.length - 1;
      const only = children.length === 1 && step.kind === "map" ? children[0] : undefined;
      const isPlain = only?.step.kind === "task";
      const row = rowOf(step, isPlain ? (only as StepNode).step : undefined, rateOf, nowMs, inside);
      const trouble = troubles?.get((isPlain ? (only as StepNode).step : step).name) ?? row.trouble;
      rows.push({ ...row, trouble, branch: `${indent}${isLast ? "└" : "├"} ` });
      if (isPlain) continue;
      walk(children, `${indent}${isLast ? "  " : "│ "}`, step.kind === "dag" ? `${step.name}/` : inside);
    }
  };
  walk(treeOf(steps), "", "");
  return rows;
}

function rowOf(
  step: ViewedStep,
  body: StepProgress | undefined,
  rateOf: (name: string) => number | undefined,
  nowMs: number,
  inside: string,
): Omit<TreeRow, "branch"> {
  const { name, depth, record } = step;
  // Of a map of one task the task is what counts; of others, all that is in the body.
  const counted = body ?? step;
  const isMany = counted.depth > 0;
  const wide =
    step.kind === "map" && record?.members !== undefined
      ? { settled: record.settled ?? 0, total: record.members, unit: "steps" as const }
      : undefined;
  const bar: RowBar | undefined = isMany ? { settled: counted.settled, total: counted.total } : wide;
  const { startedAtMs, endedAtMs, error, liveness, progress } = record ?? {};
  return {
    name,
    label: name.startsWith(inside) ? name.slice(inside.length) : name,
    look: lookOf(step, body),
    counts: isMany ? counted.counts : {},
    ...(bar && { bar }),
    ...(startedAtMs !== undefined &&
      depth === 0 && { durationMs: Math.max(0, (endedAtMs ?? nowMs) - startedAtMs) }),
    ...(isMany && { rate: rateOf(counted.name) }),
    trouble: troubleOf(liveness),
    ...(progress && { progress: progressText(progress, nowMs) }),
    ...(error && step.kind === "task" && { failure: `${error.name}: ${error.message}`.split("\n")[0] }),
  };
}

function lookOf({ counts, settled, total }: StepProgress, body: StepProgress | undefined): Look {
  const has = (...states: StepState[]) => states.some((state) => (counts[state] ?? 0) > 0);
  if (has("failed") || (body?.counts.failed ?? 0) > 0) return "failed";
  if (has("running", "expanding")) return "running";
  if (has("waiting", "limited", "suspended")) return "waiting";
  if (has("ready")) return settled > 0 ? "running" : "ready";
  const isOver = settled > 0 && (total === undefined || settled >= total);
  if (!isOver) return settled > 0 ? "running" : "idle";
  if (has("succeeded")) return "succeeded";
  return has("cancelled") ? "cancelled" : "skipped";
}

/** A step of an onFailure body, of which nothing was touched: as a rule it never will be. */
function isUnneeded({ name, counts }: StepProgress): boolean {
  return name.includes("~onFailure") && Object.keys(counts).length === 0;
}

/** True for rows whose steps have all settled. */
export function isOver({ look, bar }: TreeRow): boolean {
  if (bar) return bar.total !== undefined && bar.settled >= bar.total;
  return look === "succeeded" || look === "failed" || look === "cancelled" || look === "skipped";
}
