import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type Explained, noteStall } from "../src/cli/stall-note.js";
import { watchStore } from "../src/cli/store-watch.js";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function listener() {
  const lines: string[] = [];
  return { lines, note: (text: string) => void lines.push(text) };
}

describe("who waits for a run that stands still", () => {
  /** A run of which the test says how far it is, and how often it was asked why. */
  function fakeRun() {
    const state = { settled: 0, running: 0, asked: 0, isAway: false };
    const run = {
      async progress() {
        if (state.isAway) throw new Error("the server is away");
        const { settled, running } = state;
        return [{ name: "a", kind: "task", depth: 0, total: 9, settled, counts: running ? { running } : {} }];
      },
      async explain() {
        state.asked += 1;
        return { sentence: "No worker is there." };
      },
    } as unknown as Explained;
    return { run, state };
  }

  it("is told why after a while, and once", async () => {
    const { run, state } = fakeRun();
    const { lines, note } = listener();
    const stop = noteStall(run, { note }, 5_000);
    await vi.advanceTimersByTimeAsync(4_900);
    expect(lines).toEqual([]);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(lines).toEqual(["No worker is there."]);
    expect(state.asked).toBe(1);
    stop();
  });

  it("hears nothing as long as steps run or settle, whatever happens to the server", async () => {
    const { run, state } = fakeRun();
    const { lines, note } = listener();
    const stop = noteStall(run, { note }, 5_000);
    for (let i = 0; i < 5; i++) {
      state.settled += 1;
      await vi.advanceTimersByTimeAsync(5_000);
    }
    state.running = 1;
    await vi.advanceTimersByTimeAsync(20_000);
    state.isAway = true;
    await vi.advanceTimersByTimeAsync(20_000);
    expect(lines).toEqual([]);
    Object.assign(state, { running: 0, isAway: false });
    await vi.advanceTimersByTimeAsync(10_000);
    expect(lines).toHaveLength(1);
    stop();
  });

  it("hears nothing once it has stopped", async () => {
    const { run, state } = fakeRun();
    const { lines, note } = listener();
    noteStall(run, { note }, 5_000)();
    await vi.advanceTimersByTimeAsync(20_000);
    expect([lines, state.asked]).toEqual([[], 0]);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe("a server whose store goes away", () => {
  it("says so in one line, and in one when it is back", async () => {
    const { lines, note } = listener();
    let answer: () => Promise<number> = async () => 1;
    const store = { url: "redis://127.0.0.1:6379", lastEvent: () => answer() };
    const stop = watchStore(store, { note }, { everyMs: 1_000, patienceMs: 500 });
    await vi.advanceTimersByTimeAsync(10_000);
    expect(lines).toEqual([]);
    answer = () => Promise.reject(new Error("connect ECONNREFUSED"));
    await vi.advanceTimersByTimeAsync(2_000);
    // A store may also say nothing at all.
    answer = () => new Promise(() => undefined);
    await vi.advanceTimersByTimeAsync(6_000);
    answer = async () => 1;
    await vi.advanceTimersByTimeAsync(10_000);
    expect(lines).toEqual([
      expect.stringMatching(/^the store at redis:\S+ is away \(connect ECONNREFUSED\); .* 503$/),
      expect.stringMatching(/^the store is back, after \d+\.\ds$/),
    ]);
    stop();
    expect(vi.getTimerCount()).toBe(0);
  });
});
