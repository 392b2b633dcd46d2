import type { Grant, QueueEdit } from "@jobbers/core";
import { expect } from "vitest";
import { submissionOf } from "../factories.js";
import { planOf, taskStep } from "../plans.js";
import { chain, conditional, mapped, single } from "../sample-plans.js";
import type { Bench, BenchTest } from "./bench.js";

const ME = "ada";

/** A call may have been repeated on the way. */
const made = expect.stringMatching(/^(created|existing)$/) as unknown as string;

async function settingsOf({ store }: Bench, name: string) {
  return (await store.listQueues()).find((queue) => queue.name === name)?.settings;
}

/** Obliterates all that stands in a queue now; answers how many steps that were, as far as the replies say. */
async function obliterateAll({ store, faulty }: Bench, queue: string, limit: number) {
  let removed = 0;
  let cursor: string | undefined;
  for (let round = 0; round < 100; round++) {
    const page = await store.obliterateQueue(queue, { cursor, limit });
    if (!faulty) expect(page.removed).toBeLessThanOrEqual(limit);
    removed += page.removed;
    cursor = page.next;
    if (cursor === undefined) return removed;
  }
  throw new Error("the queue is never empty");
}

const runsOf = (grants: readonly Grant[]) => grants.map(({ lease }) => lease.run);

export function queues(test: BenchTest): void {
  test("nothing is taken of a paused queue, what runs goes on, and all of it follows when it is resumed", async (bench) => {
    const { store, submit, driver } = bench;
    const worker = await driver(single());
    const runs = [await submit(single(), 0), await submit(single(), 1), await submit(single(), 2)];
    const [first] = (await worker.take(1)) as [Grant];
    await store.setQueue("default", { paused: true }, ME);
    expect(await worker.take(5)).toEqual([]);
    expect(await worker.succeed(first)).toBe("accepted");
    expect(await bench.runState(runs[0] as string)).toBe("succeeded");
    runs.push(await submit(single(), 3));
    expect(await worker.take(5)).toEqual([]);
    await store.setQueue("default", { paused: false }, ME);
    expect(runsOf(await worker.take(5))).toEqual(runs.slice(1));
  });

  test("another queue goes on while one is paused", async ({ store, submit, driver }) => {
    const one = single({ queue: "one" });
    const other = single({ queue: "other" });
    const [held, free] = [await submit(one), await submit(other)];
    await store.setQueue("one", { paused: true }, ME);
    const worker = await driver([one, other]);
    expect(runsOf(await worker.take(5))).toEqual([free]);
    await store.setQueue("one", { paused: false }, ME);
    expect(runsOf(await worker.take(5))).toEqual([held]);
  });

  test("control work goes on while its queue is paused, and a 1:1 successor stands in it", async (bench) => {
    const { store, submit, driver } = bench;
    const plan = planOf("pair", [
      taskStep("a", { queue: "one" }),
      taskStep("b", { after: ["a"], queue: "two" }),
    ]);
    const worker = await driver([plan, conditional()]);
    const run = await submit(plan);
    const [a] = (await worker.take(1)) as [Grant];
    await store.setQueue("two", { paused: true }, ME);
    const { grants } = await worker.exchange([await worker.success(a)], {
      slots: 1,
      control: 5,
      inline: true,
      queues: ["one", "two"],
    });
    expect(grants).toEqual([]);
    expect(await bench.stepStates(run, "a", "b")).toEqual({ a: "succeeded", b: "ready" });
    await store.setQueue("default", { paused: true }, ME);
    const judged = await submit(conditional());
    expect(await worker.take(5)).toEqual([]);
    expect(await worker.takeControl()).toEqual([]);
    expect((await store.countSteps(judged)).length).toBeGreaterThan(0);
    await store.setQueue("two", { paused: false }, ME);
    expect(await worker.take(5)).toMatchObject([{ lease: { run, address: "b" } }]);
  });

  test("an edit says who and when; one that changes nothing is none", async (bench) => {
    const { store, clock } = bench;
    expect(await settingsOf(bench, "crawl")).toBeUndefined();
    const paused = await store.setQueue("crawl", { paused: true }, ME);
    expect(paused).toEqual({
      ...{ paused: true, draining: false, default: {}, edit: {} },
      ...{ version: 1, editedBy: ME, editedAtMs: clock.now() },
    });
    clock.advance(1_000);
    expect(await store.setQueue("crawl", { paused: true }, "somebody else")).toEqual(paused);
    const drained = await store.setQueue("crawl", { draining: true, max: 10 }, "b, c\u001f%");
    expect(drained).toEqual({
      ...{ paused: true, draining: true, max: 10, default: {}, edit: { max: 10 } },
      ...{ version: 2, editedBy: "b, c\u001f%", editedAtMs: clock.now() },
    });
    expect(await settingsOf(bench, "crawl")).toEqual(drained);
    expect(await store.listQueues()).toMatchObject([{ name: "crawl", ready: 0, running: 0 }]);
  });

  test("an edit goes before what code says, until it is taken back", async (bench) => {
    const { store } = bench;
    const max = async (edit: QueueEdit) => {
      const settings = await store.setQueue("crawl", edit, ME);
      return [settings.max, settings.edit.max, settings.default.max];
    };
    await store.declareQueues([{ name: "crawl", max: 5 }, { name: "mail" }]);
    expect(await settingsOf(bench, "crawl")).toEqual({
      ...{ paused: false, draining: false, max: 5, default: { max: 5 }, edit: {}, version: 0 },
    });
    expect(await settingsOf(bench, "mail")).toBeUndefined();
    expect(await max({ max: 7 })).toEqual([7, 7, 5]);
    await store.declareQueues([{ name: "crawl", max: 6 }]);
    expect(await max({})).toEqual([7, 7, 6]);
    expect(await max({ max: "none" })).toEqual([undefined, "none", 6]);
    expect(await max({ max: "default" })).toEqual([6, undefined, 6]);
    await store.declareQueues([{ name: "crawl" }]);
    expect(await max({})).toEqual([undefined, undefined, undefined]);
  });

  test("what makes no sense is refused, with the name of the field", async ({ store }) => {
    const refused = async (edit: QueueEdit, name = "crawl") => {
      const error = await store.setQueue(name, edit, ME).catch((thrown: unknown) => thrown);
      return error as { code: string; message: string };
    };
    expect(await refused({ max: 0 })).toMatchObject({
      code: "flag-invalid",
      message: expect.stringContaining("max is 0"),
    });
    expect((await refused({ max: 1.5 })).message).toContain("max is 1.5");
    expect((await refused({ paused: "yes" as unknown as boolean })).message).toContain("paused");
    expect(await refused({}, "q".repeat(10_000))).toMatchObject({ code: "name-invalid" });
    expect((await refused({}, "q".repeat(10_000))).message).toContain("queue");
    expect((await refused({}, "q".repeat(10_000))).message.length).toBeLessThan(500);
    await expect(store.declareQueues([{ name: "crawl", max: -1 }])).rejects.toMatchObject({
      code: "flag-invalid",
    });
    expect(await store.listQueues()).toEqual([]);
  });

  test("a full queue refuses a submission whole, item by item, and takes others when there is room", async (bench) => {
    const { store, driver } = bench;
    await store.declareQueues([{ name: "default", max: 1 }]);
    await store.setQueue("default", { max: 2 }, ME);
    const batch = [1, 2, 3].map((n) => submissionOf(single(), n));
    const results = await store.submit(batch);
    expect(results.map(({ status }) => status)).toEqual([made, made, "queue-full"]);
    expect(results[2]).toEqual({ status: "queue-full", id: batch[2]?.id, queue: "default", max: 2 });
    // A resend of what is there is answered as ever, though the queue is full.
    expect((await store.submit(batch)).map(({ status }) => status)).toEqual([
      "existing",
      "existing",
      "queue-full",
    ]);
    expect(await bench.runState(batch[2]?.id as string)).toBeUndefined();
    const worker = await driver(single());
    const [first] = (await worker.take(1)) as [Grant];
    expect((await store.submit(batch.slice(2)))[0]?.status).toEqual(made);
    expect(await worker.succeed(first)).toBe("accepted");
  });

  test("all entry steps of a run count, and a run with more than fit is refused whole", async (bench) => {
    const { store } = bench;
    const wide = planOf("wide", [taskStep("a"), taskStep("b"), taskStep("c", { queue: "other" })]);
    await store.setQueue("default", { max: 3 }, ME);
    const [one, two] = [submissionOf(wide), submissionOf(wide)];
    expect((await store.submit([one]))[0]?.status).toEqual(made);
    expect((await store.submit([two]))[0]).toEqual({
      status: "queue-full",
      id: two.id,
      queue: "default",
      max: 3,
    });
    expect(await store.listQueues()).toMatchObject([
      { name: "default", ready: 2 },
      { name: "other", ready: 1 },
    ]);
    await store.setQueue("default", { max: "none" }, ME);
    expect((await store.submit([two]))[0]?.status).toEqual(made);
  });

  test("what runs lead to later, and what was scheduled, goes into a full queue", async (bench) => {
    const { store, clock, submit, driver } = bench;
    await store.setQueue("default", { max: 1 }, ME);
    const first = await submit(chain(3));
    const later = await submit(single(), null, { delayMs: 1_000 });
    const worker = await driver([chain(3), single()]);
    const [a] = (await worker.take(1)) as [Grant];
    clock.advance(1_000);
    await store.promoteDue(10);
    expect(await bench.runState(later)).toBe("running");
    await worker.succeed(a);
    expect(await worker.finish()).toBeGreaterThan(1);
    expect(await bench.runState(first)).toBe("succeeded");
    expect(await bench.runState(later)).toBe("succeeded");
  });

  test("a queue that is drained takes no submissions, and what is in it is worked off", async (bench) => {
    const { store, submit, driver } = bench;
    const run = await submit(chain(3));
    await store.setQueue("default", { draining: true }, ME);
    const [refused, later] = [submissionOf(single()), submissionOf(single(), null, { delayMs: 1_000 })];
    expect(await store.submit([refused, later])).toEqual([
      { status: "queue-draining", id: refused.id, queue: "default" },
      { status: "queue-draining", id: later.id, queue: "default" },
    ]);
    const worker = await driver(chain(3));
    await worker.finish();
    expect(await bench.runState(run)).toBe("succeeded");
    expect(await store.listQueues()).toMatchObject([
      { name: "default", ready: 0, running: 0, settings: { draining: true } },
    ]);
    await store.setQueue("default", { draining: false }, ME);
    expect((await store.submit([refused]))[0]?.status).toEqual(made);
  });

  test("obliterating a queue cancels what waits in it, a page at a time, and nothing that runs", async (bench) => {
    const { store, submit, driver, faulty } = bench;
    const worker = await driver(single());
    const running = await submit(single(), "running");
    const [grant] = (await worker.take(1)) as [Grant];
    const runs: string[] = [];
    for (let n = 0; n < 7; n++) runs.push(await submit(single(), n, { priority: n }));
    const other = await submit(single({ queue: "other" }));
    const removed = await obliterateAll(bench, "default", 3);
    if (!faulty) expect(removed).toBe(7);
    for (const run of runs) {
      expect(await store.getRun(run)).toMatchObject({ state: "cancelled" });
      expect(await store.getStep(run, "a")).toMatchObject({ state: "cancelled", reason: "obliterated" });
    }
    expect(await store.listQueues()).toMatchObject([
      { name: "default", ready: 0, running: 1 },
      { name: "other", ready: 1 },
    ]);
    expect(await worker.take(5)).toEqual([]);
    expect(await worker.succeed(grant)).toBe("accepted");
    expect(await bench.runState(running)).toBe("succeeded");
    expect(await bench.runState(other)).toBe("running");
  });

  test("steps under limits are paused, counted and obliterated like all others", async (bench) => {
    const { store, submit, driver, faulty } = bench;
    const task = single({ task: "a" });
    await store.setLimit("@default/concurrency", { concurrency: 1 });
    const worker = await driver(task);
    const runs: string[] = [];
    for (let n = 0; n < 5; n++) runs.push(await submit(task, n));
    await store.setQueue("default", { paused: true, max: 5 }, ME);
    expect(await worker.take(5)).toEqual([]);
    expect((await store.submit([submissionOf(task, 5)]))[0]?.status).toBe("queue-full");
    await store.setQueue("default", { paused: false }, ME);
    // The limit lets one through, and parks the others.
    const [grant] = (await worker.take(5)) as [Grant];
    expect(grant.lease.run).toBe(runs[0]);
    const removed = await obliterateAll(bench, "default", 3);
    if (!faulty) expect(removed).toBe(4);
    for (const run of runs.slice(1)) expect(await bench.runState(run)).toBe("cancelled");
    expect(await store.listQueues()).toMatchObject([{ name: "default", ready: 0, running: 1 }]);
    expect(await worker.succeed(grant)).toBe("accepted");
    const late = await submit(task, "late");
    expect(runsOf(await worker.take(5))).toEqual([late]);
  });

  test("what came after the first call of an obliteration stays", async (bench) => {
    const { store, submit } = bench;
    for (let n = 0; n < 3; n++) await submit(single(), n);
    const first = await store.obliterateQueue("default", { limit: 2 });
    const late = await submit(single(), "late");
    let { next } = first;
    for (let round = 0; next !== undefined && round < 10; round++)
      ({ next } = await store.obliterateQueue("default", { cursor: next, limit: 2 }));
    expect(await bench.runState(late)).toBe("running");
    expect(await store.listQueues()).toMatchObject([{ name: "default", ready: 1 }]);
  });

  test("a body of which a step was obliterated ends as cancelled, and a retry by hand goes on with it", async (bench) => {
    const { store, submit, driver } = bench;
    const plan = mapped();
    const worker = await driver(plan);
    const run = await submit(plan, { list: ["x", "y", "z"] });
    for (const grant of await worker.takeControl()) await worker.control(grant);
    expect(await bench.stepStates(run, "item[0]", "item[2]")).toEqual({
      "item[0]": "ready",
      "item[2]": "ready",
    });
    await obliterateAll(bench, "default", 2);
    await worker.finish();
    expect(await store.getRun(run)).toMatchObject({ state: "cancelled" });
    expect((await store.retry(run)).status).toBe("retried");
    await worker.finish();
    expect(await store.getRun(run)).toMatchObject({ state: "succeeded" });
  });

  test("who listens to a queue hears that it is resumed, and not what comes into it while it is paused", async (bench) => {
    const { store, submit, driver } = bench;
    const worker = await driver(single());
    await store.setQueue("default", { paused: true }, ME);
    await submit(single());
    const given = new AbortController();
    let isOver = false;
    const listening = store
      .listen(worker.session.id, { queues: ["default"], timeoutMs: 10_000, signal: given.signal })
      .then(() => {
        isOver = true;
      });
    // A look and its answer on the same connection go before what is answered later.
    await store.readTime();
    await submit(single());
    for (let i = 0; i < 5; i++) await store.readTime();
    expect(isOver).toBe(false);
    const fromMs = performance.now();
    await store.setQueue("default", { paused: false }, ME);
    await listening;
    // It was woken: a look of its own would come seconds later.
    expect(performance.now() - fromMs).toBeLessThan(4_000);
    given.abort();
    expect(await worker.take(5)).toHaveLength(2);
  });
}
