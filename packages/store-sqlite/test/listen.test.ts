import { openSqliteStore } from "@jobbers/store-sqlite";
import { openDriver, samplePlans, submissionOf, turns } from "@jobbers/testing";
import { expect, test } from "vitest";
import { testDirectory } from "./place.js";

const directory = testDirectory();
const { single } = samplePlans;
let files = 0;
const never = () => new AbortController().signal;

test("one step wakes up one of many who listen", async () => {
  const store = await openSqliteStore("memory:");
  const worker = await openDriver(store, { serves: ["a"] });
  let awake = 0;
  const listening = Array.from({ length: 100 }, () =>
    store
      .listen(worker.session.id, { queues: ["default"], timeoutMs: 600_000, signal: never() })
      .then(() => awake++),
  );
  await turns(3);
  await store.submit([submissionOf(single(), 1)]);
  await turns(3);
  expect(awake).toBe(1);
  await store.submit(Array.from({ length: 10 }, (_, i) => submissionOf(single(), i)));
  await turns(3);
  expect(awake).toBe(11);
  await store.close();
  await Promise.all(listening);
  expect(awake).toBe(100);
});

test("who takes only a part wakes up another for the rest", async () => {
  const store = await openSqliteStore("memory:");
  const busy = await openDriver(store, { serves: ["a"] });
  const idle = await openDriver(store, { serves: ["a"] });
  let woken = 0;
  const listen = () =>
    store
      .listen(idle.session.id, { queues: ["default"], timeoutMs: 600_000, signal: never() })
      .then(() => woken++);
  const first = listen();
  const second = listen();
  await turns(3);
  await store.submit([submissionOf(single(), 1)]);
  await first;
  await store.submit([submissionOf(single(), 2)]);
  await busy.take(1);
  await second;
  expect(woken).toBe(2);
  await store.close();
});

test("nobody is woken up for queues or tasks that are not theirs", async () => {
  const store = await openSqliteStore("memory:");
  const worker = await openDriver(store, { serves: ["a"] });
  let awake = false;
  const listening = store
    .listen(worker.session.id, { queues: ["other"], timeoutMs: 600_000, signal: never() })
    .then(() => {
      awake = true;
    });
  await turns(3);
  await store.submit([submissionOf(single(), 1)]);
  await turns(3);
  expect(awake).toBe(false);
  await store.close();
  await listening;
});

test("another connection's commits wake up listeners and readers, within a moment", async () => {
  const url = `sqlite:${directory}/${++files}.db`;
  const [here, there] = [await openSqliteStore(url), await openSqliteStore(url)];
  const worker = await openDriver(here, { serves: ["a"] });
  for (let i = 0; i < 5; i++) {
    const after = await here.lastEvent();
    const waits = [
      here.listen(worker.session.id, { queues: ["default"], timeoutMs: 600_000, signal: never() }),
      here.awaitEvents(after, { timeoutMs: 600_000, signal: never() }),
    ];
    await turns(3);
    const begin = performance.now();
    await there.submit([submissionOf(single(), i)]);
    await Promise.all(waits);
    expect(performance.now() - begin).toBeLessThan(2_000);
    expect(await worker.finish()).toBe(1);
  }
  await here.close();
  await there.close();
});

test("mail from another connection wakes up its reader, once", async () => {
  const url = `sqlite:${directory}/${++files}.db`;
  const [here, there] = [await openSqliteStore(url), await openSqliteStore(url)];
  const worker = await openDriver(here, { serves: ["a"] });
  const submission = submissionOf(single(), 1);
  await here.submit([submission]);
  const [grant] = await worker.take();
  const listening = here.listen(worker.session.id, {
    queues: ["default"],
    timeoutMs: 600_000,
    signal: never(),
  });
  await turns(3);
  expect(await there.cancel(submission.id)).toEqual({ status: "cancelling" });
  await listening;
  expect((await worker.exchange([])).mail).toEqual([{ type: "cancel", run: submission.id }]);
  const ended = AbortSignal.timeout(50);
  await here.listen(worker.session.id, { queues: ["default"], timeoutMs: 600_000, signal: ended });
  expect(ended.aborted).toBe(true);
  expect((await here.renew(worker.session.id)).mail).toHaveLength(1);
  if (grant) await worker.exchange([{ type: "released", lease: grant.lease }]);
  expect((await worker.exchange([])).mail).toEqual([]);
  expect((await here.getRun(submission.id))?.state).toBe("cancelled");
  await here.close();
  await there.close();
});

test("a wait ends when the next timer of the store is due", async () => {
  const store = await openSqliteStore("memory:");
  const worker = await openDriver(store, { serves: ["a"] });
  await store.submit([submissionOf(single(), 1, { delayMs: 20 })]);
  await store.listen(worker.session.id, { queues: ["default"], timeoutMs: 600_000, signal: never() });
  await store.close();
});

test("who begins to wait in the turn in which the store is closed waits for nothing, and harms nobody", async () => {
  const store = await openSqliteStore(`sqlite:${directory}/${++files}.db`);
  const worker = await openDriver(store, { serves: ["a"] });
  const after = await store.lastEvent();
  const thrown: unknown[] = [];
  const onThrown = (error: unknown) => thrown.push(error);
  process.on("uncaughtException", onThrown);
  const begin = performance.now();
  const waits = [
    store.listen(worker.session.id, { queues: ["default"], timeoutMs: 5_000, signal: never() }),
    store.awaitEvents(after, { timeoutMs: 5_000, signal: never() }),
  ];
  await store.close();
  await Promise.allSettled(waits);
  // The poll's timer would come after 5 ms.
  await new Promise((resolve) => setTimeout(resolve, 50));
  process.off("uncaughtException", onThrown);
  expect(thrown).toEqual([]);
  expect(performance.now() - begin).toBeLessThan(2_000);
});
