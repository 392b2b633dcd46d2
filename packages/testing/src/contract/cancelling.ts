import type { Grant } from "@jobbers/core";
import { expect } from "vitest";
import { submissionOf } from "../factories.js";
import { planOf, taskStep } from "../plans.js";
import { caught, chain, diamond, inlined, mapped, single, wideSuccessors } from "../sample-plans.js";
import type { Bench, BenchTest } from "./bench.js";

/** Nothing of a run is handed out any more, nor held, and what did not start reads as cancelled. */
async function expectCancelled(bench: Bench, run: string, ...unstarted: string[]) {
  expect(await bench.store.getRun(run)).toMatchObject({ state: "cancelled", endedAtMs: expect.any(Number) });
  for (const address of unstarted) {
    expect([undefined, "cancelled"], `${address} of a cancelled run`).toContain(
      await bench.stepState(run, address),
    );
  }
}

export function cancelling(test: BenchTest): void {
  test("a scheduled run is cancelled at once, and never runs", async (bench) => {
    const run = await bench.submit(single(), null, { delayMs: 1_000 });
    expect(["cancelled", "ended"]).toContain((await bench.store.cancel(run)).status);
    await expectCancelled(bench, run, "a");
    bench.clock.advance(2_000);
    await bench.store.promoteDue(10);
    expect(await (await bench.driver(single())).finish()).toBe(0);
    expect(await bench.runState(run)).toBe("cancelled");
  });

  test("a run of which nothing runs is cancelled at once; its ready steps are not handed out", async (bench) => {
    const run = await bench.submit(diamond());
    expect(["cancelled", "ended"]).toContain((await bench.store.cancel(run)).status);
    await expectCancelled(bench, run, "a", "b", "d");
    expect(await (await bench.driver(diamond())).finish()).toBe(0);
  });

  test("a run of which something runs is cancelling: successes are stored, but release nobody", async (bench) => {
    const { store, submit, driver, stepState, value } = bench;
    const run = await submit(diamond());
    const worker = await driver(diamond());
    await worker.succeed((await worker.take())[0] as Grant, 1);
    const [b, c] = (await worker.take(2)) as [Grant, Grant];
    expect(await store.cancel(run)).toEqual({ status: "cancelling" });
    expect(await store.getRun(run)).toMatchObject({ state: "running", cancelling: true });
    expect(await worker.succeed(b, "kept")).toBe("accepted");
    expect(await store.getRun(run)).toMatchObject({ state: "running", cancelling: true });
    expect(await worker.succeed(c, "too")).toBe("accepted");
    await expectCancelled(bench, run, "d");
    expect(await stepState(run, "b")).toBe("succeeded");
    expect(await value(run, "b")).toBe("kept");
    expect(await worker.finish()).toBe(0);
  });

  test("nothing is released while a run is being cancelled, though its parents succeed", async (bench) => {
    const { store, submit, driver, stepState } = bench;
    const plan = planOf("aside", [...diamond().steps, taskStep("other")]);
    const run = await submit(plan);
    const worker = await driver(plan);
    const [a, other] = (await worker.take(2)) as [Grant, Grant];
    await store.cancel(run);
    await worker.succeed(a);
    for (const address of ["b", "c"]) expect(await stepState(run, address)).not.toBe("ready");
    expect(await worker.finish()).toBe(0);
    await worker.succeed(other);
    await expectCancelled(bench, run, "b", "c", "d");
  });

  test("who runs a step of the run is told, by mail", async ({ store, submit, driver }) => {
    const run = await submit(diamond());
    const worker = await driver(diamond());
    await worker.take();
    await store.cancel(run);
    const first = await worker.exchange([]);
    const renewal = await store.renew(worker.session.id);
    expect([...first.mail, ...renewal.mail]).toContainEqual({ type: "cancel", run });
  });

  test("a step that fails, is retried or given back during a cancel ends the run as cancelled", async (bench) => {
    const endings = {
      failed: (worker: Awaited<ReturnType<Bench["driver"]>>, grant: Grant) => worker.fail(grant),
      retried: (worker: Awaited<ReturnType<Bench["driver"]>>, grant: Grant) => worker.retry(grant, 1_000),
      released: async (worker: Awaited<ReturnType<Bench["driver"]>>, grant: Grant) =>
        (await worker.exchange([{ type: "released", lease: grant.lease }])).results[0],
    };
    for (const end of Object.values(endings)) {
      const run = await bench.submit(chain(2));
      const worker = await bench.driver(chain(2));
      const [grant] = (await worker.take()) as [Grant];
      await bench.store.cancel(run);
      expect(await end(worker, grant)).toBe("accepted");
      await expectCancelled(bench, run, "s2");
      bench.clock.advance(5_000);
      await bench.store.promoteDue(10);
      expect(await worker.finish()).toBe(0);
      await bench.store.closeSession(worker.session.id);
    }
  });

  test("a run with a step that waits for its retry is cancelled at once", async (bench) => {
    const run = await bench.submit(chain(2));
    const worker = await bench.driver(chain(2));
    await worker.retry((await worker.take())[0] as Grant, 1_000);
    expect(["cancelled", "ended"]).toContain((await bench.store.cancel(run)).status);
    await expectCancelled(bench, run, "s1", "s2");
    bench.clock.advance(1_000);
    await bench.store.promoteDue(10);
    expect(await worker.finish()).toBe(0);
    expect(await bench.runState(run)).toBe("cancelled");
  });

  test("a cancelling run ends when the session that holds its last step is lost", async (bench) => {
    const run = await bench.submit(chain(2));
    const worker = await bench.driver(chain(2));
    await worker.take();
    await bench.store.cancel(run);
    await bench.expire(worker.session.id);
    await expectCancelled(bench, run, "s2");
    expect(await (await bench.driver(chain(2))).finish()).toBe(0);
  });

  test("a map that is being laid out is cancelled, as is one that is expanding", async (bench) => {
    const list = Array.from({ length: 9 }, (_, i) => i);
    const half = await bench.submit(mapped(), { list });
    const worker = await bench.driver(mapped(), { pageLimit: 3 });
    const [grant] = (await worker.takeControl(1)) as [Grant];
    await worker.work.expandPage(grant, worker.session.id, 0);
    expect(await bench.store.cancel(half)).toEqual({ status: "cancelling" });
    await worker.control(grant);
    await worker.finish();
    await bench.store.release(worker.session.id, [grant.lease]);
    await expectCancelled(bench, half, "item[0]", "item[8]", "join");
    expect(worker.calls).toEqual([]);

    const whole = await bench.submit(mapped(), { list });
    const [item] = (await worker.take(1)) as [Grant];
    await bench.store.cancel(whole);
    await worker.succeed(item);
    await expectCancelled(bench, whole, "item[]", "item[1]", "join");
    expect(await worker.finish()).toBe(0);
  });

  test("an inlined dag that is being entered is cancelled", async (bench) => {
    const run = await bench.submit(inlined());
    const worker = await bench.driver(inlined());
    await worker.succeed((await worker.take())[0] as Grant);
    const [enter] = (await worker.takeControl(1)) as [Grant];
    expect(await bench.store.cancel(run)).toEqual({ status: "cancelling" });
    await worker.control(enter);
    await expectCancelled(bench, run, "site/fetch", "after");
    expect(await worker.finish()).toBe(0);
  });

  test("a run with a page of successors still to come is cancelled", async (bench) => {
    const plan = wideSuccessors(9);
    const run = await bench.submit(plan);
    const worker = await bench.driver(plan, { pageLimit: 3 });
    await worker.succeed((await worker.take())[0] as Grant);
    await bench.store.cancel(run);
    await worker.finish();
    await expectCancelled(bench, run, "c0", "c8", "join");
    expect(worker.calls).toEqual([]);
  });

  test("a run that is stopping on a failure can still be cancelled; catch and finally do not run then", async (bench) => {
    const run = await bench.submit(caught());
    const worker = await bench.driver(caught());
    await worker.fail((await worker.take())[0] as Grant);
    await bench.store.cancel(run);
    expect(await worker.finish()).toBe(0);
    await expectCancelled(bench, run, "rescue", "clean");
  });

  test("an ended run is not cancelled, an unknown one is unknown, a second cancel changes nothing", async (bench) => {
    const { store, submit, driver, runState } = bench;
    const run = await submit(single());
    const worker = await driver(single());
    await worker.finish();
    expect(await store.cancel(run)).toEqual({ status: "ended" });
    expect(await runState(run)).toBe("succeeded");
    expect(await store.cancel("01ARZ3NDEKTSV4RRFFQ69G5FAV")).toEqual({ status: "unknown" });
    const other = await submit(single(), 2);
    const [grant] = (await worker.take()) as [Grant];
    for (let n = 0; n < 3; n++) expect(await store.cancel(other)).toEqual({ status: "cancelling" });
    await worker.succeed(grant);
    expect(await runState(other)).toBe("cancelled");
  });

  test("a cancel touches no other run", async ({ store, submit, driver, runState }) => {
    const plan = planOf("two", [taskStep("a"), taskStep("b")]);
    const [one, two] = [await submit(plan, 1), await submit(plan, 2)];
    await store.cancel(one);
    expect(await (await driver(plan)).finish()).toBe(2);
    expect([await runState(one), await runState(two)]).toEqual(["cancelled", "succeeded"]);
  });

  test("a session is told of every cancelled run it holds steps of, however many", async (bench) => {
    const { store } = bench;
    const batch = Array.from({ length: 1_100 }, (_, n) => submissionOf(single(), n));
    await store.submit(batch);
    const worker = await bench.driver(single());
    for (let held = 0; held < batch.length; ) held += (await worker.take(400)).length;
    for (const { id } of batch) await store.cancel(id);
    const told = new Set<string>();
    for (let n = 0; n < 10; n++) for (const { run } of (await worker.exchange([])).mail) told.add(run);
    expect(told.size).toBe(batch.length);
  });
}
