import type { Run, RunEvent, StepProgress } from "@jobbers/runs";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Output, Terminal } from "../src/cli/output.js";
import { startProgress } from "../src/cli/progress.js";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const pace = { terminalMs: 100, linesMs: 1_000, idleMs: 10_000 };

/** A run whose progress the test sets, and which counts how often it is read. */
function fakeRun() {
  let tell: (event: RunEvent) => void = () => undefined;
  const state = { settled: 0, total: 4, reads: 0 };
  const run = {
    async progress(): Promise<StepProgress[]> {
      state.reads += 1;
      const { settled, total } = state;
      return [{ name: "fetch", kind: "task", depth: 1, total, settled, counts: { succeeded: settled } }];
    },
    async *events({ signal }: { signal: AbortSignal }) {
      for (;;) {
        yield await new Promise<RunEvent>((resolve, reject) => {
          tell = resolve;
          signal.addEventListener("abort", () => reject(signal.reason), { once: true });
        });
      }
    },
  } as unknown as Run;
  const settle = (count: number) => {
    state.settled += count;
    tell({ type: "steps", atMs: 0 });
  };
  return { run, state, settle };
}

function fakeOutput(terminal?: Terminal) {
  const lines: string[] = [];
  const output: Output = {
    json: false,
    terminal,
    columns: undefined,
    print: () => {},
    printJson: () => {},
    note: (text) => lines.push(text),
  };
  return { output, lines };
}

function fakeTerminal(columns: number) {
  const drawn: string[] = [];
  let before = () => {};
  const terminal = {
    columns,
    rows: 24,
    draw: (text: string) => void drawn.push(text),
    share(call: () => void) {
      before = call;
      return () => {
        before = () => {};
      };
    },
  };
  return { terminal, drawn, writeBeside: () => before() };
}

describe("progress in plain lines", () => {
  it("is told when something changed, now and then, and at the end", async () => {
    const { run, settle, state } = fakeRun();
    const { output, lines } = fakeOutput();
    const view = startProgress(run, output, pace);
    await vi.advanceTimersByTimeAsync(0);
    expect(lines).toEqual([]);
    for (let i = 0; i < 3; i++) {
      settle(1);
      await vi.advanceTimersByTimeAsync(10);
    }
    expect(lines).toEqual([]);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(lines).toEqual([expect.stringMatching(/^fetch\[\] {2}3\/4 {2}\d/)]);
    expect(state.reads).toBe(2);
    settle(1);
    await view.stop();
    expect(lines.slice(1)).toEqual([expect.stringMatching(/^fetch\[\] {2}4\/4/)]);
  });

  it("reads rarely while nothing happens, and not at all afterwards", async () => {
    const { run, state } = fakeRun();
    const view = startProgress(run, fakeOutput().output, pace);
    await vi.advanceTimersByTimeAsync(100_000);
    expect(state.reads).toBeLessThanOrEqual(11);
    await view.stop();
    const { reads } = state;
    await vi.advanceTimersByTimeAsync(100_000);
    expect(state.reads).toBe(reads);
  });
});

describe("progress on a terminal", () => {
  it("is drawn in place, at most so often, and folded lines are counted", async () => {
    const { run, settle, state } = fakeRun();
    const { terminal, drawn } = fakeTerminal(80);
    const view = startProgress(run, fakeOutput(terminal).output, pace);
    await vi.advanceTimersByTimeAsync(0);
    expect(drawn).toEqual([expect.stringMatching(/^fetch\[\] {2}░+ {2}0\/4\n$/)]);
    for (let i = 0; i < 4; i++) {
      settle(1);
      await vi.advanceTimersByTimeAsync(10);
    }
    expect(state.reads).toBe(1);
    terminal.columns = 20;
    await vi.advanceTimersByTimeAsync(100);
    expect(drawn.slice(1)).toEqual(["\x1b[2A\x1b[J", expect.stringMatching(/^fetch\[\] {2}4\/4/)]);
    await view.stop();
    expect(drawn.at(-2)).toBe("\x1b[1A\x1b[J");
  });

  it("makes way for what others write", async () => {
    const { run } = fakeRun();
    const { terminal, drawn, writeBeside } = fakeTerminal(80);
    const view = startProgress(run, fakeOutput(terminal).output, pace);
    await vi.advanceTimersByTimeAsync(0);
    writeBeside();
    writeBeside();
    expect(drawn.slice(1)).toEqual(["\x1b[1A\x1b[J"]);
    await view.stop();
  });
});
