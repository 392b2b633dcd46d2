import type { RunEventRecord, Store } from "@jobbers/core";
import { describe, expect, it, vi } from "vitest";
import { createFeed, type FeedListener } from "../src/feed.js";
import { createFakeFeedStore } from "./fake-feed-store.js";

const pace = {
  ...{ page: 3, flood: 3, floodMs: 60_000, lateness: 0, quietMs: 60_000 },
  ...{ waitMs: 60_000, pollMs: 60_000, pollRuns: 2, retryMs: 1 },
};

function setUp(overrides: Partial<typeof pace> = {}) {
  const store = createFakeFeedStore();
  return { store, feed: createFeed(store as unknown as Store, { ...pace, ...overrides }) };
}

function listener() {
  const seen: string[] = [];
  const each: FeedListener<RunEventRecord> = {
    event: ({ run, type }: RunEventRecord) => seen.push(`${run} ${type}`),
    gap: () => seen.push("gap"),
    poll: () => seen.push("poll"),
    closed: ({ code }) => seen.push(code),
  };
  return { each, seen };
}

describe("the feed reader", () => {
  it("hands each event to those who listen to its run, and to nobody else", async () => {
    const { store, feed } = setUp();
    const [a, b] = [listener(), listener()];
    await feed.listen("a", a.each).ready;
    await feed.listen("b", b.each).ready;
    for (let i = 0; i < 5; i++) store.append("a");
    store.append("b", "run.ended");
    await vi.waitFor(() => expect(b.seen).toEqual(["b run.ended"]));
    expect(a.seen).toEqual(Array(5).fill("a steps"));
    feed.close();
  });

  it("hands every event to those who listen to all runs, and rests when they have gone", async () => {
    const { store, feed } = setUp({ pollMs: 1 });
    const [all, a] = [listener(), listener()];
    const everywhere = feed.listenAll(all.each);
    const one = feed.listen("a", a.each);
    await everywhere.ready;
    store.append("a");
    store.append("b");
    const told = ({ seen }: { seen: string[] }) => seen.filter((each) => each !== "poll");
    await vi.waitFor(() => expect(told(all)).toEqual(["a steps", "b steps"]));
    await vi.waitFor(() => expect(all.seen).toContain("poll"));
    expect(told(a)).toEqual(["a steps"]);
    one.close();
    store.append("c");
    await vi.waitFor(() => expect(told(all)).toHaveLength(3));
    everywhere.close();
    const { readEvents } = store.calls;
    store.append("d");
    await new Promise(setImmediate);
    expect([store.calls.readEvents, told(all).length]).toEqual([readEvents, 3]);
    feed.close();
    expect(() => feed.listenAll(all.each)).toThrow(expect.objectContaining({ code: "store-closed" }));
  });

  it("misses nothing that happens once it is ready, and tells nothing from before", async () => {
    const { store, feed } = setUp();
    store.append("a");
    const a = listener();
    const { ready } = feed.listen("a", a.each);
    await ready;
    store.append("a", "run.ended");
    await vi.waitFor(() => expect(a.seen).toEqual(["a run.ended"]));
    feed.close();
  });

  it("tells everybody of a gap", async () => {
    const { store, feed } = setUp();
    const [a, b] = [listener(), listener()];
    await feed.listen("a", a.each).ready;
    await feed.listen("b", b.each).ready;
    await vi.waitFor(() => expect(store.calls.awaitEvents).toBe(1));
    for (let i = 0; i < 4; i++) store.append("c");
    store.trim();
    await vi.waitFor(() => expect([a.seen, b.seen]).toEqual([["gap"], ["gap"]]));
    feed.close();
  });

  it("goes on after an error of the store, and says that events may have been missed", async () => {
    const { store, feed } = setUp();
    const a = listener();
    await feed.listen("a", a.each).ready;
    store.fail(new Error("disk on fire"));
    await vi.waitFor(() => expect(a.seen).toEqual(["gap"]));
    store.append("a");
    await vi.waitFor(() => expect(a.seen).toEqual(["gap", "a steps"]));
    feed.close();
  });

  it("rests when events come in floods, and not for a few or where there are more to read", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const { store, feed } = setUp({ page: 2_000, flood: 40, floodMs: 100 });
    const a = listener();
    await feed.listen("a", a.each).ready;
    /** Lets so many milliseconds pass; answers how often the store was read by then, and what was told. */
    const after = async (ms: number) => {
      await vi.advanceTimersByTimeAsync(ms);
      return [store.calls.readEvents, a.seen.length];
    };
    const append = (count: number) => {
      for (let i = 0; i < count; i++) store.append("a");
    };
    expect(await after(0)).toEqual([1, 0]);
    append(39);
    expect(await after(0)).toEqual([2, 39]);
    append(40);
    expect(await after(0)).toEqual([3, 79]);
    append(1);
    expect(await after(99)).toEqual([3, 79]);
    expect(await after(1)).toEqual([4, 80]);
    append(2_041);
    expect(await after(0)).toEqual([6, 2_121]);
    // What is told meanwhile is read in one go.
    for (let n = 0; n < 30; n++) {
      append(1);
      await after(3);
    }
    expect(await after(10)).toEqual([7, 2_151]);
    feed.close();
    expect(vi.getTimerCount()).toBe(0);
    vi.useRealTimers();
  });

  it("rests longer the longer events keep coming, until they pause or somebody comes", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
    const { store, feed } = setUp({ page: 2_000, flood: 40, floodMs: 100, lateness: 0.05, quietMs: 50 });
    await feed.listen("a", listener().each).ready;
    /** Has an event come each ms for some time; answers how often the store was read for that. */
    const readsIn = async (ms: number) => {
      const before = store.calls.readEvents;
      for (let passed = 0; passed < ms; passed++) {
        store.append("a");
        await vi.advanceTimersByTimeAsync(1);
      }
      return store.calls.readEvents - before;
    };
    await vi.advanceTimersByTimeAsync(0);
    expect(await readsIn(19)).toBe(19);
    expect(await readsIn(380)).toBeLessThan(80);
    expect(await readsIn(100)).toBeLessThan(6);
    await vi.advanceTimersByTimeAsync(150);
    expect(await readsIn(19)).toBe(19);
    await readsIn(380);
    await feed.listen("b", listener().each).ready;
    await vi.advanceTimersByTimeAsync(25);
    expect(await readsIn(15)).toBeGreaterThan(12);
    feed.close();
    vi.useRealTimers();
  });

  it("polls some runs at a time, all of them in turn", async () => {
    const { feed } = setUp({ pollMs: 1, pollRuns: 2 });
    const all = ["a", "b", "c"].map((run) => {
      const one = listener();
      feed.listen(run, one.each);
      return one;
    });
    await vi.waitFor(() =>
      expect(all.map(({ seen }) => seen.length)).toEqual([1, 1, 1].map(() => expect.any(Number))),
    );
    await vi.waitFor(() => expect(all.every(({ seen }) => seen.includes("poll"))).toBe(true));
    feed.close();
  });

  it("reads nothing while nobody listens, and one reading serves all who do", async () => {
    const { store, feed } = setUp();
    expect(store.calls).toEqual({ lastEvent: 0, readEvents: 0, awaitEvents: 0 });
    const subscriptions = Array.from({ length: 1000 }, (_, i) => feed.listen(`run ${i}`, listener().each));
    await Promise.all(subscriptions.map(({ ready }) => ready));
    await vi.waitFor(() => expect(store.calls).toEqual({ lastEvent: 1, readEvents: 1, awaitEvents: 1 }));
    store.append("run 7");
    await vi.waitFor(() => expect(store.calls).toEqual({ lastEvent: 1, readEvents: 2, awaitEvents: 2 }));
    for (const each of subscriptions) each.close();
    store.append("run 7");
    await new Promise(setImmediate);
    expect(store.calls).toEqual({ lastEvent: 1, readEvents: 2, awaitEvents: 2 });
  });

  it("tells its listeners when it is closed, and takes no more", async () => {
    const { feed } = setUp();
    const a = listener();
    feed.listen("a", a.each);
    feed.close();
    expect(a.seen).toEqual(["store-closed"]);
    expect(() => feed.listen("a", a.each)).toThrow(expect.objectContaining({ code: "store-closed" }));
  });
});
