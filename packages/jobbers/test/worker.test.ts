import { JobbersError, type Store } from "@jobbers/core";
import { openSqliteStore } from "@jobbers/store-sqlite";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { connect, task } from "../src/index.js";
import { createJobbersWorker, type JobbersWorker } from "../src/worker.js";

const noop = task({ name: "noop", run: async () => null });
const options = { workflows: [noop] };

let store: Store;
let live: Set<JobbersWorker>;
beforeEach(async () => {
  store = await openSqliteStore("memory:");
  live = new Set();
});
afterEach(async () => {
  await Promise.all([...live].map((worker) => worker.stop()));
  await store.close();
});

/** The store, with one verb in another's hands. */
function instead<Verb extends keyof Store>(verb: Verb, call: Store[Verb]): Store {
  return new Proxy(store, {
    get: (target, key) => (key === verb ? call : Reflect.get(target, key, target)),
  });
}

describe("a worker of a connection", () => {
  it("is remembered from its start to the end of its stop, however often", async () => {
    const worker = createJobbersWorker(store, options, live);
    expect(live.size).toBe(0);
    for (let n = 0; n < 3; n++) {
      await worker.start();
      expect([...live]).toEqual([worker]);
      await worker.stop();
      expect(live.size).toBe(0);
    }
  });

  it("is remembered when it is started again before its stop has ended", async () => {
    const worker = createJobbersWorker(store, options, live);
    await worker.start();
    await Promise.all([worker.stop(), worker.start()]);
    expect([...live]).toEqual([worker]);
    expect(worker.stats().state).toBe("running");
  });

  it("is not remembered when it cannot start", async () => {
    const refusing = instead("openSession", () => Promise.reject(new JobbersError("store-refused", "no")));
    const worker = createJobbersWorker(refusing, options, live);
    await expect(worker.start()).rejects.toMatchObject({ code: "store-refused" });
    expect(live.size).toBe(0);
  });

  it("looks for lost workers as often as it is told", async () => {
    const swept = new Promise<number>((resolve) => {
      const watched = instead("reapSessions", (sweep) => {
        resolve(sweep.sweepMs);
        return store.reapSessions(sweep);
      });
      void createJobbersWorker(watched, { ...options, sweepMs: 1_234 }, live).start();
    });
    expect(await swept).toBe(1_234);
    for (const sweepMs of [0, 99, Number.NaN, "5s" as never])
      expect(() => createJobbersWorker(store, { ...options, sweepMs }, live)).toThrow(
        expect.objectContaining({ code: "flag-invalid", message: expect.stringContaining("sweepMs") }),
      );
  });
});

describe("a connection that is closed", () => {
  it("lets its workers finish first, those too that were stopped before", async () => {
    const jobbers = await connect("memory:");
    const events: string[] = [];
    let begin = () => {};
    let finish = () => {};
    const begun = new Promise<void>((resolve) => {
      begin = resolve;
    });
    const held = task({
      name: "held",
      run: () =>
        new Promise<null>((resolve) => {
          finish = () => resolve(null);
          begin();
        }),
    });
    const worker = jobbers.worker({
      workflows: [held],
      observe: (event) => void (event.type === "reported" && events.push(event.verdict)),
    });
    await worker.start();
    await worker.stop();
    await worker.start();
    await jobbers.submit(held);
    await begun;
    const closed = jobbers.close();
    finish();
    await closed;
    expect(events).toEqual(["accepted"]);
    expect(worker.stats().state).toBe("idle");
  });
});
