import type { Grant } from "@jobbers/core";
import { expect } from "vitest";
import { fromInput, literal, planOf, taskStep, wire } from "../plans.js";
import { caught, chain, diamond, single } from "../sample-plans.js";
import type { BenchTest } from "./bench.js";

export function working(test: BenchTest): void {
  test("a grant says what to run, of which plan, with which values", async ({ store, submit, driver }) => {
    const plan = single({ input: wire(fromInput("n")), priority: 3 });
    const run = await submit(plan, { n: 1 }, { tags: ["t"], traceparent: "00-1-2-03" });
    const [grant] = await (await driver(plan)).take();
    expect(grant).toMatchObject({
      ...{ lease: { run, address: "a" }, phase: "run", needs: "a", tries: 0, lost: 0, priority: 3 },
      ...{ tags: ["t"], traceparent: "00-1-2-03", values: { ":input": '{"n":1}' } },
    });
    expect(grant?.plan).toBe((await store.getRun(run))?.plan);
    expect(await store.getStep(run, "a")).toMatchObject({ state: "running", phase: "run", worker: "tester" });
  });

  test("the parents' outputs go along with a step, null where a parent gave none", async ({
    submit,
    driver,
  }) => {
    const plan = caught("continue");
    await submit(plan);
    const worker = await driver(plan);
    await worker.fail((await worker.take())[0] as Grant);
    const grants = await worker.take(5);
    expect(grants.map(({ lease, values }) => [lease.address, values])).toEqual([
      ["rescue", { a: null }],
      ["clean", { a: null }],
    ]);
  });

  test("outputs are readable by their address, and reach the steps that are wired to them", async ({
    submit,
    driver,
    value,
  }) => {
    const run = await submit(diamond());
    const seen: Record<string, unknown> = {};
    const worker = await driver(diamond(), {
      script: ({ address, input }) => {
        seen[address] = input;
        return { succeed: { by: address } };
      },
    });
    await worker.finish();
    expect(seen).toEqual({
      a: {},
      b: { a: { by: "a" } },
      c: { a: { by: "a" } },
      d: { b: { by: "b" }, c: { by: "c" } },
    });
    expect(await value(run, "d")).toEqual({ by: "d" });
  });

  test("a value beyond 64 KiB does not go along with a grant, and can be read", async ({
    store,
    submit,
    driver,
  }) => {
    const plan = chain(2);
    const large = "x".repeat(70_000);
    const run = await submit(plan, large);
    const worker = await driver(plan, { slots: 1 });
    await worker.succeed((await worker.take())[0] as Grant, large);
    const [grant] = await worker.take();
    expect(grant?.values).not.toHaveProperty("s1");
    expect(await store.readValues(run, ["s1", ":input"])).toEqual({
      s1: JSON.stringify(large),
      ":input": JSON.stringify(large),
    });
    expect(await worker.work.inputOf(grant as Grant)).toEqual({ s1: large });
  });

  test("values are JSON texts that the store does not look into", async ({ store, submit, driver }) => {
    const run = await submit(single(), null, { input: '{"b":9007199254740993,"a":[ ]}' });
    const worker = await driver(single());
    const [grant] = await worker.take();
    await worker.exchange([
      { ...(await worker.success(grant as Grant)), output: '{"n":1.0,"z":"\\u0000é"}' } as never,
    ]);
    expect(await store.readValues(run, [":input", "a"])).toEqual({
      ":input": '{"b":9007199254740993,"a":[ ]}',
      a: '{"n":1.0,"z":"\\u0000é"}',
    });
  });

  test("there are no more steps granted than slots, and none without slots", async ({ submit, driver }) => {
    for (let n = 0; n < 5; n++) await submit(single(), n);
    const worker = await driver(single());
    expect((await worker.exchange([], { slots: 0, control: 10 })).grants).toHaveLength(0);
    expect((await worker.exchange([], { slots: 3 })).grants).toHaveLength(3);
    expect((await worker.exchange([], { slots: 3 })).grants).toHaveLength(2);
  });

  test("only the queues that a worker asks for are served", async ({ submit, driver }) => {
    const plans = [single({ queue: "q1" }), single({ queue: "q2" })];
    for (const plan of plans) await submit(plan);
    const worker = await driver(plans);
    const { grants } = await worker.exchange([], { slots: 5, queues: ["q2"] });
    expect(grants).toHaveLength(1);
    expect((await worker.exchange([], { slots: 5, queues: ["q1"] })).grants).toHaveLength(1);
  });

  test("control work needs no free slot", async ({ submit, driver }) => {
    const plan = single({ when: fromInput("flag") });
    await submit(plan, { flag: true });
    const worker = await driver(plan);
    const { grants } = await worker.exchange([], { slots: 0, control: 1 });
    expect(grants).toMatchObject([{ phase: "admit", lease: { address: "a" } }]);
  });

  test("one exchange settles many reports and takes the next steps", async ({ submit, driver, runState }) => {
    const runs = [];
    for (let n = 0; n < 20; n++) runs.push(await submit(single(), n));
    const worker = await driver(single());
    const first = (await worker.exchange([], { slots: 10 })).grants;
    const reports = await Promise.all(first.map((grant) => worker.success(grant)));
    const reply = await worker.exchange(reports, { slots: 10 });
    expect(reply.results).toEqual(reports.map(() => "accepted"));
    expect(reply.grants).toHaveLength(10);
    const states = await Promise.all(runs.map(runState));
    expect(states.filter((state) => state === "succeeded")).toHaveLength(10);
  });

  test("a step that was given back costs no try, and is taken again with a higher fence", async ({
    store,
    submit,
    driver,
  }) => {
    const run = await submit(single());
    const worker = await driver(single());
    const [first] = (await worker.take()) as [Grant];
    expect((await worker.exchange([{ type: "released", lease: first.lease }])).results).toEqual(["accepted"]);
    expect(await store.getStep(run, "a")).toMatchObject({ state: "ready", tries: 0, lost: 0 });
    const [second] = (await worker.take()) as [Grant];
    await store.release(worker.session.id, [second.lease]);
    const [third] = (await worker.take()) as [Grant];
    expect(third).toMatchObject({ tries: 0, lost: 0 });
    expect(third.lease.fence).toBeGreaterThan(second.lease.fence);
    expect(second.lease.fence).toBeGreaterThan(first.lease.fence);
  });

  test("the store knows what each session holds", async ({ store, submit, driver }) => {
    for (let n = 0; n < 3; n++) await submit(single(), n);
    const worker = await driver(single());
    const grants = await worker.take(2);
    const byRun = (a: { run: string }, b: { run: string }) => (a.run < b.run ? -1 : 1);
    const held = await store.listHeld(worker.session.id);
    expect([...held].sort(byRun)).toEqual(grants.map(({ lease }) => lease).sort(byRun));
    expect(await store.renew(worker.session.id)).toMatchObject({ status: "alive", held: 2 });
    await worker.succeed(grants[0] as Grant);
    expect(await store.listHeld(worker.session.id)).toEqual([grants[1]?.lease]);
  });

  test("whoever lacks a session is granted nothing", async ({ store, submit }) => {
    await submit(single());
    const wants = { slots: 5, control: 5, queues: ["default"], inline: true };
    const reply = await store.exchange({ session: "nobody", lane: 0, seq: 1, reports: [], wants });
    expect(reply).toMatchObject({ grants: [], alive: false });
  });

  test("a run that failed tells what failed first", async ({ store, submit, driver, value }) => {
    const plan = planOf("two", [taskStep("a", { input: literal(1) }), taskStep("b")], {
      failure: "continue",
    });
    const run = await submit(plan);
    const worker = await driver(plan, { script: ({ address }) => ({ fail: `no ${address}` }), slots: 1 });
    await worker.finish();
    const failure = { step: "a", error: { name: "Error", message: "no a" } };
    expect(JSON.parse((await store.getRun(run))?.failure as string)).toEqual(failure);
    expect(await value(run, ":failure")).toEqual(failure);
    expect(await store.getStep(run, "b")).toMatchObject({ state: "failed", reason: "error" });
    expect(JSON.parse((await store.getStep(run, "b"))?.error as string)).toMatchObject({ message: "no b" });
  });
}
