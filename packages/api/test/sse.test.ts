import { describe, expect, it } from "vitest";
import { eventStream, lastEventId, type Sink } from "../src/sse.js";

const turns = async (count = 20) => {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve));
};
const limits = { heartbeatMs: 60_000, streamBytes: 1_000 };
const message = { id: 7, event: "steps", data: JSON.stringify("x".repeat(80)) };

function open(source: (sink: Sink) => Promise<void>, parts: Partial<typeof limits> = {}) {
  const closing = new AbortController();
  let drops = 0;
  const answer = eventStream({ ...limits, ...parts }, closing.signal, () => drops++, source);
  const reader = (answer.body as ReadableStream<Uint8Array>).getReader();
  return { reader, closing, drops: () => drops };
}

describe("a stream of events", () => {
  it("has its source wait while its client does not read", async () => {
    let written = 0;
    const { reader } = open(async ({ write }) => {
      for (; written < 10_000; written++) await write(message);
    });
    await turns();
    expect(written).toBeLessThan(15);
    for (let i = 0; i < 50; i++) await reader.read();
    await turns();
    expect(written).toBeGreaterThan(50);
    expect(written).toBeLessThan(70);
    await reader.cancel();
  });

  it("tells its source when the client has gone", async () => {
    let reason: unknown;
    const { reader, drops } = open(async ({ write, signal }) => {
      await write(message).catch(() => undefined);
      while (!signal.aborted) await turns(1);
      reason = await write(message).catch((error: unknown) => error);
    });
    await reader.read();
    await reader.cancel();
    await turns();
    expect([(reason as Error).name, drops()]).toEqual(["AbortError", 0]);
  });

  it("cuts off who has taken nothing for some heartbeats, and no other", async () => {
    const endless = async ({ write }: Sink) => {
      for (;;) await write(message);
    };
    const [idle, busy] = [open(endless, { heartbeatMs: 15 }), open(endless, { heartbeatMs: 15 })];
    for (let i = 0; i < 100_000 && idle.drops() === 0; i++) {
      await busy.reader.read();
      await turns(1);
    }
    await expect(idle.reader.read()).rejects.toThrow("does not read");
    expect([idle.drops(), busy.drops()]).toEqual([1, 0]);
    await busy.reader.cancel();
  });

  it("ends with its source, with an error of it, and when the server stops", async () => {
    const ended = open(async ({ write }) => write(message));
    const text = new TextDecoder().decode((await ended.reader.read()).value);
    expect(text).toBe(`id: 7\nevent: steps\ndata: ${message.data}\n\n`);
    expect((await ended.reader.read()).done).toBe(true);
    const failed = open(() => Promise.reject(new Error("no")));
    await expect(failed.reader.read()).rejects.toThrow("no");
    const stopped = open(() => new Promise(() => {}));
    stopped.closing.abort();
    expect((await stopped.reader.read()).done).toBe(true);
  });
});

describe("Last-Event-ID", () => {
  it("is a place in the feed, none where there is none, and NaN for what is no place", () => {
    expect(["7", "0", "", "-1", "1e3", "x", undefined, "9".repeat(16)].map(lastEventId)).toEqual([
      ...[7, 0, undefined, Number.NaN, Number.NaN, Number.NaN, undefined, Number.NaN],
    ]);
  });
});
