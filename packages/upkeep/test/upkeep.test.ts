import { spawn } from "node:child_process";
import { once } from "node:events";
import type { Retention, Store, WorkerRecord } from "@jobbers/core";
import { describe, expect, it, vi } from "vitest";
import { createUpkeep, DEFAULT_RETENTION, goneFrom, Janitor, Promoter, Reaper } from "../src/index.js";

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

function workerOf(parts: Partial<WorkerRecord>): WorkerRecord {
  return {
    ...{ session: "s", worker: "w", host: "here", pid: process.pid, queues: [], serves: [], held: 0 },
    ...{ openedAtMs: 0, expiresAtMs: 0 },
    ...parts,
  };
}

describe("the promoter", () => {
  it("fires timers in portions of 500 until fewer were due, then sleeps until the next", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const answers = [{ promoted: 500 }, { promoted: 500, nextDueMs: 0 }, { promoted: 7, nextDueMs: 300 }];
    const promoteDue = vi.fn(async () => answers.shift() ?? { promoted: 0 });
    const promoter = new Promoter({ store: { promoteDue }, random: () => 0 });
    await promoter.start();
    await vi.advanceTimersByTimeAsync(2);
    expect(promoteDue).toHaveBeenCalledTimes(3);
    await vi.advanceTimersByTimeAsync(297);
    expect(promoteDue).toHaveBeenCalledTimes(3);
    await vi.advanceTimersByTimeAsync(3);
    expect(promoteDue).toHaveBeenCalledTimes(4);
    // Without a timer to wait for, it looks every second all the same.
    await vi.advanceTimersByTimeAsync(1_000);
    expect(promoteDue).toHaveBeenCalledTimes(5);
    await promoter.stop();
    vi.useRealTimers();
  });

  it("does not spin on a timer that stays due", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const promoteDue = vi.fn(async () => ({ promoted: 0, nextDueMs: 0 }));
    const promoter = new Promoter({ store: { promoteDue } });
    await promoter.start();
    await vi.advanceTimersByTimeAsync(100);
    expect(promoteDue.mock.calls.length).toBeLessThanOrEqual(21);
    await promoter.stop();
    vi.useRealTimers();
  });
});

describe("the reaper", () => {
  it("sweeps at once, names the gone, and goes on while there is more", async () => {
    const swept: unknown[] = [];
    const store: Pick<Store, "reapSessions" | "listWorkers"> = {
      listWorkers: async () => [workerOf({ session: "a", pid: 1 }), workerOf({ session: "b", pid: 2 })],
      reapSessions: async (sweep) => {
        swept.push(sweep);
        return { sessions: [], returned: 0, quarantined: 0, more: swept.length < 3 };
      },
    };
    const reaper = new Reaper({ store, sweepMs: 5_000, isGone: ({ pid }) => pid === 2 });
    await reaper.start();
    while (swept.length < 3) await turn();
    await reaper.stop();
    expect(swept[0]).toEqual({ sweepMs: 5_000, limit: 500, gone: ["b"] });
    expect(swept).toHaveLength(3);
  });

  it("knows a dead process of its own host, and nothing of other hosts", async () => {
    const isGone = goneFrom("here");
    const child = spawn(process.execPath, ["-e", "process.stdin.resume()"], {
      stdio: ["pipe", "ignore", "ignore"],
    });
    await once(child, "spawn");
    expect(isGone({ host: "here", pid: child.pid as number })).toBe(false);
    child.kill("SIGKILL");
    await once(child, "exit");
    expect(isGone({ host: "here", pid: child.pid as number })).toBe(true);
    expect(isGone({ host: "there", pid: child.pid as number })).toBe(false);
    expect(isGone({ host: "here", pid: process.pid })).toBe(false);
  });
});

describe("the janitor", () => {
  it("purges while there is more, with the defaults where nothing else is said", async () => {
    const seen: [Retention, number][] = [];
    let done = () => {};
    const last = new Promise<void>((resolve) => (done = resolve));
    const purge: Store["purge"] = async (retention, limit) => {
      seen.push([retention, limit]);
      if (seen.length === 4) done();
      return { purged: limit, more: seen.length < 4 };
    };
    const failed = { ageMs: 1, count: 2 };
    const janitor = new Janitor({ store: { purge }, retention: { failed } });
    await janitor.start();
    await last;
    await janitor.stop();
    expect(seen).toHaveLength(4);
    expect(seen[0]).toEqual([{ ...DEFAULT_RETENTION, failed }, 500]);
  });

  it("ends between two portions when it is stopped", async () => {
    let calls = 0;
    const purge: Store["purge"] = async () => {
      calls += 1;
      return { purged: 1, more: true };
    };
    const janitor = new Janitor({ store: { purge } });
    await janitor.start();
    await turn();
    await janitor.stop();
    expect(calls).toBe(1);
  });
});

describe("the bundle", () => {
  it("starts, stops and starts again all three", async () => {
    const calls = { promoteDue: 0, reapSessions: 0, purge: 0 };
    const upkeep = createUpkeep({
      host: "here",
      store: {
        listWorkers: async () => [],
        promoteDue: async () => ({ promoted: calls.promoteDue++ * 0 }),
        reapSessions: async () => ({
          sessions: [],
          returned: calls.reapSessions++ * 0,
          quarantined: 0,
          more: false,
        }),
        purge: async () => ({ purged: calls.purge++ * 0, more: false }),
      },
    });
    await upkeep.start();
    await turn();
    await upkeep.stop();
    expect(calls).toEqual({ promoteDue: 1, reapSessions: 1, purge: 1 });
    await upkeep.start();
    await turn();
    upkeep.wake();
    await turn();
    await upkeep.stop();
    expect(calls).toEqual({ promoteDue: 3, reapSessions: 2, purge: 2 });
  });
});
