import type { EventRecord } from "@jobbers/core";
import { describe, expect, it, onTestFinished } from "vitest";
import { type Following, follow, hasMore } from "../src/follow.js";
import type { Feed, FeedListener } from "../src/index.js";

/** A feed whose log and whose news are both in the test's hands. */
function setUp(parts: Partial<Following> = {}) {
  const log: EventRecord[] = [];
  const told: (number | string)[] = [];
  const stopping = new AbortController();
  let first = 1;
  let listener!: FeedListener;
  /** From where on the log was read, call by call. */
  const reads: number[] = [];
  const subscribe = (_run: unknown, given = _run) => {
    listener = given as FeedListener;
    return { ready: Promise.resolve(), close: () => void told.push("closed") };
  };
  const store: Following["store"] = {
    async lastEvent() {
      return log.at(-1)?.cursor ?? 0;
    },
    async readEvents(after, limit) {
      reads.push(after);
      const events = log.filter(({ cursor }) => cursor > after && cursor >= first).slice(0, limit);
      return { events, cursor: events.at(-1)?.cursor ?? after, gap: after > 0 && first > after + 1 };
    },
  };
  const done = follow({
    store,
    feed: { listen: subscribe, listenAll: subscribe, close() {} } as unknown as Feed,
    after: undefined,
    signal: stopping.signal,
    begin: async () => log.at(-1)?.cursor ?? 0,
    event: async ({ cursor }) => void told.push(cursor) as undefined,
    gap: async () => void told.push("gap") as undefined,
    poll: async () => undefined,
    ...parts,
  });
  onTestFinished(() => stopping.abort());
  return {
    ...{ log, told, done, store, stopping },
    reads,
    listener: () => listener,
    /** Writes events to the log, and tells of those that are not kept back. */
    append(count: number, isTold = true, run = "R") {
      for (let i = 0; i < count; i++) {
        const event: EventRecord = {
          cursor: (log.at(-1)?.cursor ?? 0) + 1,
          atMs: 0,
          run,
          type: "steps",
        };
        log.push(event);
        if (isTold) listener.event(event);
      }
    },
    trim(upTo: number) {
      first = upTo + 1;
    },
  };
}

const turns = async (count = 20) => {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve));
};
const numbers = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);

describe("following", () => {
  it("hands on what comes in, without reading it again", async () => {
    const { append, told, reads } = setUp();
    await turns();
    append(3);
    await turns();
    append(2);
    await turns();
    expect([told, reads]).toEqual([numbers(1, 5), []]);
  });

  it("tells once what comes in while it is being read from the log", async () => {
    let append = (_count: number) => {};
    const told: number[] = [];
    const bench = setUp({
      after: 2,
      async event({ cursor }) {
        told.push(cursor);
        if (cursor === 4) append(3);
        return undefined;
      },
    });
    append = bench.append;
    bench.append(6, false);
    await turns();
    bench.append(1);
    await turns();
    expect(told).toEqual(numbers(3, 10));
  });

  it("reads what the feed's reader has missed, from the last one that was told", async () => {
    const { append, told, listener } = setUp();
    await turns();
    append(2);
    await turns();
    append(3, false);
    listener().gap();
    append(1);
    await turns();
    expect(told).toEqual(numbers(1, 6));
  });

  it("keeps no more than a thousand for who is slow, and then reads the rest", async () => {
    let goOn = () => {};
    const told: number[] = [];
    const slow = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    const { append, reads } = setUp({
      async event({ cursor }) {
        told.push(cursor);
        await slow;
        return undefined;
      },
    });
    await turns();
    append(1);
    await turns();
    append(5_000);
    goOn();
    await turns(200);
    expect(told).toEqual(numbers(1, 5_001));
    expect(reads.length).toBeGreaterThan(5);
  });

  it("reads from the place of the feed's reader on, of a run that was quiet for long", async () => {
    const { append, told, reads, listener } = setUp({ run: "R" });
    await turns();
    append(2);
    await turns();
    append(9_000, false, "other");
    listener().poll(9_002);
    await turns();
    append(1, false);
    listener().gap();
    await turns();
    expect([told, reads]).toEqual([[1, 2, 9_003], [9_002]]);
    // Where the reader itself has lost its place, there is no other than the run's last event.
    append(1_200, false, "other");
    listener().poll(undefined);
    await turns();
    listener().gap();
    await turns();
    expect(reads).toEqual([9_002, 9_003, 9_503, 10_003]);
  });

  it("does not take the reader's place for its own before it has had all that was handed over", async () => {
    let goOn = () => {};
    const told: number[] = [];
    const slow = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    const { append, reads, listener } = setUp({
      run: "R",
      async event({ cursor }) {
        told.push(cursor);
        await slow;
        return undefined;
      },
    });
    await turns();
    append(1);
    await turns();
    append(3, false);
    listener().poll(4);
    listener().gap();
    goOn();
    await turns();
    expect([told, reads]).toEqual([[1, 2, 3, 4], [1]]);
  });

  it("tells of a gap where the log was trimmed, and goes on with what is left, or where it is told to", async () => {
    const left = setUp({ after: 2 });
    left.append(9, false);
    left.trim(5);
    await turns();
    expect(left.told).toEqual(["gap", ...numbers(6, 9)]);
    const led = setUp({ after: 2, gap: async () => 8 });
    led.append(9, false);
    led.trim(5);
    await turns();
    expect(led.told).toEqual([9]);
  });

  it("takes a place beyond the end for a gap", async () => {
    const { append, told } = setUp({ after: 50 });
    append(3, false);
    await turns();
    append(2);
    await turns();
    expect(told).toEqual(["gap", 4, 5]);
  });

  it("looks through a part of the feed only for the events of one run", async () => {
    const { append, told, store } = setUp({ after: 1, run: "other", gap: async () => 30_000 });
    append(30_000, false);
    await turns(300);
    expect(told).toEqual([]);
    expect(await hasMore(store, "other", 1)).toBe(true);
    expect(await hasMore(store, "other", 29_000)).toBe(false);
    expect(await hasMore(store, "R", 29_000)).toBe(true);
    expect(await hasMore(store, "R", 30_000)).toBe(false);
  });

  it("ends with its signal, with an answer, or with an error, and leaves nothing behind", async () => {
    const stopped = setUp();
    await turns();
    stopped.stopping.abort();
    await stopped.done;
    const answered = setUp({ event: async () => "end" });
    await turns();
    answered.append(3);
    await answered.done;
    const failed = setUp({ event: () => Promise.reject(new Error("no")) });
    await turns();
    failed.append(1);
    await expect(failed.done).rejects.toThrow("no");
    for (const { told } of [stopped, answered, failed]) expect(told).toEqual(["closed"]);
  });
});
