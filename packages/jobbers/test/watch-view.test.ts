import type { StepProgress } from "@jobbers/runs";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Output, Terminal } from "../src/cli/output.js";
import { type StepNode, treeOf } from "../src/cli/step-tree.js";
import { treeLine, treeWidth, treeWindow } from "../src/cli/tree-lines.js";
import { treeRows, type ViewedStep } from "../src/cli/tree-rows.js";
import type { RunningSteps } from "../src/cli/troubles.js";
import { startWatchView, type WatchedRun } from "../src/cli/watch-view.js";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const step = (name: string, more: Partial<ViewedStep> = {}): ViewedStep => ({
  ...{ name, kind: "task", depth: 0, total: 1, settled: 0, counts: {} },
  ...more,
});
const map = (name: string, more: Partial<ViewedStep> = {}) => step(name, { kind: "map", ...more });
const dag = (name: string, more: Partial<ViewedStep> = {}) => step(name, { kind: "dag", ...more });

/** A dag in a map in a map, and what stands beside them. */
const nested: StepProgress[] = [
  step("list"),
  map("sites[]"),
  map("pages[]", { depth: 1 }),
  step("read", { depth: 2 }),
  dag("store", { depth: 2 }),
  step("store/write", { depth: 2 }),
  step("tidy", { depth: 1 }),
  step("count"),
  dag("~onFailure"),
  step("~onFailure/tell"),
];

const linesOf = (steps: readonly ViewedStep[], nowMs = 0, columns?: number) => {
  const rows = treeRows({ steps }, () => 12.34, nowMs);
  return rows.map((row) => treeLine(row, { labelWidth: treeWidth(rows), ...(columns && { columns }) }));
};

describe("the tree of a run", () => {
  it("puts bodies below their maps and dags", () => {
    const write = (nodes: readonly StepNode[]): unknown[] =>
      nodes.map(({ step, children }) => (children.length ? [step.name, write(children)] : step.name));
    expect(write(treeOf(nested))).toEqual([
      "list",
      ["sites[]", [["pages[]", ["read", ["store", ["store/write"]]]], "tidy"]],
      "count",
      ["~onFailure", ["~onFailure/tell"]],
    ]);
  });

  it("is drawn with branches, and without what is only there for failures", () => {
    expect(linesOf(nested).map((line) => line.replace(/ {2}.*/, ""))).toEqual([
      ...["├ · list", "├ · sites[]", "│ ├ · pages[]", "│ │ ├ · read", "│ │ └ · store", "│ │"],
      ...["│ └ · tidy", "└ · count"],
    ]);
  });

  it("shows a map of one task as one line, with counts, failures, time and rate", () => {
    const steps = [
      map("fetch[]", {
        counts: { expanding: 1 },
        record: { startedAtMs: 1_000, members: 4_000, settled: 1_203 },
      }),
      step("fetch", {
        depth: 1,
        total: 4_000,
        settled: 1_203,
        counts: { succeeded: 1_201, failed: 2, waiting: 3 },
      }),
    ];
    expect(linesOf(steps, 9_500)).toEqual(["└ ✗ fetch[]  1,203/4,000  2 failed  3 waiting  8.5s  12/s"]);
    expect(linesOf(steps, 9_500, 80)).toEqual([
      "└ ✗ fetch[]  ██████░░░░░░░░░░░░░░  1,203/4,000  2 failed  3 waiting  8.5s  12/s",
    ]);
  });

  it.each<[Partial<ViewedStep>, string]>([
    [{}, "·"],
    [{ counts: { ready: 1 } }, "○"],
    [{ counts: { running: 1 } }, "●"],
    [{ counts: { waiting: 1 } }, "◔"],
    [{ settled: 1, counts: { succeeded: 1 } }, "✓"],
    [{ settled: 1, counts: { failed: 1 } }, "✗"],
    [{ settled: 1, counts: { cancelled: 1 } }, "⊘"],
    [{ settled: 1, counts: { skipped: 1 } }, "↷"],
  ])("shows %j as %s", (more, sign) => {
    expect(linesOf([step("a", more)])).toEqual([`└ ${sign} a`]);
  });

  it("says why a step failed, and stays within its columns", () => {
    const error = { name: "TypeError", message: `no ${"more ".repeat(50)}room\nsecond line` };
    const failed = step("refuse", { settled: 1, counts: { failed: 1 }, record: { error } });
    expect(linesOf([failed])[0]).toContain("TypeError: no more");
    const [line] = linesOf([failed], 0, 60);
    expect(line).toHaveLength(59);
    expect(line).toMatch(/…$/);
  });

  it("keeps what moves when the window is low", () => {
    const steps = [
      ...Array.from({ length: 30 }, (_, i) => step(`done-${i}`, { settled: 1, counts: { succeeded: 1 } })),
      step("moving", { counts: { running: 1 } }),
      step("broken", { settled: 1, counts: { failed: 1 } }),
      ...Array.from({ length: 30 }, (_, i) => step(`later-${i}`)),
    ];
    const rows = treeRows({ steps }, () => undefined, 0);
    const shown = treeWindow(rows, 6);
    expect(shown.rows.map(({ name }) => name)).toEqual(["moving", "broken", "later-0", "later-1", "later-2"]);
    expect(shown.hidden).toBe(57);
  });
});

type Running = ReturnType<RunningSteps["steps"]> extends AsyncIterable<infer S> ? S : never;

describe("watching a run", () => {
  const pace = { terminalMs: 100, linesMs: 100, idleMs: 1_000, troublesMs: 2_000 };

  function fakeRun(steps: () => readonly ViewedStep[], running: () => readonly Running[] = () => []) {
    const run: WatchedRun = {
      id: "01ARZ3NDEKTSV4RRFFQ69G5FAV",
      detail: async () => ({
        ...{ id: run.id, name: "crawl", state: "running", cancelling: false, createdAtMs: 0, startedAtMs: 0 },
        steps: steps(),
      }),
      async *steps() {
        yield* running();
      },
      async *events({ signal }) {
        await new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
        yield undefined;
      },
    };
    return run;
  }

  function fakeOutput(terminal?: Terminal) {
    const notes: string[] = [];
    const silent = () => undefined;
    const note = (text: string) => void notes.push(text);
    const output: Output = {
      json: false,
      terminal,
      columns: undefined,
      print: silent,
      printJson: silent,
      note,
    };
    return { output, notes };
  }

  it("writes a line for each change where there is no terminal", async () => {
    let settled = 0;
    const { output, notes } = fakeOutput();
    const counts = () => (settled ? { succeeded: settled } : {});
    const run = fakeRun(() => [
      step("first"),
      step("work", { depth: 1, total: 3, settled, counts: counts() }),
    ]);
    const view = startWatchView(run, output, pace, () => 4_000);
    await vi.advanceTimersByTimeAsync(1_500);
    settled = 2;
    await vi.advanceTimersByTimeAsync(2_500);
    await view.stop();
    expect(notes).toEqual([
      expect.stringMatching(/^crawl 01ARZ3NDEKTSV4RRFFQ69G5FAV {2}running/),
      expect.stringMatching(/^ {2}● work {2} {0,2}2\/3/),
    ]);
  });

  it("says what is the matter with steps, those inside of maps too, and looks at these now and then", async () => {
    const { output, notes } = fakeOutput();
    const progress = { at: "parsing", sinceMs: 1_000, heardAtMs: 1_000, done: 340, total: 1_000 };
    const steps = [
      step("first", { counts: { running: 1 }, record: { startedAtMs: 0, liveness: "slow", progress } }),
      map("work[]", { counts: { expanding: 1 } }),
      step("work", { depth: 1, total: 3, counts: { running: 3 } }),
    ];
    let looks = 0;
    const run = fakeRun(
      () => steps,
      () => {
        looks++;
        const frozen = { name: "work", liveness: "frozen" } as const;
        return [frozen, { name: "work", liveness: "running" }, frozen, { name: "work", liveness: "lost" }];
      },
    );
    const view = startWatchView(run, output, pace, () => 4_000);
    await vi.advanceTimersByTimeAsync(3_900);
    await view.stop();
    expect(notes).toEqual([
      expect.stringMatching(/^crawl /),
      '  ● first   4.0s  slow  at "parsing" since 00:00:01Z, 340 of 1,000',
      expect.stringMatching(/^ {2}● work\[\] {2}0\/3 .*2 frozen, 1 lost$/),
      expect.stringMatching(/^ {2}● work\[\] {2}0\/3/),
    ]);
    expect(looks).toBe(2);
  });

  it("draws in place on a terminal, within its height and width", async () => {
    const drawn: string[] = [];
    const terminal = {
      columns: 40,
      rows: 10,
      draw: (text: string) => void drawn.push(text),
      share: () => () => {},
    };
    const { output } = fakeOutput(terminal);
    const view = startWatchView(
      fakeRun(() => Array.from({ length: 50 }, (_, i) => step(`step-${i}-${"x".repeat(60)}`))),
      output,
      pace,
      () => 4_000,
    );
    await vi.advanceTimersByTimeAsync(1_200);
    await view.stop();
    const lines = (drawn[0] as string).trimEnd().split("\n");
    expect(lines.length).toBeLessThan(10);
    expect(lines.every((line) => line.length < 40)).toBe(true);
    expect(lines.at(-1)).toMatch(/and 44 more steps/);
    expect(drawn[1]).toBe(`\x1b[${lines.length}A\x1b[J`);
  });
});
