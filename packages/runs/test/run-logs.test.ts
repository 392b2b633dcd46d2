import { JobbersError, type LogPage, type RunEventRecord, type RunRecord } from "@jobbers/core";
import { describe, expect, it } from "vitest";
import { type Feed, type FeedListener, type LogReading, logPagesOf } from "../src/index.js";

const RUN = "01ARZ3NDEKTSV4RRFFQ69G5FAV";

const turn = () => new Promise<undefined>((resolve) => setImmediate(() => resolve(undefined)));

/** A run whose log, state and feed a test writes by hand. */
function stage() {
  const messages: string[] = [];
  let state: RunRecord["state"] = "running";
  let listener: FeedListener<RunEventRecord> | undefined;
  let failures = 0;
  const feed: Feed = {
    listen(_run, given) {
      listener = given;
      return {
        ready: Promise.resolve(),
        close: () => {
          listener = undefined;
        },
      };
    },
    listenAll: () => ({ ready: Promise.resolve(), close: () => {} }),
    close: () => {},
  };
  const store = {
    async readLogs(_run: string, { after = "0" }: { after?: string | undefined }): Promise<LogPage> {
      if (failures-- > 0) throw new JobbersError("store-busy", "in a moment");
      const from = Number(after);
      const lines = messages.slice(from, from + 2).map((message, i) => {
        return { step: "a", attempt: 1, number: from + i + 1, level: "info", message, atMs: 0 } as const;
      });
      const end = from + lines.length;
      return { lines, next: `${end}`, more: end < messages.length, dropped: 0 };
    },
  };
  const read = async () => ({ state }) as RunRecord;
  const tell = (type: RunEventRecord["type"], step?: string) =>
    listener?.event({ type, step, run: RUN, cursor: 1, atMs: 0 });
  return {
    log: (...some: string[]) => void messages.push(...some),
    tell,
    end: () => {
      state = "succeeded";
    },
    fail: (times: number) => {
      failures = times;
    },
    poll: () => listener?.poll(undefined),
    isListening: () => listener !== undefined,
    pages: (reading: LogReading) => logPagesOf({ id: RUN, store, feed, read }, reading),
  };
}

const messagesOf = (page: IteratorResult<LogPage, unknown>) =>
  page.done ? "over" : (page.value as LogPage).lines.map(({ message }) => message).join();

describe("following a log", () => {
  it("reads what there is, then on when lines are told of, and ends with the run", async () => {
    const at = stage();
    at.log("1", "2", "3");
    const pages = at.pages({ follow: true, address: "a" });
    expect(messagesOf(await pages.next())).toBe("1,2");
    expect(messagesOf(await pages.next())).toBe("3");
    let next = pages.next();
    at.log("4");
    await turn();
    // Of another step: no reason to look.
    at.tell("step.logged", "b");
    expect(await Promise.race([next.then(messagesOf), turn()])).toBeUndefined();
    at.tell("step.logged", "a");
    expect(messagesOf(await next)).toBe("4");
    at.fail(1);
    next = pages.next();
    await turn();
    at.log("5");
    at.end();
    at.tell("step.logged", "a");
    await turn();
    // The store was busy at that moment.
    at.poll();
    expect(messagesOf(await next)).toBe("5");
    expect(messagesOf(await pages.next())).toBe("over");
    expect(at.isListening()).toBe(false);
  });

  it("is over at once where the run has ended, or nobody follows", async () => {
    const at = stage();
    at.log("1");
    for (const follow of [false, true]) {
      const pages = at.pages({ follow });
      expect(messagesOf(await pages.next())).toBe("1");
      at.end();
      if (follow) at.tell("run.ended");
      expect(messagesOf(await pages.next())).toBe("over");
    }
  });

  it("ends with its signal", async () => {
    const at = stage();
    const leaving = new AbortController();
    const pages = at.pages({ follow: true, signal: leaving.signal });
    const next = pages.next();
    leaving.abort(new Error("enough"));
    await expect(next).rejects.toThrow("enough");
    expect(at.isListening()).toBe(false);
  });
});
