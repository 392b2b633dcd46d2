import { type Database, openSqliteStore } from "@jobbers/store-sqlite";
import { openDriver, samplePlans, submissionOf } from "@jobbers/testing";
import { DatabaseSync } from "@photostructure/sqlite";
import { expect, test } from "vitest";

const { single } = samplePlans;

/** A store that counts its commits. */
async function openCounted() {
  const counted = { commits: 0 };
  const openDatabase = (path: string): Database => {
    const database = new DatabaseSync(path) as Database;
    return {
      get isOpen() {
        return database.isOpen;
      },
      get isTransaction() {
        return database.isTransaction;
      },
      exec: (sql) => database.exec(sql),
      close: () => database.close(),
      prepare: (sql) => {
        const statement = database.prepare(sql);
        if (sql !== "COMMIT") return statement;
        const run = () => {
          counted.commits++;
          return statement.run();
        };
        return { run, get: () => undefined, all: () => [] };
      },
    };
  };
  return { store: await openSqliteStore("memory:", { openDatabase }), counted };
}

test("calls of one turn share one transaction", async () => {
  const { store, counted } = await openCounted();
  await Promise.all(Array.from({ length: 100 }, (_, i) => store.submit([submissionOf(single(), i)])));
  expect(counted.commits).toBe(1);
  await store.submit([submissionOf(single(), 100)]);
  expect(counted.commits).toBe(2);
  await store.close();
});

test("a large batch is cut into transactions", async () => {
  const { store, counted } = await openCounted();
  const results = await store.submit(Array.from({ length: 5000 }, (_, i) => submissionOf(single(), i)));
  expect(results.every(({ status }) => status === "created")).toBe(true);
  expect(counted.commits).toBe(5);
  await store.close();
});

test("a call that fails undoes nothing of the others in its transaction", async () => {
  const { store, counted } = await openCounted();
  const worker = await openDriver(store, { serves: ["a"] });
  await worker.exchange([]);
  await worker.exchange([]);
  const before = counted.commits;
  const wants = { slots: 5, control: 0, queues: ["default"], inline: false };
  const stale = { session: worker.session.id, lane: 0, seq: 1, reports: [], wants };
  const [first, refused, second] = await Promise.allSettled([
    store.submit([submissionOf(single(), 1)]),
    store.exchange(stale),
    store.submit([submissionOf(single(), 2)]),
  ]);
  expect(counted.commits).toBe(before + 1);
  expect([first.status, second.status]).toEqual(["fulfilled", "fulfilled"]);
  expect(refused).toMatchObject({ status: "rejected", reason: { code: "session-lost" } });
  expect(await worker.finish()).toBe(2);
  await store.close();
});

test("closing waits for what was called before", async () => {
  const { store } = await openCounted();
  const submitted = store.submit([submissionOf(single(), 1)]);
  const closed = store.close();
  expect(await submitted).toMatchObject([{ status: "created" }]);
  await closed;
  await expect(store.submit([submissionOf(single(), 2)])).rejects.toMatchObject({ code: "store-closed" });
});
