import { type Database, openSqliteStore } from "@jobbers/store-sqlite";
import { openDriver, samplePlans, submissionOf, turns } from "@jobbers/testing";
import { DatabaseSync } from "@photostructure/sqlite";
import { expect, test } from "vitest";
import { testDirectory } from "./place.js";

const { single } = samplePlans;
const directory = testDirectory();
let files = 0;

type Statement = ReturnType<Database["prepare"]>;

/** Opens databases whose statements are looked at, or replaced, on the way. */
function watching(watch: (sql: string, statement: Statement) => Statement) {
  return (path: string): Database => {
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
      prepare: (sql) => watch(sql, database.prepare(sql)),
    };
  };
}

/** A store that counts its commits. */
async function openCounted() {
  const counted = { commits: 0 };
  const openDatabase = watching((sql, statement) => {
    if (sql !== "COMMIT") return statement;
    const run = () => {
      counted.commits++;
      return statement.run();
    };
    return { run, get: () => undefined, all: () => [] };
  });
  return { store: await openSqliteStore("memory:", { openDatabase }), counted };
}

/** What SQLite answers while another process recovers the log. */
const locked = () => Object.assign(new Error("database is locked"), { errcode: 261 });

/** A store in a file whose next look by a statement with this text fails, once. */
async function openFailing() {
  const next = { text: "", failed: 0 };
  const openDatabase = watching((sql, statement) => ({
    run: (...parameters) => statement.run(...parameters),
    all: (...parameters) => statement.all(...parameters),
    get: (...parameters) => {
      if (next.text === "" || !sql.includes(next.text)) return statement.get(...parameters);
      next.text = "";
      next.failed++;
      throw locked();
    },
  }));
  return { store: await openSqliteStore(`sqlite:${directory}/${++files}.db`, { openDatabase }), next };
}

test("what is committed is not performed again when waking up those who wait fails", async () => {
  const { store, next } = await openFailing();
  const reading = store.awaitEvents(0, { timeoutMs: 300, signal: new AbortController().signal });
  await turns(2);
  next.text = "max(cursor)";
  await Promise.all([
    store.submit([submissionOf(single(), 1)]),
    store.openSession({
      worker: "w",
      host: "h",
      pid: 1,
      leaseMs: 9_000,
      serves: [],
      queues: [],
      registers: [],
    }),
  ]);
  await turns(5);
  expect(next.failed).toBe(1);
  expect(await store.listWorkers()).toHaveLength(1);
  await reading;
  await store.close();
});

test("a look at the file that fails while nobody awaits it is repeated", async () => {
  const { store, next } = await openFailing();
  const thrown: unknown[] = [];
  const onThrown = (error: unknown) => thrown.push(error);
  process.on("uncaughtException", onThrown);
  const reading = store.awaitEvents(0, { timeoutMs: 1_000, signal: new AbortController().signal });
  await turns(2);
  next.text = "data_version";
  await new Promise((resolve) => setTimeout(resolve, 50));
  process.off("uncaughtException", onThrown);
  expect([next.failed, thrown]).toEqual([1, []]);
  await store.close();
  await reading;
});

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
