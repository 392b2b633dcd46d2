import { type EventRecord, type Grant, isRunEvent, type Report, type Store } from "@jobbers/core";
import { expect } from "vitest";
import { submissionOf } from "../factories.js";
import { chain, diamond, single } from "../sample-plans.js";
import type { BenchTest } from "./bench.js";

const DAY_MS = 86_400_000;
const nothing = { ageMs: 1, count: 0 };
const all = { succeeded: nothing, failed: nothing, cancelled: nothing };

/** All events after a cursor, read so many at a time. */
async function feedOf(store: Store, after: number, limit: number): Promise<EventRecord[]> {
  const events: EventRecord[] = [];
  for (let cursor = after; ; ) {
    const page = await store.readEvents(cursor, limit);
    if (page.events.length === 0) return events;
    events.push(...page.events);
    cursor = page.cursor;
  }
}

/** How many steps of a run the feed says to have come to each end. */
function endsOf(events: readonly EventRecord[], run: string): Record<string, number> {
  const ends: Record<string, number> = {};
  for (const event of events) {
    if (!isRunEvent(event) || event.run !== run) continue;
    const { type, detail } = event;
    const tally =
      type === "steps" ? detail : type === "run.ended" ? (detail as { steps?: object }).steps : {};
    for (const [state, n] of Object.entries(tally ?? {})) ends[state] = (ends[state] ?? 0) + Number(n);
  }
  return ends;
}

const released = ({ lease }: Grant): Report => ({ type: "released", lease });

/**
 * A store may keep a run in a short form until something unusual happens to it: whatever that is, and whenever it comes, nothing shows
 * of it.
 */
export function forms(test: BenchTest): void {
  test("one branch fails in the exchange in which the other succeeds: both are told", async (bench) => {
    const { store, submit, driver, stepStates } = bench;
    const run = await submit(diamond("continue"));
    const worker = await driver(diamond());
    await worker.succeed((await worker.take())[0] as Grant);
    const [b, c] = (await worker.take(2)) as [Grant, Grant];
    const reply = await worker.exchange([await worker.failure(c), await worker.success(b)]);
    expect(reply.results).toEqual(["accepted", "accepted"]);
    expect(await stepStates(run, "b", "c", "d")).toEqual({ b: "succeeded", c: "failed", d: "cancelled" });
    expect(endsOf(await feedOf(store, 0, 100), run)).toMatchObject({ succeeded: 2, failed: 1 });
  });

  test("the end of a run is told once, whatever else is reported of it with the last step", async (bench) => {
    const { store, submit, driver, runState } = bench;
    const run = await submit(diamond());
    const worker = await driver(diamond());
    const a = (await worker.take())[0] as Grant;
    await worker.succeed(a);
    for (const grant of await worker.take(2)) await worker.succeed(grant);
    const d = (await worker.take())[0] as Grant;
    const { results } = await worker.exchange([await worker.success(d), released(a), released(d)]);
    expect(results).toEqual(["accepted", "stale", "stale"]);
    expect(await runState(run)).toBe("succeeded");
    const events = await feedOf(store, 0, 100);
    expect(events.filter(({ type }) => type === "run.ended")).toMatchObject([{ run }]);
    expect(endsOf(events, run)).toMatchObject({ succeeded: 4 });
  });

  test("what is reported of a run that waits, as after a failover, is stale and spoils no taking", async (bench) => {
    const { submit, driver } = bench;
    const worker = await driver([single(), chain(2)]);
    const follow = { successors: { items: [] } };
    for (const [plan, address] of [
      [single(), "a"],
      [chain(2), "s1"],
    ] as const) {
      const runs = [await submit(plan, 1), await submit(plan, 2)];
      const forged = runs.map((run, i): Report => {
        const lease = { run, address, fence: 1 };
        return i === 1 ? { type: "released", lease } : { type: "succeeded", lease, output: "1", follow };
      });
      const reply = await worker.exchange(forged, { slots: 5 });
      expect(reply.results).toEqual(["stale", "stale"]);
      expect(reply.grants.map(({ lease }) => lease.run)).toEqual(runs);
      for (const grant of reply.grants) expect(await worker.succeed(grant)).toBe("accepted");
      await worker.finish();
    }
  });

  test("an id that is used anew, when it was forgotten, stands in its own queue only", async (bench) => {
    const { store, clock, submit, driver } = bench;
    const [plan, other] = [single({ queue: "q1" }), single({ queue: "q2" })];
    const id = await submit(plan);
    await store.cancel(id);
    clock.advance(1_000);
    await store.purge(all, 500);
    clock.advance(DAY_MS + 1);
    await store.purge(all, 500);
    expect(await store.getRun(id)).toBeUndefined();
    await submit(other, 1, { id });
    const worker = await driver([plan, other], { queues: ["q1"] });
    expect(await worker.take(5)).toEqual([]);
    const second = await driver([plan, other], { queues: ["q2"] });
    expect(await second.take(5)).toMatchObject([{ lease: { run: id, fence: 1 } }]);
  });

  test("an id that is only remembered brings no plan back", async ({ store, clock, driver }) => {
    const submission = submissionOf(single());
    await store.submit([submission]);
    await (await driver(single())).finish();
    clock.advance(1_000);
    await store.purge(all, 500);
    expect(await store.getPlan(submission.plan)).toBeUndefined();
    expect(await store.submit([submission])).toMatchObject([{ status: "existing", state: "succeeded" }]);
    expect(await store.getPlan(submission.plan)).toBeUndefined();
    // With another run of it in the same batch, the plan is there again.
    const another = submissionOf(single(), 2);
    const later = submissionOf(single(), 3, { delayMs: 1_000 });
    const results = await store.submit([submission, another, later]);
    expect(results.map(({ status }) => status)).toEqual([
      "existing",
      expect.stringMatching(/created|existing/),
      expect.stringMatching(/created|existing/),
    ]);
    expect(await store.getPlan(submission.plan)).toBe(submission.planText);
  });

  test("a lane's repeat answers what is still held, whatever has become of the runs meanwhile", async (bench) => {
    const { store, submit, driver, runState } = bench;
    const runs = [await submit(single(), 1), await submit(single(), 2), await submit(diamond(), 3)];
    const worker = await driver([single(), diamond()]);
    const { grants } = await worker.exchange([], { slots: 5 });
    expect(grants).toHaveLength(3);
    await store.cancel(runs[0] as string);
    await store.cancel(runs[2] as string);
    await store.release(worker.session.id, [(grants[1] as Grant).lease]);
    const again = (await worker.replay()).grants;
    expect(again.map(({ lease }) => lease)).toEqual([grants[0]?.lease, grants[2]?.lease]);
    for (const grant of again) expect(await worker.succeed(grant)).toBe("accepted");
    expect(await runState(runs[0] as string)).toBe("cancelled");
  });

  test("the late success of who had a step first is stale, and takes nothing from who has it now", async (bench) => {
    const { store, submit, driver, runState, value } = bench;
    const run = await submit(single());
    const first = await driver(single());
    const old = (await first.take())[0] as Grant;
    await store.closeSession(first.session.id);
    const second = await driver(single());
    const grant = (await second.take())[0] as Grant;
    expect(await first.succeed(old, "old")).toBe("stale");
    expect(await store.listHeld(second.session.id)).toEqual([grant.lease]);
    expect(await second.succeed(grant, "new")).toBe("accepted");
    expect([await runState(run), await value(run, "a")]).toEqual(["succeeded", "new"]);
  });

  test("the feed is the same read one by one, in pages, and from any cursor", async ({ store, driver }) => {
    await store.submit(
      Array.from({ length: 30 }, (_, n) => submissionOf(n % 10 === 9 ? chain(2) : single(), n)),
    );
    await (await driver([single(), chain(2)], { slots: 11 })).finish();
    const whole = await feedOf(store, 0, 1_000);
    expect(whole.map(({ cursor }) => cursor)).toEqual(whole.map((_, i) => i + 1));
    for (const limit of [1, 3, 7, 29]) expect(await feedOf(store, 0, limit)).toEqual(whole);
    for (const after of [1, 13, 29, 30, 31, whole.length - 1]) {
      expect(await store.readEvents(after, 5)).toMatchObject({
        events: whole.slice(after, after + 5),
        gap: false,
      });
    }
  });
}
