import { Worker } from "node:worker_threads";
import type { Renewal } from "@jobbers/core";
import { openSqliteStore } from "@jobbers/store-sqlite";
import { openDriver, samplePlans, submissionOf } from "@jobbers/testing";
import { expect, test } from "vitest";
import { root, testDirectory } from "./place.js";

const directory = testDirectory();

/** Runs in a thread: renews a session and answers what it heard. */
const program = `
  const { parentPort, workerData } = require("node:worker_threads");
  const { pathToFileURL, fileURLToPath } = require("node:url");
  (async () => {
    const { register } = await import("tsx/esm/api");
    register({ tsconfig: workerData.tsconfig });
    const { openRenewer } = await import(workerData.module);
    const renewer = openRenewer(workerData.data);
    parentPort.on("message", async (session) => {
      if (session === null) await renewer.close().then(() => process.exit());
      else parentPort.postMessage(await renewer.renew(session));
    });
    parentPort.postMessage("ready");
  })();
`;

test("a thread of its own renews sessions while the main one is blocked", async () => {
  const store = await openSqliteStore(`sqlite:${directory}/renewed.db`);
  const { module, data } = store.renewal ?? { module: "", data: null };
  const tsconfig = new URL("tsconfig.test.json", root).pathname;
  const thread = new Worker(program, { eval: true, workerData: { module, data, tsconfig } });
  const next = () =>
    new Promise<unknown>((resolve, reject) => thread.once("message", resolve).once("error", reject));
  expect(await next()).toBe("ready");

  const worker = await openDriver(store, { serves: ["a"], leaseMs: 1_000 });
  await store.submit([submissionOf(samplePlans.single())]);
  await worker.take();
  const before = (await store.listWorkers())[0]?.expiresAtMs as number;
  const answer = next() as Promise<Renewal>;
  thread.postMessage(worker.session.id);
  expect(await answer).toEqual({ status: "alive", held: 1, mail: [] });
  expect((await store.listWorkers())[0]?.expiresAtMs).toBeGreaterThanOrEqual(before);

  await store.closeSession(worker.session.id);
  const after = next();
  thread.postMessage(worker.session.id);
  expect(await after).toMatchObject({ status: "lost" });
  const ended = new Promise((resolve) => thread.once("exit", resolve));
  thread.postMessage(null);
  await ended;
  await store.close();
});

test("sessions in memory need no renewal, and never end by themselves", async () => {
  let now = 1_000;
  const store = await openSqliteStore("memory:", { clock: () => now });
  expect(store.renewal).toBeUndefined();
  const worker = await openDriver(store, { serves: ["a"], leaseMs: 10 });
  for (let i = 0; i < 5; i++) {
    now += 1_000;
    expect(await store.reapSessions({ sweepMs: 1_000, limit: 10 })).toMatchObject({ sessions: [] });
  }
  expect(await worker.exchange([])).toMatchObject({ alive: true });
  await store.close();
});
