import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Store } from "@jobbers/core";
import { openSqliteStore } from "@jobbers/store-sqlite";
import { turns } from "@jobbers/testing";
import { afterEach, expect, it, onTestFinished, vi } from "vitest";
import { connect, task } from "../src/index.js";
import { createJobbersWorker } from "../src/worker.js";

const noop = task({ name: "noop", run: async () => null });

afterEach(() => vi.useRealTimers());

/** Counts the calls of each verb. */
function counted(store: Store, calls: Map<string, number>): Store {
  return new Proxy(store, {
    get(target, key) {
      const member: unknown = Reflect.get(target, key, target);
      if (typeof member !== "function") return member;
      return (...args: unknown[]) => {
        calls.set(String(key), (calls.get(String(key)) ?? 0) + 1);
        return member.apply(target, args);
      };
    },
  });
}

// Each call is at least one command of a store behind a network. Who adds a poll has to take another away.
it.each([1, 2])("asks an idle store for no more than 90 things a minute, with %i lanes", async (lanes) => {
  vi.useFakeTimers({
    toFake: ["setTimeout", "clearTimeout", "setInterval", "performance", "hrtime", "Date"],
  });
  const calls = new Map<string, number>();
  const store = await openSqliteStore("memory:", { expireMemorySessions: true });
  const worker = createJobbersWorker(
    counted(store, calls),
    { workflows: [noop], lanes, random: () => 0 },
    new Set(),
  );
  await worker.start();
  await turns(20);
  calls.clear();
  for (let ms = 0; ms < 60_000; ms += 20) {
    await vi.advanceTimersByTimeAsync(20);
    await turns(3);
  }
  const total = [...calls.values()].reduce((sum, n) => sum + n, 0);
  expect([...calls.keys()].sort()).toEqual([
    "exchange",
    "listWorkers",
    "listen",
    "promoteDue",
    "purge",
    "readDurations",
    "reapSessions",
    "renew",
    "watchQueues",
  ]);
  expect(total, JSON.stringify(Object.fromEntries(calls))).toBeLessThanOrEqual(90);
  // Not because it sleeps for ever.
  for (const verb of ["exchange", "listen", "promoteDue", "reapSessions", "renew"])
    expect(calls.get(verb), verb).toBeGreaterThanOrEqual(10);
  vi.useRealTimers();
  await worker.stop();
  await store.close();
});

// Its promoter looks every five seconds by itself.
it("starts what another process schedules when that is due", async () => {
  const directory = mkdtempSync(join(tmpdir(), "jobbers-idle-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const url = `sqlite:${directory}/jobs.db`;
  await using here = await connect(url);
  await using there = await connect(url);
  await using worker = here.worker({ workflows: [noop] });
  await worker.start();
  // After the looks that it begins with.
  await (await there.submit(noop, {})).result();
  const fromMs = performance.now();
  await (await there.submit(noop, {}, { delay: 200 })).result();
  expect(performance.now() - fromMs).toBeGreaterThanOrEqual(199);
  expect(performance.now() - fromMs).toBeLessThan(3_000);
});
