import { spawn } from "node:child_process";
import { once } from "node:events";
import type { Retention, Store, WorkerQuery, WorkerRecord } from "@jobbers/core";
import { describe, expect, it, vi } from "vitest";
import {
  createUpkeep,
  DEFAULT_RETENTION,
  goneFrom,
  Janitor,
  Promoter,
  Reaper,
  watchTimers,
} from "../src/index.js";

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

function workerOf(parts: Partial<WorkerRecord>): WorkerRecord {
  return {
    ...{ session: "s", worker: "w", host: "here", pid: process.pid, queues: [], serves: [], held: 0 },
    ...{ openedAtMs: 0, expiresAtMs: 15_000, leaseMs: 15_000 },
    ...parts,
  };
}

describe("the promoter", () => {
  it("fires timers in portions of 500 until fewer were due, then sleeps until the next", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
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
    // Without a timer to wait for, it looks every five seconds all the same.
    await vi.advanceTimersByTimeAsync(4_900);
    expect(promoteDue).toHaveBeenCalledTimes(4);
    await vi.advanceTimersByTimeAsync(100);
    expect(promoteDue).toHaveBeenCalledTimes(5);
    await promoter.stop();
    vi.useRealTimers();
  });

  it("looks whether a limit has opened only where nobody has asked by then", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
    const promoteDue = vi.fn(async () => ({ promoted: 0 }));
    const promoter = new Promoter({ store: { promoteDue }, random: () => 0 });
    promoter.opens(10);
    await promoter.start();
    await vi.advanceTimersByTimeAsync(0);
    // Who asks in time is told of the next.
    for (let i = 0; i < 4; i++) {
      promoter.opens(200);
      await vi.advanceTimersByTimeAsync(200);
    }
    expect(promoteDue).toHaveBeenCalledTimes(1);
    await vi.advanceTimersByTimeAsync(60);
    expect(promoteDue).toHaveBeenCalledTimes(2);
    promoter.opens(200);
    await promoter.stop();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(promoteDue).toHaveBeenCalledTimes(2);
    vi.useRealTimers();
  });

  it("looks when a timer is due of which it was told, and no oftener for being told again", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
    const promoteDue = vi.fn(async () => ({ promoted: 0 }));
    const promoter = new Promoter({ store: { promoteDue }, random: () => 0 });
    // Not before it starts.
    promoter.due(10);
    await vi.advanceTimersByTimeAsync(20);
    expect(promoteDue).not.toHaveBeenCalled();
    await promoter.start();
    await vi.advanceTimersByTimeAsync(0);
    promoter.due(4_000);
    promoter.due(300);
    promoter.due(299.5);
    promoter.due(2_000);
    await vi.advanceTimersByTimeAsync(299);
    expect(promoteDue).toHaveBeenCalledTimes(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(promoteDue).toHaveBeenCalledTimes(2);
    // What the store says then is what counts: nothing is due any more before the poll.
    await vi.advanceTimersByTimeAsync(4_999);
    expect(promoteDue).toHaveBeenCalledTimes(2);
    promoter.due(50);
    await promoter.stop();
    expect(vi.getTimerCount()).toBe(0);
    promoter.due(50);
    expect(vi.getTimerCount()).toBe(0);
    vi.useRealTimers();
  });

  it("hears of a timer while it looks, too", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
    let answer = (_: { promoted: number }) => {};
    const promoteDue = vi.fn(() => new Promise<{ promoted: number }>((resolve) => (answer = resolve)));
    const promoter = new Promoter({ store: { promoteDue }, random: () => 0 });
    await promoter.start();
    await vi.advanceTimersByTimeAsync(0);
    promoter.due(100);
    promoter.due(2 ** 40);
    answer({ promoted: 0 });
    await vi.advanceTimersByTimeAsync(100);
    expect(promoteDue).toHaveBeenCalledTimes(2);
    answer({ promoted: 0 });
    await promoter.stop();
    vi.useRealTimers();
  });

  it("hears of timers after a start that came before the last stop was over", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
    const promoteDue = vi.fn(async () => ({ promoted: 0 }));
    const promoter = new Promoter({ store: { promoteDue }, random: () => 0 });
    await promoter.start();
    await vi.advanceTimersByTimeAsync(0);
    const stopping = promoter.stop();
    await promoter.start();
    await stopping;
    await vi.advanceTimersByTimeAsync(0);
    expect(promoteDue).toHaveBeenCalledTimes(2);
    promoter.due(100);
    await vi.advanceTimersByTimeAsync(100);
    expect(promoteDue).toHaveBeenCalledTimes(3);
    await promoter.stop();
    expect(vi.getTimerCount()).toBe(0);
    vi.useRealTimers();
  });

  it("does not spin on a timer that stays due", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
    const promoteDue = vi.fn(async () => ({ promoted: 0, nextDueMs: 0 }));
    const promoter = new Promoter({ store: { promoteDue } });
    await promoter.start();
    for (let ms = 0; ms < 100; ms++) {
      promoter.due(0);
      await vi.advanceTimersByTimeAsync(1);
    }
    expect(promoteDue.mock.calls.length).toBeLessThanOrEqual(21);
    await promoter.stop();
    vi.useRealTimers();
  });
});

describe("the reaper", () => {
  it("sweeps at once, names the gone, and goes on while there is more", async () => {
    const swept: unknown[] = [];
    const store: Pick<Store, "reapSessions" | "listWorkers" | "readTime"> = {
      readTime: async () => 0,
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

  it("takes over from a worker that came back under its name as soon as it missed a renewal", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const swept: unknown[] = [];
    let nowMs = 20_000;
    const store: Pick<Store, "reapSessions" | "listWorkers" | "readTime"> = {
      readTime: async () => nowMs,
      listWorkers: async () => [
        workerOf({ session: "old", host: "there", openedAtMs: 0, expiresAtMs: 30_000 }),
        workerOf({ session: "new", openedAtMs: 19_000, expiresAtMs: 34_000 }),
      ],
      reapSessions: async ({ unheard }) => {
        swept.push(unheard?.map(({ session }) => session));
        return { sessions: [], returned: 0, quarantined: 0, more: false };
      },
    };
    const reaper = new Reaper({ store, sweepMs: 5_000, random: () => 0 });
    await reaper.start();
    await vi.advanceTimersByTimeAsync(0);
    // Its last renewal was at 15,000: half a lease after that it counts as gone, long before the next sweep.
    nowMs = 22_501;
    await vi.advanceTimersByTimeAsync(2_501);
    expect(swept).toEqual([undefined, ["old"]]);
    await reaper.stop();
    vi.useRealTimers();
  });

  it("reads the workers of its own host, and those that have the name of one in its process", async () => {
    const asked: (WorkerQuery | undefined)[] = [];
    const swept: unknown[] = [];
    const all = [
      workerOf({ session: "old", worker: "w", host: "there", openedAtMs: 0, expiresAtMs: 15_000 }),
      workerOf({ session: "other", worker: "v", host: "there", openedAtMs: 0, expiresAtMs: 15_000 }),
      workerOf({ session: "neighbour", worker: "v", pid: 1 }),
      workerOf({ session: "new", worker: "w", openedAtMs: 19_000, expiresAtMs: 34_000 }),
    ];
    const store: Pick<Store, "reapSessions" | "listWorkers" | "readTime"> = {
      readTime: async () => 20_000,
      listWorkers: async (query) => {
        asked.push(query);
        return all.filter(({ host, worker }) => host === query?.host || query?.workers.includes(worker));
      },
      reapSessions: async ({ unheard }) => {
        swept.push(unheard?.map(({ session }) => session));
        return { sessions: [], returned: 0, quarantined: 0, more: false };
      },
    };
    const reaper = new Reaper({ store, sweepMs: 5_000, host: "here" });
    await reaper.start();
    while (swept.length < 1) await turn();
    reaper.wake();
    while (swept.length < 2) await turn();
    await reaper.stop();
    expect(swept).toEqual([["old"], ["old"]]);
    // Once it knows its own names, one call a sweep is enough.
    expect(asked).toEqual([
      { host: "here", workers: [] },
      { host: "here", workers: ["w"] },
      { host: "here", workers: ["w"] },
    ]);
  });

  it("is not deceived by a process that got a dead worker's pid", () => {
    const isGone = goneFrom("here", (pid) => (pid === process.pid ? "200" : undefined));
    expect(isGone({ host: "here", pid: process.pid, birth: "100" })).toBe(true);
    expect(isGone({ host: "there", pid: process.pid, birth: "100" })).toBe(false);
    expect(isGone({ host: "here", pid: process.pid, birth: "200" })).toBe(false);
    // Nothing is known of when it began: that a process has its pid counts.
    expect(isGone({ host: "here", pid: process.pid })).toBe(false);
    expect(goneFrom("here")({ host: "here", pid: process.pid, birth: "100" })).toBe(false);
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

  it("deletes what runs have left elsewhere, after them, and tries again where that is in trouble", async () => {
    const done: string[] = [];
    let resolve = () => {};
    const last = new Promise<void>((over) => {
      resolve = over;
    });
    const purge: Store["purge"] = async () => {
      done.push("purge");
      return { purged: 1, more: false };
    };
    const sweep = async (limit: number) => {
      done.push(`sweep ${limit}`);
      if (done.length === 3) throw new Error("away");
      if (done.length === 5) resolve();
      return done.length === 2;
    };
    const large = { sweep } as unknown as NonNullable<Store["large"]>;
    const janitor = new Janitor({ store: { purge, large }, everyMs: 1 });
    await janitor.start();
    await last;
    await janitor.stop();
    expect(done.slice(0, 5)).toEqual(["purge", "sweep 100", "sweep 100", "purge", "sweep 100"]);
  });

  it("rests the longer the longer a portion took, so that others have the store's time", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
    const took = [0, 40, 5_000];
    const begun: number[] = [];
    const start = performance.now();
    const purge: Store["purge"] = async () => {
      begun.push(performance.now() - start);
      const ms = took.shift();
      if (ms !== undefined) await new Promise((resolve) => setTimeout(resolve, ms));
      return { purged: 1, more: ms !== undefined };
    };
    const janitor = new Janitor({ store: { purge } });
    await janitor.start();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(begun).toEqual([0, 10, 10 + 40 + 120, 170 + 5_000 + 1_000]);
    await janitor.stop();
    vi.useRealTimers();
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

describe("a store whose timers are watched", () => {
  it("tells of the next one with each exchange, and is else the store it was", async () => {
    const told: number[] = [];
    const opens: number[] = [];
    const replies = [{ nextDueMs: 40 }, { opensInMs: 7 }];
    const plain = {
      url: "memory:",
      exchange: async () => replies.shift(),
      lastEvent: async () => plain.url.length,
    };
    const store = watchTimers(
      plain as unknown as Store,
      (ms) => told.push(ms),
      (ms) => opens.push(ms),
    );
    const call = {} as Parameters<Store["exchange"]>[0];
    expect(await store.exchange(call)).toEqual({ nextDueMs: 40 });
    expect(await store.exchange(call)).toEqual({ opensInMs: 7 });
    expect(told).toEqual([40]);
    expect(opens).toEqual([7]);
    expect(await store.lastEvent()).toBe(7);
    expect(store.url).toBe("memory:");
    expect(store.standBy).toBeUndefined();
  });

  it("tells of it with an exchange that stood by, too", async () => {
    const told: number[] = [];
    const plain = { standBy: async () => ({ nextDueMs: 40 }) } as unknown as Store;
    const store = watchTimers(plain, (ms) => told.push(ms));
    const { signal } = new AbortController();
    await store.standBy?.({} as Parameters<Store["exchange"]>[0], signal);
    expect(told).toEqual([40]);
  });
});

describe("the bundle", () => {
  it("starts, stops and starts again all four", async () => {
    const calls = { promoteDue: 0, reapSessions: 0, watchQueues: 0, purge: 0 };
    const upkeep = createUpkeep({
      host: "here",
      store: {
        readTime: async () => 0,
        listWorkers: async () => [],
        promoteDue: async () => ({ promoted: calls.promoteDue++ * 0 }),
        reapSessions: async () => ({
          sessions: [],
          returned: calls.reapSessions++ * 0,
          quarantined: 0,
          more: false,
        }),
        watchQueues: async () => void calls.watchQueues++,
        purge: async () => ({ purged: calls.purge++ * 0, more: false }),
      },
    });
    await upkeep.start();
    await turn();
    await upkeep.stop();
    expect(calls).toEqual({ promoteDue: 1, reapSessions: 1, watchQueues: 1, purge: 1 });
    await upkeep.start();
    await turn();
    upkeep.wake();
    await turn();
    await upkeep.stop();
    expect(calls).toEqual({ promoteDue: 3, reapSessions: 2, watchQueues: 2, purge: 2 });
  });
});
