import { type EventRecord, type Grant, isRunEvent, type JsonValue } from "@jobbers/core";
import { expect } from "vitest";
import type { Driver } from "../driver.js";
import { fromInput, mapStep, planOf, taskStep } from "../plans.js";
import { single } from "../sample-plans.js";
import type { Bench, BenchTest } from "./bench.js";
import { FAIL } from "./graph.js";

/** Everything that the feed has told since. */
async function since({ store }: Bench, cursor: number): Promise<readonly EventRecord[]> {
  return (await store.readEvents(cursor, 1_000)).events;
}

/** What is told of single steps: `type address`. */
async function stepNews(bench: Bench, run: string, cursor = 0): Promise<string[]> {
  return (await since(bench, cursor)).flatMap((event) =>
    isRunEvent(event) && event.run === run && event.step !== undefined ? [`${event.type} ${event.step}`] : [],
  );
}

const each = { events: "each" } as const;

/** How far a step is, told with a renewal. */
function tell(
  { store }: Bench,
  { session }: Driver,
  seq: number,
  { lease }: Grant,
  at: string,
  rest: JsonValue,
) {
  const beats = [{ lease, agoMs: 0, forMs: 0, at, rest: JSON.stringify(rest) }];
  return store.renew(session.id, { lagMs: 0, bulletin: { seq, slots: 1, running: 1, durations: [], beats } });
}

export function news(test: BenchTest): void {
  test("steps of a task that asks for it are told of one by one, and summed up as well", async (bench) => {
    const plan = planOf("loud", [
      taskStep("a", each),
      taskStep("b", { after: ["a"], ...each }),
      taskStep("quiet", { after: ["a"] }),
      taskStep("after", { after: ["b"], ...each }),
    ]);
    const run = await bench.submit(plan);
    const worker = await bench.driver(plan, {
      script: ({ address }) => (address === "b" ? FAIL : { succeed: 1 }),
    });
    await worker.finish();
    expect(await stepNews(bench, run)).toEqual([
      ...["step.started a", "step.succeeded a", "step.started b", "step.failed b"],
      ...["step.dead-lettered b", "step.cancelled after"],
    ]);
    const told = (await since(bench, 0)).filter(isRunEvent);
    expect(told.find(({ type }) => type === "step.failed")).toMatchObject({ detail: { reason: "error" } });
    expect(told.some(({ type }) => type === "steps")).toBe(true);
  });

  test("a single step that is told of one by one, and the steps of a map", async (bench) => {
    const one = await bench.submit(single(each));
    const wide = planOf("wide", [mapStep("x[]", fromInput("list")), taskStep("x", { in: "x[]", ...each })]);
    const many = await bench.submit(wide, { list: [1, 2] });
    await (await bench.driver([single(each), wide])).finish();
    expect(await stepNews(bench, one)).toEqual(["step.started a", "step.succeeded a"]);
    expect((await stepNews(bench, many)).sort()).toEqual([
      ...["step.started x[0]", "step.started x[1]", "step.succeeded x[0]", "step.succeeded x[1]"],
    ]);
  });

  test("what is new in a step's progress is told, without its detail, once", async (bench) => {
    const run = await bench.submit(single());
    const worker = await bench.driver(single());
    const [grant] = (await worker.take()) as [Grant];
    const cursor = await bench.store.lastEvent();
    await tell(bench, worker, 1, grant, "parsing", { done: 1, total: 2, detail: ["long"] });
    await tell(bench, worker, 2, grant, "parsing", { done: 1, total: 2, detail: ["long"] });
    await tell(bench, worker, 3, grant, "writing", { done: 2, total: 2 });
    const told = (await since(bench, cursor)).map(
      (event) => isRunEvent(event) && [event.type, event.step, event.detail],
    );
    expect(told).toEqual([
      ["step.progress", "a", { at: "parsing", done: 1, total: 2 }],
      ["step.progress", "a", { at: "writing", done: 2, total: 2 }],
    ]);
    await worker.succeed(grant);
    const end = await bench.store.lastEvent();
    await tell(bench, worker, 4, grant, "late", {});
    expect(await since(bench, end)).toEqual([]);
    expect(await bench.runState(run)).toBe("succeeded");
  });

  test("a sign of life that says nothing is no news", async (bench) => {
    const run = await bench.submit(single());
    const worker = await bench.driver(single());
    const [{ lease }] = (await worker.take()) as [Grant];
    const cursor = await bench.store.lastEvent();
    const bulletin = {
      seq: 1,
      slots: 1,
      running: 1,
      durations: [],
      beats: [{ lease, agoMs: 0, forMs: 0, rest: "" }],
    };
    await bench.store.renew(worker.session.id, { lagMs: 0, bulletin });
    expect(await since(bench, cursor)).toEqual([]);
    expect((await bench.store.getStep(run, "a"))?.progress).toBeDefined();
  });

  test("a worker's start is told once, and stands in the feed among the runs' events", async (bench) => {
    const { store } = bench;
    const worker = await bench.driver(single(), { worker: "crawler 1/ü" });
    const cursor = await store.lastEvent();
    const start = { lostSessions: 1, returned: 2, quarantined: 0, overdue: 3, waiting: 4 };
    await store.announce(worker.session.id, start);
    await store.announce(worker.session.id, { ...start, waiting: 5 });
    const run = await bench.submit(single());
    const [told, created, ...rest] = await since(bench, cursor);
    expect(told).toEqual({
      ...{ cursor: cursor + 1, atMs: bench.clock.now(), type: "worker.started", worker: "crawler 1/ü" },
      detail: { session: worker.session.id, ...start },
    });
    expect(created).toMatchObject({ type: "run.created", run, cursor: cursor + 2 });
    expect(rest).toEqual([]);
    await store.closeSession(worker.session.id);
    await store.announce(worker.session.id, start);
    await store.announce("unknown", start);
    expect(await store.lastEvent()).toBe(cursor + 2);
  });
}
