import type { Grant } from "@jobbers/core";
import { expect } from "vitest";
import type { Driver } from "../driver.js";
import { dagStep, fromInput, planOf, taskStep } from "../plans.js";
import { single } from "../sample-plans.js";
import type { BenchTest } from "./bench.js";
import { addresses, begin, depthOf, mapped, pair, runFirst, two, WITHIN_MS } from "./sticking.js";

export function stickyOthers(test: BenchTest): void {
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
