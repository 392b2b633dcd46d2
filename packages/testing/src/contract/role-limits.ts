import type { Grant } from "@jobbers/core";
import { expect } from "vitest";
import type { Driver, DriverOptions } from "../driver.js";
import { fromInput, mapStep, planOf, taskStep } from "../plans.js";
import { chain, single } from "../sample-plans.js";
import type { Bench, BenchTest } from "./bench.js";

const ME = "ada";
const ROLE = "crawler";
const queues = { default: 1 };

/** A driver that plays the role, with a lease for as long as the test. */
function player({ driver }: Bench, options: DriverOptions = {}): Promise<Driver> {
  return driver([single(), chain(3)], { role: ROLE, leaseMs: 1e12, ...options });
}

async function submitMany({ submit }: Bench, n: number) {
  for (let i = 0; i < n; i++) await submit(single());
}

const cap = ({ store }: Bench, concurrency: number | "none") => store.setRole(ROLE, { concurrency }, ME);

const running = async ({ store }: Bench) => (await store.readRoleUsage(ROLE)).running;

/** Listens; what it answers says whether it was woken. */
function listen({ store }: Bench, { session }: Driver, name = "default") {
  const given = new AbortController();
  const state = { isOver: false };
  const over = store
    .listen(session.id, { queues: [name], timeoutMs: 20_000, signal: given.signal })
    .then(() => {
      state.isOver = true;
    });
  return { over, state, end: () => given.abort() };
}

/** Time for a look and its answer. */
async function settle({ store }: Bench): Promise<void> {
  for (let i = 0; i < 5; i++) await store.readTime();
}

/** Waits for who was woken: a look of its own would come seconds later. */
async function woken({ over }: ReturnType<typeof listen>): Promise<void> {
  const fromMs = performance.now();
  await over;
  expect(performance.now() - fromMs).toBeLessThan(4_000);
}

export function roleLimits(test: BenchTest): void {
  test("all workers of a role run so many steps at once, others any number", async (bench) => {
    const { store } = bench;
    await store.setRole(ROLE, { queues, concurrency: 3 }, ME);
    const [a, b] = [await player(bench, { worker: "a" }), await player(bench, { worker: "b" })];
    await submitMany(bench, 10);
    expect(await a.take(2)).toHaveLength(2);
    expect(await b.take(5)).toHaveLength(1);
    expect(await a.take(5)).toEqual([]);
    const { running: n, concurrency, holders } = await store.readRoleUsage(ROLE);
    expect({ n, concurrency }).toEqual({ n: 3, concurrency: 3 });
    expect(holders.map(({ worker, running }) => `${worker} ${running}`)).toEqual(["a 2", "b 1"]);
    expect(await (await bench.driver(single())).take(20)).toHaveLength(7);
    expect(await store.readRoleUsage("nobody's")).toEqual({ running: 0, holders: [] });
  });

  test("a report makes room before anything is taken, and no successor goes beyond it", async (bench) => {
    const { store } = bench;
    await store.setRole(ROLE, { queues, concurrency: 2 }, ME);
    const [a, b] = [await player(bench), await player(bench)];
    for (let i = 0; i < 4; i++) await bench.submit(chain(3));
    const [first, second] = (await a.take(5)) as [Grant, Grant];
    // Of both it ends, one follows at once; with the room of the other the next one comes from its line.
    const wants = { slots: 5, inline: true, control: 5 };
    const { grants } = await a.exchange([await a.success(first), await a.success(second)], wants);
    expect(grants.filter(({ phase }) => phase === "run")).toHaveLength(2);
    expect(await running(bench)).toBe(2);
    expect((await b.exchange([], { slots: 5, control: 5 })).grants).toEqual([]);
    await cap(bench, 1);
    // What runs beyond it has to end before there is room.
    const over = await a.exchange([await a.success(grants[0] as Grant)], wants);
    expect(over.grants.filter(({ phase }) => phase === "run")).toEqual([]);
    expect(await running(bench)).toBe(1);
    const back = await a.exchange([await a.success(grants[1] as Grant)], wants);
    expect(back.grants.filter(({ phase }) => phase === "run")).toHaveLength(1);
  });

  test("whatever ends an attempt makes room, and a worker that vanished once it is reaped", async (bench) => {
    const { store } = bench;
    await store.setRole(ROLE, { queues, concurrency: 2 }, ME);
    const doomed = await player(bench, { leaseMs: 10_000 });
    const worker = await player(bench);
    await submitMany(bench, 12);
    const [held, other] = (await doomed.take(5)) as [Grant, Grant];
    await store.release(doomed.session.id, [other.lease]);
    const [failing] = (await worker.take(5)) as [Grant];
    await worker.fail(failing);
    const [late] = (await worker.take(5)) as [Grant];
    await worker.retry(late, 5_000);
    const [cancelled] = (await worker.take(5)) as [Grant];
    await store.cancel(cancelled.lease.run);
    await worker.succeed(cancelled);
    expect(await worker.take(5)).toHaveLength(1);
    await bench.expire(doomed.session.id, [worker.session.id]);
    expect(await running(bench)).toBe(1);
    expect(await worker.take(5)).toHaveLength(1);
    // Nothing is freed twice.
    await doomed.succeed(held);
    expect(await running(bench)).toBe(2);
    await store.closeSession(worker.session.id);
    expect(await running(bench)).toBe(0);
    expect(await (await player(bench)).take(5)).toHaveLength(2);
  });

  test("steps that are on their way back from a lost worker count until they are there", async (bench) => {
    const { store, clock, sweepMs } = bench;
    await store.setRole(ROLE, { queues, concurrency: 2 }, ME);
    const [doomed, worker] = [await player(bench, { leaseMs: 10_000 }), await player(bench)];
    await submitMany(bench, 5);
    await doomed.take(2);
    await store.reapSessions({ sweepMs, limit: 0, gone: [doomed.session.id] });
    expect((await store.listWorkers()).some(({ session }) => session === doomed.session.id)).toBe(false);
    expect(await worker.take(5)).toEqual([]);
    clock.advance(sweepMs);
    while ((await store.reapSessions({ sweepMs, limit: 1 })).more);
    expect(await worker.take(5)).toHaveLength(2);
  });

  test("control work does not count, and is handed out though the role is full", async (bench) => {
    const { store } = bench;
    const wide = planOf("wide", [mapStep("x[]", fromInput("list")), taskStep("x", { in: "x[]" })]);
    await store.setRole(ROLE, { queues, concurrency: 1 }, ME);
    const worker = await bench.driver([wide, single()], { role: ROLE });
    await bench.submit(wide, { list: [1, 2] });
    const [laying] = (await worker.takeControl(5)) as [Grant];
    expect(laying.phase).toBe("expand");
    expect(await running(bench)).toBe(0);
    await submitMany(bench, 2);
    const { grants } = await worker.exchange([], { slots: 5 });
    expect(grants).toHaveLength(1);
    await bench.submit(wide, { list: [1, 2] });
    const [other] = (await worker.takeControl(5)) as [Grant];
    expect(await running(bench)).toBe(1);
    for (const each of [laying, other]) await worker.control(each);
    expect(await worker.take(5)).toEqual([]);
    await worker.succeed(grants[0] as Grant);
    expect(await worker.take(5)).toHaveLength(1);
  });

  test("an edit holds with the next exchange, is one among a role's others, and a deleted role limits nobody", async (bench) => {
    const { store, clock } = bench;
    const unknown = await cap(bench, 1).catch((thrown: unknown) => thrown);
    expect(unknown).toMatchObject({ code: "role-unknown" });
    expect(await store.setRole(ROLE, { queues }, ME)).not.toHaveProperty("concurrency");
    const worker = await player(bench);
    await submitMany(bench, 12);
    expect(await worker.take(1)).toHaveLength(1);
    clock.advance(1_000);
    expect(await cap(bench, 2)).toEqual({
      ...{ name: ROLE, queues, concurrency: 2, version: 2, editedBy: ME, editedAtMs: clock.now() },
    });
    expect(await store.setRole(ROLE, { queues, concurrency: 2 }, "somebody else")).toMatchObject({
      version: 2,
    });
    expect(await worker.take(5)).toHaveLength(1);
    expect(await store.setRole(ROLE, { queues: { default: 2 } }, ME)).toMatchObject({ concurrency: 2 });
    expect(await worker.take(5)).toEqual([]);
    await cap(bench, 4);
    expect(await worker.take(5)).toHaveLength(2);
    expect(await cap(bench, "none")).not.toHaveProperty("concurrency");
    expect(await worker.take(2)).toHaveLength(2);
    await cap(bench, 1);
    expect(await worker.take(2)).toEqual([]);
    await store.deleteRole(ROLE, ME);
    expect(await worker.take(2)).toHaveLength(2);
    const { versions } = (await store.getRole(ROLE)) ?? {};
    expect(versions?.map(({ concurrency }) => concurrency)).toEqual([
      ...[undefined, 1, undefined, 4, 2, 2, undefined],
    ]);
    // A role that is made again begins with what the edit says.
    expect(await store.setRole(ROLE, { queues }, ME)).not.toHaveProperty("concurrency");
    for (const concurrency of [0, 1.5, -1, Number.NaN, "many" as "none"]) {
      const refused = await store.setRole(ROLE, { concurrency }, ME).catch((thrown: unknown) => thrown);
      expect(refused).toMatchObject({
        code: "flag-invalid",
        message: expect.stringContaining("concurrency"),
      });
    }
  });

  test("a session that takes up another role takes what it runs along", async (bench) => {
    const { store } = bench;
    await store.setRole(ROLE, { queues, concurrency: 2 }, ME);
    const [a, b] = [await player(bench), await player(bench)];
    await submitMany(bench, 8);
    expect(await a.take(2)).toHaveLength(2);
    await store.serve(a.session.id, { queues: ["default"], role: "other" });
    expect(await running(bench)).toBe(0);
    expect(await b.take(2)).toHaveLength(2);
    await store.serve(a.session.id, { queues: ["default"], role: ROLE });
    expect(await running(bench)).toBe(4);
    await store.serve(b.session.id, { queues: ["default"] });
    expect(await running(bench)).toBe(2);
    expect(await a.take(2)).toEqual([]);
    expect(await b.take(2)).toHaveLength(2);
  });

  test("of the room that there is each queue of a role gets its part", async (bench) => {
    const { store } = bench;
    const plans = ["one", "two"].map((queue) => single({ queue }));
    for (const plan of plans) for (let i = 0; i < 8; i++) await bench.submit(plan);
    await store.setRole(ROLE, { queues: { one: 3, two: 1 }, concurrency: 4 }, ME);
    const worker = await bench.driver(plans, { role: ROLE });
    const wants = { queues: ["one", "two"], weights: [3, 1], slots: 20 };
    const { grants, taken } = await worker.exchange([], wants);
    expect(grants).toHaveLength(4);
    if (!bench.faulty) expect(taken).toEqual([3, 1]);
  });

  test("who listens while the role is full is woken once there is room, and until then others are", async (bench) => {
    const { store } = bench;
    await store.setRole(ROLE, { queues, concurrency: 1 }, ME);
    const [a, b] = [await player(bench), await player(bench)];
    await submitMany(bench, 4);
    const [grant] = (await a.take(1)) as [Grant];
    expect(await b.take(1)).toEqual([]);
    const waiting = listen(bench, b);
    await settle(bench);
    await submitMany(bench, 1);
    await settle(bench);
    expect(waiting.state.isOver).toBe(false);
    await a.succeed(grant);
    await woken(waiting);
    expect(await b.take(1)).toHaveLength(1);
    // Room by an edit.
    const edited = listen(bench, a);
    await settle(bench);
    expect(edited.state.isOver).toBe(false);
    await cap(bench, 2);
    await woken(edited);
    expect(await a.take(1)).toHaveLength(1);
    // Room by the end of a session.
    const ended = listen(bench, a);
    await settle(bench);
    await store.closeSession(b.session.id);
    await woken(ended);
    const endless = listen(bench, await player(bench));
    endless.end();
    await endless.over;
  });

  test("who was woken for a step that its role leaves no room for has another worker woken", async (bench) => {
    const { store } = bench;
    const side = single({ queue: "side" });
    await store.setRole(ROLE, { queues: { default: 1, side: 1 }, concurrency: 1 }, ME);
    const busy = await bench.driver(side, { role: ROLE });
    const mates = await Promise.all(Array.from({ length: 6 }, () => player(bench)));
    const other = await bench.driver(single());
    const stopping = new AbortController();
    const wait = { queues: ["default"], timeoutMs: 600_000, signal: stopping.signal };
    // Those of the role listen while it has room, which somebody else takes then.
    const idling = mates.map(async (mate) => {
      while (!stopping.signal.aborted) {
        await store.listen(mate.session.id, wait);
        expect((await mate.exchange([], { slots: 1 })).grants).toEqual([]);
      }
    });
    const listening = store.listen(other.session.id, wait);
    await settle(bench);
    await bench.submit(side);
    expect(await busy.take(1)).toHaveLength(1);
    const fromMs = performance.now();
    await submitMany(bench, 1);
    await listening;
    expect(performance.now() - fromMs).toBeLessThan(4_000);
    stopping.abort();
    await Promise.all(idling);
    expect(await other.take(1)).toHaveLength(1);
  });

  test("who was woken for room that it has no use for leaves it to the others that wait", async (bench) => {
    const { store } = bench;
    await store.setRole(ROLE, { queues, concurrency: 1 }, ME);
    const rare = planOf("rare", [taskStep("b")]);
    const busy = await player(bench);
    const [able, ...mates] = [
      await bench.driver(rare, { role: ROLE }),
      ...(await Promise.all(Array.from({ length: 6 }, () => player(bench)))),
    ];
    await submitMany(bench, 1);
    const [grant] = (await busy.take(1)) as [Grant];
    await bench.submit(rare);
    const stopping = new AbortController();
    const wait = { queues: ["default"], timeoutMs: 600_000, signal: stopping.signal };
    const idling = mates.map(async (mate) => {
      while (!stopping.signal.aborted) {
        await store.listen(mate.session.id, wait);
        expect((await mate.exchange([], { slots: 1 })).grants).toEqual([]);
      }
    });
    const listening = store.listen(able.session.id, wait);
    await settle(bench);
    const fromMs = performance.now();
    await busy.succeed(grant);
    await listening;
    expect(performance.now() - fromMs).toBeLessThan(4_000);
    stopping.abort();
    await Promise.all(idling);
    expect(await able.take(1)).toHaveLength(1);
  });
}
