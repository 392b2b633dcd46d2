import type { Grant } from "@jobbers/core";
import { expect } from "vitest";
import { single } from "../sample-plans.js";
import type { BenchTest } from "./bench.js";
import { addresses, begin, closeAll, depthOf, mapped, pair, runFirst, two, WITHIN_MS } from "./sticking.js";

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
}
