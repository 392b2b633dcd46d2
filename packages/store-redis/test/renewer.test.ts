import type { Renewer } from "@jobbers/core";
import { openRedisStore } from "@jobbers/store-redis";
import { openDriver, submissionOf } from "@jobbers/testing";
import { Redis } from "ioredis";
import { expect, onTestFinished, test } from "vitest";
import { startRedis } from "./redis-server.js";
import { single } from "./sample-plans.js";
import { shareRedis } from "./shared-redis.js";

test("the renewal module renews on a connection of its own", async () => {
  const server = await shareRedis();
  onTestFinished(server.stop);
  const store = await openRedisStore(server.url, { namespace: server.newNamespace() });
  const worker = await openDriver(store, { serves: ["a"] });
  await store.submit([submissionOf(single(), 1)]);
  await worker.take();
  const { module, data } = store.renewal as NonNullable<typeof store.renewal>;
  const { openRenewer } = (await import(module)) as { openRenewer(data: unknown): Renewer };
  const renewer = openRenewer(JSON.parse(JSON.stringify(data)));
  const before = (await store.listWorkers())[0]?.expiresAtMs ?? 0;
  await new Promise((done) => setTimeout(done, 5));
  expect(await renewer.renew(worker.session.id)).toEqual({ status: "alive", held: 1, mail: [] });
  expect((await store.listWorkers())[0]?.expiresAtMs).toBeGreaterThan(before);
  expect(await renewer.renew("nobody")).toEqual({ status: "lost", held: 0, mail: [] });
  await renewer.close();
  await store.close();
});

test("who only waits asks the server less than twice a second", async () => {
  // What others do would count as well.
  const server = await startRedis();
  onTestFinished(server.stop);
  const store = await openRedisStore(server.url);
  const worker = await openDriver(store, { serves: ["a"] });
  const admin = new Redis(server.url);
  const controller = new AbortController();
  const waiting = store.listen(worker.session.id, {
    queues: ["default"],
    timeoutMs: 60_000,
    signal: controller.signal,
  });
  await new Promise((done) => setTimeout(done, 500));
  const calls = async () =>
    [
      ...(await admin.info("commandstats")).matchAll(/^cmdstat_(evalsha|blpop|eval|hget):calls=(\d+)/gm),
    ].reduce((sum, [, , n]) => sum + Number(n), 0);
  const before = await calls();
  await new Promise((done) => setTimeout(done, 5_000));
  // One look (and what it looks at inside) and one wait at the mailbox each five or six seconds.
  expect((await calls()) - before).toBeLessThanOrEqual(6);
  controller.abort();
  await waiting;
  admin.disconnect();
  await store.close();
});

test("an idle worker's calls are one command each, however many others there are", async () => {
  const server = await startRedis();
  onTestFinished(server.stop);
  const store = await openRedisStore(server.url, { namespace: "calls" });
  const workers = await Promise.all([1, 2, 3].map(() => openDriver(store, { serves: ["a"] })));
  const [first] = workers as [(typeof workers)[0]];
  const round = async () => {
    await first.exchange([]);
    const wait = { queues: ["default"], timeoutMs: 10, signal: new AbortController().signal };
    await store.listen(first.session.id, wait);
    await store.promoteDue(500);
    await store.listWorkers();
    await store.reapSessions({ sweepMs: 5_000, limit: 500 });
    await store.renew(first.session.id);
    const keep = { ageMs: 1_000, count: 10 };
    await store.purge({ succeeded: keep, failed: keep, cancelled: keep }, 500);
  };
  // The first time the scripts' texts are sent, and the mailbox opened; and who listened a moment ago need not say so again.
  await round();
  const admin = new Redis(server.url);
  const monitor = await admin.monitor();
  const seen: string[] = [];
  const isOver = new Promise<void>((resolve) => {
    monitor.on("monitor", (_at: string, [command = "", ...args]: string[], source: string) => {
      if (command === "echo") resolve();
      else if (source !== "lua" && args.join(" ").includes("{calls:0}")) seen.push(command.toLowerCase());
    });
  });
  await round();
  await admin.echo("over");
  await isOver;
  expect(seen).toEqual(Array.from({ length: 6 }, () => "evalsha"));
  monitor.disconnect();
  admin.disconnect();
  await store.close();
});
