import { isRunEvent, type Store } from "@jobbers/core";
import { createFakeClock } from "@jobbers/testing";
import fc from "fast-check";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import type { RunDetail } from "../src/index.js";
import { apiOver, problemIn, register, type TestApi, work } from "./bench.js";
import { onEachStore, openMemory } from "./each-store.js";
import { readAll, readEvents, type Seen } from "./event-reader.js";

const resume = (id: string | undefined) => (id === undefined ? {} : { "last-event-id": id });

onEachStore("the events of a run", (open) => {
  it("begin with a snapshot and end with its end", async () => {
    const store = await open();
    await register(store);
    const api = apiOver(store);
    const id = await api.submit({ dag: "chain", input: { n: 1 } });
    const stream = await api.get(`/v1/runs/${id}/events`);
    expect([stream.status, stream.headers.get("content-type")]).toEqual([200, "text/event-stream"]);
    await work(store);
    const seen = await readAll(stream);
    expect(seen[0]).toMatchObject({
      event: "snapshot",
      data: { run: { id, state: "running", input: { n: 1 } } },
    });
    expect(seen.at(-1)).toMatchObject({
      event: "run.ended",
      data: { run: id, detail: { state: "succeeded" } },
    });
    expect(seen.every(({ data, event }) => data.type === event)).toBe(true);
    const places = seen.map(({ id }) => Number(id));
    expect(places).toEqual([...places].sort((a, b) => a - b));
    const back = await api.get(`/v1/runs/${id}/events`, resume(seen.at(-1)?.id));
    expect([back.status, back.body]).toEqual([204, null]);
  });

  it("of one that has ended are a snapshot and the end, and then nothing", async () => {
    const store = await open();
    await work(store);
    const api = apiOver(store);
    const id = await api.submit({ task: "double", input: { n: 1 } });
    await api.result(id);
    const seen = await readAll(await api.get(`/v1/runs/${id}/events`));
    expect(seen.map(({ event }) => event)).toEqual(["snapshot", "run.ended"]);
    expect(seen[0]?.data.run).toEqual(await (await api.get(`/v1/runs/${id}`)).json());
    expect((await api.get(`/v1/runs/${id}/events`, resume(seen[1]?.id))).status).toBe(204);
  });

  it("go on behind the last one that was seen, however often the client is cut off", async () => {
    const store = await open();
    await work(store);
    const api = apiOver(store);
    const input = { list: Array.from({ length: 40 }, (_, n) => n) };
    const id = await api.submit({ dag: "wide", input });
    await api.result(id);
    const all = (await store.readEvents(0, 10_000)).events
      .filter((event) => isRunEvent(event) && event.run === id)
      .map(({ cursor }) => String(cursor));
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 6 }), { maxLength: 12 }),
        fc.nat(all.length - 1),
        async (cuts, from) => {
          let last = all[from];
          const seen: Seen[] = [];
          // A client that takes some events and is cut off, then some more …, and at last all that are left.
          for (const cut of [...cuts, Number.POSITIVE_INFINITY]) {
            const answer = await api.get(`/v1/runs/${id}/events`, resume(last));
            if (answer.status === 204) break;
            let taken = 0;
            for await (const event of readEvents(answer)) {
              seen.push(event);
              last = event.id ?? last;
              if (++taken >= cut) break;
            }
          }
          expect(seen.map((event) => event.id)).toEqual(all.slice(from + 1));
        },
      ),
      { numRuns: 15 },
    );
  });

  it("are a gap and a new snapshot where the feed was trimmed", async () => {
    const store = await open({ eventsKept: 10 });
    await register(store);
    const api = apiOver(store);
    const id = await api.submit({ dag: "chain", input: { n: 1 } });
    const [, first] = [id, (await store.readEvents(0, 1)).events[0]?.cursor as number];
    await fillFeed(api, first);
    const stream = await api.get(`/v1/runs/${id}/events`, resume(String(first)));
    const reader = readEvents(stream);
    expect((await reader.next()).value).toMatchObject({ event: "gap" });
    expect((await reader.next()).value).toMatchObject({ event: "snapshot", data: { run: { id } } });
    await reader.return();
  });
});

/** Submits and cancels runs until the feed has forgotten what comes right behind a place. */
async function fillFeed(api: TestApi, after: number): Promise<void> {
  for (let i = 0; i < 100 && !(await api.store.readEvents(after, 1)).gap; i++) {
    const ids = await Promise.all(
      Array.from({ length: 100 }, (_, n) => api.submit({ task: "double", input: { n } })),
    );
    await Promise.all(ids.map((id) => api.store.cancel(id)));
  }
}

onEachStore("all events", (open) => {
  it("are told from now on, or behind the last one that was seen, filtered", async () => {
    const store = await open();
    await register(store);
    const api = apiOver(store);
    const before = await api.submit({ dag: "chain", input: { n: 1 } });
    const [all, ofOne, ofDag, ends] = await Promise.all([
      ...["", `?run=${before}`, "?dag=chain", "?type=run.ended"].map((query) => listen(api, query)),
    ]);
    const task = await api.submit({ task: "double", input: { n: 1 } });
    const dag = await api.submit({ dag: "chain", input: { n: 1 } });
    for (const id of [before, task, dag]) await store.cancel(id);
    const until = (name: string | undefined, count: number) => (events: Seen[]) =>
      events.filter(({ event }) => event === name).length === count;
    const of = (events: Seen[]) =>
      events.filter(({ event }) => event.startsWith("run.")).map(({ event, data }) => [event, data.run]);
    expect(of(await all!(until("run.ended", 3)))).toEqual([
      ["run.created", task],
      ["run.created", dag],
      ...[before, task, dag].map((id) => ["run.ended", id]),
    ]);
    expect(of(await ofOne!(until("run.ended", 1)))).toEqual([["run.ended", before]]);
    expect(of(await ofDag!(until("run.ended", 2)))).toEqual([
      ["run.created", dag],
      ["run.ended", before],
      ["run.ended", dag],
    ]);
    const ended = await ends!(until("run.ended", 3));
    expect(ended.map(({ event }) => event)).toEqual(["start", "run.ended", "run.ended", "run.ended"]);
    const again = await listen(api, "", resume(ended[1]?.id));
    expect(of(await again(until("run.ended", 2))).map(([, id]) => id)).toEqual([task, dag]);
  });

  it("tell of workers, unless a run or a dag is asked for", async () => {
    const store = await open();
    await register(store);
    const api = apiOver(store);
    const [all, starts, ofDag] = await Promise.all(
      ["", "?type=worker.started", "?dag=chain"].map((query) => listen(api, query)),
    );
    const { id: session } = await store.openSession({
      ...{ worker: "w1", host: "h", pid: 1, leaseMs: 60_000, serves: [], queues: [], registers: [] },
    });
    const start = { lostSessions: 1, returned: 2, quarantined: 0, overdue: 3, waiting: 4 };
    await store.announce(session, start);
    const run = await api.submit({ dag: "chain", input: { n: 1 } });
    const told = {
      type: "worker.started",
      worker: "w1",
      at: expect.any(String),
      detail: { session, ...start },
    };
    expect((await starts!((events) => events.length === 2))[1]).toMatchObject({
      event: "worker.started",
      data: told,
    });
    const both = await all!((events) => events.length === 3);
    expect(both.map(({ event }) => event)).toEqual(["start", "worker.started", "run.created"]);
    expect((await ofDag!((events) => events.length === 2))[1]).toMatchObject({ data: { run } });
  });

  it("tell of queues that nobody serves", async () => {
    const clock = createFakeClock();
    const store = await open({ clock: clock.now });
    await register(store);
    const api = apiOver(store);
    const ofQueues = await listen(api, "?type=queue.orphaned,queue.served");
    await api.submit({ dag: "chain", input: { n: 1 } });
    await store.watchQueues();
    clock.advance(60_000);
    await store.watchQueues();
    const [, told] = await ofQueues((events) => events.length === 2);
    expect(told).toMatchObject({
      event: "queue.orphaned",
      data: { type: "queue.orphaned", queue: "default", at: expect.any(String) },
    });
    expect(told?.data.detail).toEqual({ ready: 1, workers: 0, forMs: 60_000 });
  });

  it("are missed by nobody who is cut off while they come in", async () => {
    const store = await open();
    await work(store);
    const api = apiOver(store);
    let last: string | undefined = String(await store.lastEvent());
    const seen: string[] = [];
    let left = 60;
    const submitting = (async () => {
      for (let n = 0; n < 30; n++) await api.submit({ task: "double", input: { n } });
    })();
    for (let round = 0; left > 0 && round < 500; round++) {
      const wanted = 1 + ((round * 7) % 5);
      let taken = 0;
      for await (const event of readEvents(
        await api.get("/v1/events?type=run.created,run.ended", resume(last)),
      )) {
        last = event.id ?? last;
        seen.push(event.id as string);
        left--;
        if (++taken === wanted || left === 0) break;
      }
    }
    await submitting;
    const told = (await store.readEvents(0, 10_000)).events.filter(({ type }) => type.startsWith("run."));
    expect(seen).toEqual(told.map(({ cursor }) => String(cursor)));
  });

  it("have a gap where some are gone, and then go on", async () => {
    const store = await open({ eventsKept: 10 });
    await register(store);
    const api = apiOver(store);
    await api.submit({ task: "double", input: { n: 0 } });
    await fillFeed(api, 1);
    const reader = readEvents(await api.get("/v1/events", resume("1")));
    expect((await reader.next()).value).toMatchObject({ event: "gap" });
    expect((await reader.next()).value).toMatchObject({ event: expect.stringMatching(/^(run|step)/) });
    await reader.return();
    // A place beyond the end is one of another store.
    const beyond = readEvents(await api.get("/v1/events", resume("999999999")));
    expect((await beyond.next()).value).toMatchObject({ event: "gap" });
    const id = await api.submit({ task: "double", input: { n: 0 } });
    expect((await beyond.next()).value).toMatchObject({ event: "run.created", data: { run: id } });
    await beyond.return();
    // Nor is any text that was never an id.
    for (const nonsense of ["zzz", "-1", "1e3"]) {
      const lost = readEvents(await api.get("/v1/events", resume(nonsense)));
      const told = [(await lost.next()).value, (await lost.next()).value];
      expect(told).toMatchObject([{ event: "gap" }, { event: "start" }]);
      await lost.return();
    }
  });
});

/** Opens a stream; answers a function that reads until there is enough. */
async function listen(api: TestApi, query: string, headers: Record<string, string> = {}) {
  const reader = readEvents(await api.get(`/v1/events${query}`, headers));
  const seen: Seen[] = [];
  if (headers["last-event-id"] === undefined) seen.push((await reader.next()).value as Seen);
  return async (isEnough: (events: Seen[]) => boolean): Promise<Seen[]> => {
    while (!isEnough(seen)) {
      const { value } = await reader.next();
      seen.push(value as Seen);
    }
    await reader.return();
    return seen;
  };
}

/** A store that counts who waits for its feed. */
function watched(store: Store) {
  let waiting = 0;
  let reads = 0;
  const proxy = new Proxy(store, {
    get(target, key) {
      if (key === "readEvents") reads++;
      if (key !== "awaitEvents") return Reflect.get(target, key, target);
      return async (...args: Parameters<Store["awaitEvents"]>) => {
        waiting++;
        await target.awaitEvents(...args).finally(() => waiting--);
      };
    },
  });
  return { store: proxy, waiting: () => waiting, reads: () => reads };
}

const turns = async (count = 50) => {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve));
};

describe("streams", () => {
  it("share one reader of the feed, which rests when the last client has gone", async () => {
    const { store, waiting } = watched(await openMemory());
    await register(store);
    const api = apiOver(store);
    const id = await api.submit({ dag: "chain", input: { n: 1 } });
    const paths = ["/v1/events", `/v1/runs/${id}/events`, "/v1/events", `/v1/runs/${id}/events`];
    const readers = await Promise.all(paths.map(async (path) => readEvents(await api.get(path))));
    for (const reader of readers) await reader.next();
    await turns();
    expect(waiting()).toBe(1);
    for (const reader of readers) await reader.return();
    await turns();
    expect(waiting()).toBe(0);
  });

  it("end when the API is closed", async () => {
    const store = await openMemory();
    await register(store);
    const api = apiOver(store);
    const id = await api.submit({ dag: "chain", input: { n: 1 } });
    const streams = await Promise.all(["/v1/events", `/v1/runs/${id}/events`].map((path) => api.get(path)));
    const result = api.get(`/v1/runs/${id}/result?wait=60s`);
    const reading = Promise.all(streams.map(readAll));
    await turns();
    await api.close();
    expect((await reading).map((all) => all.length)).toEqual([1, 1]);
    expect((await result).status).toBe(202);
    expect((await store.getRun(id))?.state).toBe("running");
  });

  it("keep little for a client that does not read, cut it off, and let it come back for the rest", async () => {
    const { store, waiting } = watched(await openMemory());
    await register(store);
    const limits = { streamBytes: 2_000, heartbeatMs: 20 };
    let dropped = 0;
    const api = apiOver(store, { limits });
    const env = { outgoing: { destroy: () => void dropped++ } };
    const stream = await api.fetch(new Request("http://localhost/v1/events"), env);
    const reader = (stream.body as ReadableStream<Uint8Array>).getReader();
    const first = new TextDecoder().decode((await reader.read()).value);
    const place = /^id: (\d+)/.exec(first)?.[1];
    for (let n = 0; n < 300; n++) await api.submit({ task: "double", input: { n } });
    await untilTrue(() => dropped > 0);
    await expect(reader.read()).rejects.toThrow("does not read");
    await untilTrue(() => waiting() === 0);
    const back = readEvents(await api.get("/v1/events?type=run.created", resume(place)));
    let count = 0;
    for await (const _event of back) if (++count === 300) break;
    expect(count).toBe(300);
  });

  it("are kept alive by comments", async () => {
    const api = apiOver(await openMemory(), { limits: { heartbeatMs: 10 } });
    const stream = await api.get("/v1/events");
    const reader = (stream.body as ReadableStream<Uint8Array>).getReader();
    await reader.read();
    expect(new TextDecoder().decode((await reader.read()).value)).toBe(":\n\n");
    await reader.cancel();
  });

  it("of runs that are not there are none", async () => {
    const api = apiOver(await openMemory());
    expect(await problemIn(await api.get("/v1/runs/01ARZ3NDEKTSV4RRFFQ69G5FAV/events"))).toMatchObject({
      status: 404,
    });
  });

  it("go on over a store that is away for a while, and miss nothing", async () => {
    const real = await openMemory();
    await register(real);
    let isAway = false;
    const busy = () => Promise.reject(Object.assign(new Error("away"), { code: "store-busy" }));
    const store = new Proxy(real, {
      get(target, key) {
        const isFeed = key === "readEvents" || key === "lastEvent" || key === "awaitEvents";
        return isAway && isFeed ? busy : Reflect.get(target, key, target);
      },
    });
    const api = apiOver(store);
    const id = await api.submit({ dag: "chain", input: { n: 1 } });
    const reader = readEvents(await api.get(`/v1/runs/${id}/events`));
    expect(((await reader.next()).value as Seen).data.run as RunDetail).toMatchObject({ state: "running" });
    await turns();
    isAway = true;
    await real.cancel(id);
    await turns();
    isAway = false;
    const rest: Seen[] = [];
    for await (const event of reader) rest.push(event);
    expect(rest.at(-1)).toMatchObject({ event: "run.ended" });
    expect(rest.filter(({ event }) => event === "gap")).toEqual([]);
  });
});

async function untilTrue(isTrue: () => boolean): Promise<void> {
  for (let i = 0; i < 100_000 && !isTrue(); i++) await new Promise((resolve) => setImmediate(resolve));
  expect(isTrue()).toBe(true);
}

describe("many streams", () => {
  it("are no leak that Node.js would warn of", async () => {
    const warn = vi.spyOn(process, "emitWarning").mockReturnValue(undefined);
    onTestFinished(() => warn.mockRestore());
    const api = apiOver(await openMemory());
    const streams = await Promise.all(Array.from({ length: 20 }, () => api.get("/v1/events")));
    await Promise.all(streams.map(({ body }) => body?.cancel()));
    expect(warn).not.toHaveBeenCalled();
  });
});
