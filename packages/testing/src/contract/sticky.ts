import type { Grant, Plan } from "@jobbers/core";
import { expect } from "vitest";
import type { Driver } from "../driver.js";
import { dagStep, fromInput, fromStep, mapStep, planOf, type TaskStepParts, taskStep } from "../plans.js";
import { single } from "../sample-plans.js";
import type { Bench, BenchTest } from "./bench.js";

const WITHIN_MS = 10_000;

/** Two steps, the second of which sticks to the worker of the first. */
const pair = (parts: TaskStepParts = {}): Plan =>
  planOf("pair", [taskStep("a"), taskStep("b", { after: ["a"], stickyMs: WITHIN_MS, ...parts })]);

/** A map over what a task answers, with a chain in each child; all of it is sticky. */
const mapped = (): Plan =>
  planOf("mapped", [
    taskStep("list"),
    mapStep("c[]", fromStep("list"), { after: ["list"], stickyMs: WITHIN_MS }),
    taskStep("c", { in: "c[]", stickyMs: WITHIN_MS }),
    taskStep("d", { in: "c[]", after: ["c"], stickyMs: WITHIN_MS }),
  ]);

const addresses = (grants: readonly Grant[]) => grants.map(({ lease }) => lease.address);

const two = async ({ driver }: Bench, plan: Plan | readonly Plan[], queues = ["default"]) =>
  Promise.all(["one", "two"].map((worker) => driver(plan, { worker, queues }))) as Promise<[Driver, Driver]>;

/** Submits runs, of which a worker runs the first steps; answers them. */
async function begin({ submit }: Bench, worker: Driver, ...plans: readonly Plan[]): Promise<string[]> {
  const runs: string[] = [];
  for (const [n, plan] of plans.entries()) runs.push(await submit(plan, n));
  // All at once: what sticks to it would go before the next first step.
  const firsts = await worker.take(plans.length);
  expect(firsts.map(({ lease }) => lease.run)).toEqual(runs);
  for (const grant of firsts) expect(await worker.succeed(grant)).toBe("accepted");
  return runs;
}

/** Has a worker run the first step of a run, and take nothing else. */
async function runFirst(worker: Driver, output?: unknown): Promise<void> {
  const [first] = (await worker.take(1)) as [Grant];
  expect(await worker.succeed(first, output as string)).toBe("accepted");
}

/** Ends all sessions of a name; behind a bad line a driver may have opened two. */
async function closeAll({ store }: Bench, name: string): Promise<void> {
  for (const { worker, session } of await store.listWorkers())
    if (worker === name) await store.closeSession(session);
}

const depthOf = async ({ store }: Bench, queue = "default") =>
  (await store.listQueues()).find(({ name }) => name === queue)?.ready;

export function sticky(test: BenchTest): void {
  test("a sticky step is left to the worker of its parent, and after its time to all", async (bench) => {
    const { store, submit, clock } = bench;
    const [one, other] = await two(bench, pair());
    const first = await submit(pair());
    await runFirst(one);
    const untilMs = clock.now() + WITHIN_MS;
    expect((await store.whereIs(first, "b")).step).toMatchObject({
      state: "ready",
      line: { queue: "default", before: 0, depth: 1, sticky: { worker: "one", untilMs } },
    });
    expect(await other.take(5)).toEqual([]);
    expect(addresses(await one.take(5))).toEqual(["b"]);
    expect(await depthOf(bench)).toBe(0);
    const second = await submit(pair());
    await runFirst(one);
    clock.advance(WITHIN_MS - 1);
    await store.promoteDue(10);
    expect(await other.take(5)).toEqual([]);
    expect(await depthOf(bench)).toBe(1);
    const { nextDueMs } = await store.promoteDue(10);
    expect(nextDueMs).toBe(1);
    clock.advance(1);
    await store.promoteDue(10);
    expect((await store.whereIs(second, "b")).step?.line).not.toHaveProperty("sticky");
    expect(await depthOf(bench)).toBe(1);
    expect(addresses(await other.take(5))).toEqual(["b"]);
    expect((await store.promoteDue(10)).nextDueMs).toBeUndefined();
  });

  test("each has its own time, whatever stands before it, and what was taken meanwhile moves nothing", async (bench) => {
    const { store, submit, clock } = bench;
    const [one, other] = await two(bench, [pair(), pair({ stickyMs: 3_000 })]);
    const brief = await submit(pair({ stickyMs: 3_000 }));
    for (let n = 0; n < 3; n++) await submit(pair(), n);
    const [last, ...firsts] = await one.take(4);
    for (const grant of [...firsts, last as Grant]) {
      await one.succeed(grant);
      clock.advance(1_000);
    }
    const [taken] = (await one.take(1)) as [Grant];
    clock.advance(2_000);
    await store.promoteDue(10);
    expect((await other.take(5)).map(({ lease }) => lease.run)).toEqual([brief]);
    // The next of the others; the first of them was taken.
    expect((await store.promoteDue(10)).nextDueMs).toBeGreaterThan(3_000);
    clock.advance(4_000);
    await store.promoteDue(10);
    expect(await other.take(5)).toEqual([]);
    clock.advance(1_000);
    await store.promoteDue(10);
    expect(await other.take(5)).toHaveLength(1);
    expect((await store.promoteDue(10)).nextDueMs).toBe(1_000);
    expect(await one.succeed(taken)).toBe("accepted");
    clock.advance(1_000);
    await store.promoteDue(10);
    expect(await other.take(5)).toHaveLength(1);
    expect(await depthOf(bench)).toBe(0);
  });

  test("priorities go before, and among equals what sticks to the worker goes first", async (bench) => {
    const { submit } = bench;
    const [one] = await two(bench, [pair(), single()]);
    await submit(pair());
    const [a] = (await one.take(1)) as [Grant];
    const plain = [await submit(single(), 1), await submit(single(), 2, { priority: 9 })];
    await one.succeed(a);
    const taken = (await one.take(5)).map(({ lease: { run, address } }) => [run, address]);
    expect(taken).toEqual([
      [plain[1], "a"],
      [a.lease.run, "b"],
      [plain[0], "a"],
    ]);
  });

  test("in a weighted queue it goes first among its equals, and is left to its worker as ever", async (bench) => {
    const { store, submit } = bench;
    const [one, other] = await two(bench, [pair(), single()]);
    await store.setQueue("default", { priority: "weighted" }, "ada");
    await submit(pair());
    const [a] = (await one.take(1)) as [Grant];
    const plain = await submit(single());
    await one.succeed(a);
    expect((await other.take(5)).map(({ lease }) => lease.run)).toEqual([plain]);
    await submit(single());
    expect(addresses(await one.take(1))).toEqual(["b"]);
  });

  test("it is the name that counts: as long as a session of it is open; then what is left is for all, at once", async (bench) => {
    const { store, driver } = bench;
    const [one, other] = await two(bench, pair());
    const again = await driver(pair(), { worker: "one" });
    await begin(bench, one, pair(), pair(), pair());
    await store.closeSession(one.session.id);
    expect(await other.take(5)).toEqual([]);
    expect(await again.take(1)).toHaveLength(1);
    await closeAll(bench, "one");
    // What it held and gave back sticks no more, either.
    expect(await other.take(5)).toHaveLength(3);
    await driver(pair(), { worker: "one" });
    expect(await depthOf(bench)).toBe(0);
  });

  test("what sticks to a worker that is lost is for all, as what it held", async (bench) => {
    const { submit, expire } = bench;
    const plan = pair({ stickyMs: 100 * WITHIN_MS });
    const [one, other] = await two(bench, plan);
    const runs = [await submit(plan, 1), await submit(plan, 2)];
    const [first] = (await one.take(2)) as [Grant];
    await one.succeed(first);
    await expire(one.session.id, [other.session.id]);
    // Behind a bad line it has another session, which expired with it.
    const taken = (await other.take(5)).map(({ lease: { run, address } }) => [run, address]);
    expect(taken.sort()).toEqual(
      [
        [runs[0], "b"],
        [runs[1], "a"],
      ].sort(),
    );
    expect(await depthOf(bench)).toBe(0);
  });

  test("nothing sticks to a worker that takes nothing any more, as one that drains", async (bench) => {
    const [one, other] = await two(bench, pair());
    await bench.submit(pair());
    const [a] = (await one.take(1)) as [Grant];
    await one.exchange([await one.success(a)], { queues: [] });
    expect(addresses(await other.take(5))).toEqual(["b"]);
  });

  test("a map whose worker is gone before it is laid out is for all", async (bench) => {
    const [one, other] = await two(bench, mapped());
    await bench.submit(mapped());
    await runFirst(one, [1, 2]);
    await closeAll(bench, "one");
    for (const grant of await other.takeControl()) await other.control(grant);
    expect(addresses(await other.take(5))).toEqual(["c[0]", "c[1]"]);
  });

  test("a map's children go to the worker that made the list, and what follows in them to that of their own step before", async (bench) => {
    const { store, submit, clock, runState } = bench;
    const [one, other] = await two(bench, mapped());
    const run = await submit(mapped());
    await runFirst(one, [1, 2, 3, 4]);
    // Whoever lays the map out.
    for (const grant of await other.takeControl()) await other.control(grant);
    expect(await other.take(5)).toEqual([]);
    const [first] = (await one.take(1)) as [Grant];
    expect(first.lease.address).toBe("c[0]");
    clock.advance(WITHIN_MS);
    await store.promoteDue(10);
    const [second] = (await other.take(1)) as [Grant];
    expect(second.lease.address).toBe("c[1]");
    await one.succeed(first);
    await other.succeed(second);
    expect(addresses(await other.take(5))).toEqual(["d[1]", "c[2]", "c[3]"]);
    expect(addresses(await one.take(5))).toEqual(["d[0]"]);
    await closeAll(bench, "one");
    await closeAll(bench, "two");
    const [, last] = await two(bench, mapped());
    await last.finish();
    expect(await runState(run)).toBe("succeeded");
  });

  test("what comes back sticks to nobody: retried, given back, and retried by hand", async (bench) => {
    const { store, submit, clock } = bench;
    const [one, other] = await two(bench, pair());
    const run = await submit(pair());
    await runFirst(one);
    const [b] = (await one.take(1)) as [Grant];
    await store.release(one.session.id, [b.lease]);
    const [again] = (await other.take(1)) as [Grant];
    expect(again.lease.address).toBe("b");
    await other.retry(again, 10);
    clock.advance(10);
    await store.promoteDue(10);
    const [third] = (await one.take(1)) as [Grant];
    await one.fail(third);
    expect(await store.retry(run)).toEqual({ status: "retried" });
    expect(addresses(await other.take(1))).toEqual(["b"]);
    const stopped = (await begin(bench, one, pair()))[0] as string;
    await store.cancel(stopped);
    expect(await one.take(5)).toEqual([]);
    expect(await store.retry(stopped)).toEqual({ status: "retried" });
    expect(addresses(await other.take(1))).toEqual(["b"]);
  });

  test("a step that is handed straight on sticks anyway, and one behind a condition when that is judged", async (bench) => {
    const { submit } = bench;
    const judged = planOf("judged", [
      taskStep("a"),
      taskStep("b", { after: ["a"], when: fromInput("go"), stickyMs: WITHIN_MS }),
    ]);
    const [one, other] = await two(bench, [pair(), judged]);
    await submit(pair());
    const [a] = (await one.take(1)) as [Grant];
    const { grants } = await one.exchange([await one.success(a)], { slots: 1, inline: true });
    expect(addresses(grants)).toEqual(["b"]);
    await one.succeed(grants[0] as Grant);
    await submit(judged, { go: true });
    await runFirst(one);
    for (const grant of await other.takeControl()) await other.control(grant);
    expect(await other.take(5)).toEqual([]);
    expect(addresses(await one.take(5))).toEqual(["b"]);
  });

  test("the body of a dag goes where the dag goes", async (bench) => {
    const plan = planOf("outer", [
      taskStep("a"),
      dagStep("site", { after: ["a"], stickyMs: WITHIN_MS }),
      taskStep("site/page", { in: "site", stickyMs: WITHIN_MS }),
    ]);
    const [one, other] = await two(bench, plan);
    await bench.submit(plan);
    await runFirst(one);
    for (const grant of await other.takeControl()) await other.control(grant);
    expect(await other.take(5)).toEqual([]);
    expect(addresses(await one.take(5))).toEqual(["site/page"]);
  });

  test("a step under limits is not sticky, nor one that a limit comes to while it waits", async (bench) => {
    const { store, submit } = bench;
    const [one, other] = await two(bench, pair());
    await submit(pair(), 1);
    await submit(pair(), 2);
    const [first, second] = (await one.take(2)) as [Grant, Grant];
    await one.succeed(first);
    await store.setLimit("b/concurrency", { concurrency: 1 });
    await one.succeed(second);
    const [free] = (await other.take(5)) as [Grant];
    expect(free.lease.address).toBe("b");
    await other.succeed(free);
    // The first one moves when its worker pops it.
    expect(addresses(await one.take(5))).toEqual(["b"]);
    expect(await depthOf(bench)).toBe(0);
  });

  test("a paused queue holds sticky steps back, too; what is cancelled or obliterated is gone", async (bench) => {
    const { store, runState } = bench;
    const [one] = await two(bench, pair());
    const runs = await begin(bench, one, pair(), pair(), pair());
    await store.setQueue("default", { paused: true }, "ada");
    expect(await one.take(5)).toEqual([]);
    await store.setQueue("default", { paused: false }, "ada");
    await store.cancel(runs[0] as string);
    const [b] = (await one.take(1)) as [Grant];
    expect(b.lease.run).toBe(runs[1]);
    for (let next: string | undefined, more = true; more; more = next !== undefined)
      ({ next } = await store.obliterateQueue("default", { cursor: next, limit: 5 }));
    expect(await store.getStep(runs[2] as string, "b")).toMatchObject({ reason: "obliterated" });
    expect(await one.take(5)).toEqual([]);
    await one.succeed(b);
    expect(await Promise.all(runs.map(runState))).toEqual(["cancelled", "succeeded", "cancelled"]);
    expect(await depthOf(bench)).toBe(0);
  });

  test("a sticky step expires like any other, in its worker's line and in that of all", async (bench) => {
    const { store, clock, stepState } = bench;
    const [soon, late] = [pair({ startWithinMs: 1_000 }), pair({ startWithinMs: WITHIN_MS + 1_000 })];
    const [one] = await two(bench, [soon, late]);
    const runs = (await begin(bench, one, soon, late)) as [string, string];
    clock.advance(1_000);
    await store.promoteDue(10);
    expect(await Promise.all(runs.map((run) => stepState(run, "b")))).toEqual(["failed", "ready"]);
    clock.advance(WITHIN_MS - 1_000);
    await store.promoteDue(10);
    expect((await store.whereIs(runs[1], "b")).step?.line).not.toHaveProperty("sticky");
    clock.advance(1_000);
    await store.promoteDue(10);
    expect(await store.getStep(runs[1], "b")).toMatchObject({ state: "failed", reason: "expired" });
    expect(await one.take(5)).toEqual([]);
  });

  test("a worker that lacks the task passes it on; one that does not serve the queue loses it after its time", async (bench) => {
    const { store, submit, driver, clock } = bench;
    const far = pair({ queue: "far" });
    const one = await driver(single(), { worker: "one", queues: ["default", "far"] });
    const other = await driver(far, { worker: "two", queues: ["far"] });
    await submit(far, 1);
    await runFirst(one);
    // Popping it shows that nobody of this name can run it.
    expect(await one.exchange([], { slots: 5, queues: ["default", "far"] })).toMatchObject({ grants: [] });
    expect(addresses(await other.take(5))).toEqual(["b"]);
    await submit(far, 2);
    await runFirst(one);
    expect(await one.exchange([], { slots: 5, queues: ["default"] })).toMatchObject({ grants: [] });
    expect(await other.take(5)).toEqual([]);
    clock.advance(WITHIN_MS);
    await store.promoteDue(10);
    expect(addresses(await other.take(5))).toEqual(["b"]);
  });

  test("who listens hears of what is left to its worker, also when its queue is resumed, and nobody else does", async (bench) => {
    const { store, submit } = bench;
    const [one, other] = await two(bench, pair());
    await submit(pair());
    const [a] = (await one.take(1)) as [Grant];
    const given = new AbortController();
    const over: string[] = [];
    const listen = (worker: Driver, name: string) =>
      store
        .listen(worker.session.id, { queues: ["default"], timeoutMs: 15_000, signal: given.signal })
        .then(() => void over.push(name));
    const fromMs = performance.now();
    const [first, rest] = [listen(one, "first"), listen(other, "rest")];
    await store.readTime();
    await one.succeed(a);
    await first;
    await store.setQueue("default", { paused: true }, "ada");
    const second = listen(one, "second");
    for (let i = 0; i < 5; i++) await store.readTime();
    await store.setQueue("default", { paused: false }, "ada");
    await second;
    // At once where it stands there already.
    await listen(one, "third");
    // It was woken: a look of its own would come seconds later.
    expect(performance.now() - fromMs).toBeLessThan(4_000);
    expect(over).toEqual(["first", "second", "third"]);
    given.abort();
    await rest;
    expect(addresses(await one.take(5))).toEqual(["b"]);
  });

  test("many fall back in pages, and who listens hears of what falls to all", async (bench) => {
    const { store, submit, clock } = bench;
    const [one, other] = await two(bench, mapped());
    await submit(mapped());
    await runFirst(
      one,
      Array.from({ length: 30 }, (_, n) => n),
    );
    for (const grant of await one.takeControl()) await one.control(grant);
    const given = new AbortController();
    const listen = (worker: Driver) =>
      store.listen(worker.session.id, { queues: ["default"], timeoutMs: 10_000, signal: given.signal });
    let isOver = false;
    const listening = listen(other).then(() => {
      isOver = true;
    });
    for (let i = 0; i < 5; i++) await store.readTime();
    expect(isOver).toBe(false);
    clock.advance(WITHIN_MS);
    const fromMs = performance.now();
    for (let i = 0; i < 30 && (await store.promoteDue(7)).promoted > 0; i++);
    await listening;
    expect(performance.now() - fromMs).toBeLessThan(4_000);
    given.abort();
    expect(await depthOf(bench)).toBe(30);
    expect(await other.take(50)).toHaveLength(30);
    expect(await depthOf(bench)).toBe(0);
  });
}
