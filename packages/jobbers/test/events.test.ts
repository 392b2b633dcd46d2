import { dag, task } from "@jobbers/core";
import { createFeed, type FeedEvent } from "@jobbers/runs";
import { expect, it, onTestFinished } from "vitest";
import { z } from "zod";
import { createJobbers, type EventsOptions } from "../src/jobbers.js";
import { onBothStores } from "./both-stores.js";

const double = task({ name: "double", input: z.object({ n: z.number() }), run: async ({ n }) => n * 2 });
const pair = dag("pair", { input: z.object({ n: z.number() }) }, ({ n }) => double({ n }));

onBothStores((open) => {
  const connected = async (eventsKept?: number) => {
    const store = await open(undefined, eventsKept === undefined ? {} : { eventsKept });
    const jobbers = createJobbers({ store, feed: createFeed(store) });
    onTestFinished(() => jobbers.close());
    return jobbers;
  };

  /** Reads events; as nobody says when a reader has begun, runs are submitted until it has been told of one. */
  const reading = async (jobbers: Awaited<ReturnType<typeof connected>>, options: EventsOptions = {}) => {
    const events = jobbers.events(options)[Symbol.asyncIterator]();
    let isTold = false;
    const first = events.next().finally(() => {
      isTold = true;
    });
    for (let n = 0; !isTold && n < 10_000; n++) await jobbers.submit(pair, { n });
    return { events, first: (await first).value as FeedEvent };
  };
  const numbers = (count: number) => Array.from({ length: count }, (_, n) => ({ input: { n } }));

  it("tells what happens to all runs, of the types and the dag that are asked for", async () => {
    const jobbers = await connected();
    const { events } = await reading(jobbers, { types: ["run.created", "run.ended"], dag: "pair" });
    await jobbers.submit(double, { n: 1 });
    const run = await jobbers.submit(pair, { n: 1 });
    await jobbers.worker({ workflows: [pair, double] }).start();
    const told: FeedEvent[] = [];
    while (!told.some((event) => event.type === "run.ended" && event.run === run.id))
      told.push((await events.next()).value as FeedEvent);
    expect(new Set(told.map(({ type }) => type))).toEqual(new Set(["run.created", "run.ended"]));
    expect(told.find((event) => event.type === "run.created" && event.run === run.id)).toBeDefined();
    const last = { type: "run.ended", run: run.id, atMs: expect.any(Number) };
    expect(told.at(-1)).toMatchObject({ ...last, detail: { state: "succeeded" } });
    expect(told.at(-1)).not.toHaveProperty("cursor");
    const names = await Promise.all(
      told.map(async (event) => ("run" in event ? (await jobbers.run(event.run).status()).name : "")),
    );
    expect(new Set(names)).toEqual(new Set(["pair"]));
    expect(await events.return?.()).toMatchObject({ done: true });
  });

  it("keeps to one run", async () => {
    const jobbers = await connected();
    const run = await jobbers.submit(pair, { n: 1 });
    const told: FeedEvent[] = [];
    const ended = (async () => {
      for await (const event of jobbers.events({ run: run.id })) {
        told.push(event);
        if (event.type === "run.ended") return;
      }
    })();
    const other = await reading(jobbers);
    await jobbers.worker({ workflows: [pair, double] }).start();
    await ended;
    expect(told.every((event) => "run" in event && event.run === run.id)).toBe(true);
    await other.events.return?.();
  });

  it("misses nothing while its reader is slow", async () => {
    const jobbers = await connected();
    const { events } = await reading(jobbers, { types: ["run.created"] });
    const ids = (await jobbers.submitMany(double, numbers(2_500))).map(({ id }) => id);
    const told: string[] = [];
    while (told.at(-1) !== ids.at(-1)) {
      const event = (await events.next()).value as FeedEvent;
      if (!("run" in event)) throw new Error("events were missed");
      if (ids[0] === event.run || told.length > 0) told.push(event.run);
    }
    expect(told).toEqual(ids);
    await events.return?.();
  });

  it("says so where events were trimmed before its reader came to them, and goes on", async () => {
    const jobbers = await connected(200);
    const { events } = await reading(jobbers, { types: ["run.created"] });
    const ids = (await jobbers.submitMany(double, numbers(2_500))).map(({ id }) => id);
    const told: FeedEvent[] = [];
    for (let last = ""; last !== ids.at(-1); ) {
      const event = (await events.next()).value as FeedEvent;
      told.push(event);
      if ("run" in event) last = event.run;
    }
    expect(told.filter(({ type }) => type === "gap").length).toBeGreaterThan(0);
    expect(told.length).toBeLessThan(2_500);
    await events.return?.();
  });

  it("ends with the reason of its signal, and when the connection is closed", async () => {
    const jobbers = await connected();
    const leaving = new AbortController();
    const { events } = await reading(jobbers, { signal: leaving.signal, types: ["run.created"] });
    const reason = new Error("enough");
    const drain = async (each: AsyncIterator<FeedEvent>) => {
      while (!(await each.next()).done);
    };
    const aborted = drain(events).catch((error: unknown) => error);
    leaving.abort(reason);
    expect(await aborted).toBe(reason);
    await expect(drain(jobbers.events({ signal: leaving.signal })[Symbol.asyncIterator]())).rejects.toBe(
      reason,
    );
    const { events: open } = await reading(jobbers);
    const closed = drain(open).catch((error: unknown) => error);
    await jobbers.close();
    expect(await closed).toMatchObject({ code: "store-closed" });
  });

  it("refuses a filter that nothing would ever pass", async () => {
    const jobbers = await connected();
    const types = ["run.began"] as unknown as EventsOptions["types"];
    expect(() => jobbers.events({ types })).toThrow(/types has "run\.began"; there are run\.created, /);
    expect(() => jobbers.events({ run: "x" })).toThrow(expect.objectContaining({ code: "id-invalid" }));
  });
});
