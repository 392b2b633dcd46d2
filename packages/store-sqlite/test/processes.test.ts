import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Store } from "@jobbers/core";
import { openSqliteStore } from "@jobbers/store-sqlite";
import { openDriver } from "@jobbers/testing";
import { DatabaseSync } from "@photostructure/sqlite";
import { expect, test } from "vitest";
import { root, testDirectory } from "./place.js";

const directory = testDirectory();

interface Child {
  readonly process: ChildProcess;
  readonly ended: Promise<void>;
  /** Resolves when so many lines have come. */
  lines(count: number): Promise<void>;
  told(word: string): string[];
}

function start(url: string, most = 1_000_000): Child {
  const program = fileURLToPath(new URL("./exchanging-process.ts", import.meta.url));
  const child = spawn(process.execPath, ["--import", "tsx", program, url, String(most)], {
    cwd: root,
    env: { ...process.env, TSX_TSCONFIG_PATH: fileURLToPath(new URL("tsconfig.test.json", root)) },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let text = "";
  const waiting: { count: number; resolve: () => void }[] = [];
  const whole = () => text.slice(0, text.lastIndexOf("\n") + 1).split("\n");
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  child.stdout.setEncoding("utf8").on("data", (more: string) => {
    text += more;
    const count = whole().length;
    for (const wait of waiting) if (wait.count <= count) wait.resolve();
  });
  return {
    process: child,
    ended,
    lines: (count) => new Promise((resolve) => waiting.push({ count, resolve })),
    told: (word) =>
      whole().flatMap((line) => (line.startsWith(`${word} `) ? [line.slice(word.length + 1)] : [])),
  };
}

/** Takes back what dead processes held, and runs everything that is left. */
async function finishAll(store: Store, gone: readonly string[]): Promise<void> {
  while ((await store.reapSessions({ sweepMs: 1_000, limit: 500, gone })).more);
  await (await openDriver(store, { serves: ["a"], slots: 200 })).finish();
}

function check(path: string): void {
  const database = new DatabaseSync(path);
  expect(database.prepare("PRAGMA integrity_check").get()).toMatchObject({ integrity_check: "ok" });
  const sum = "SELECT (SELECT count(*) FROM ready) AS ready, (SELECT sum(depth) FROM lines) AS depth";
  const { ready, depth } = database.prepare(sum).get() as { ready: number; depth: number };
  expect([ready, depth]).toEqual([0, 0]);
  expect(database.prepare("SELECT count(*) AS n FROM held").get()).toMatchObject({ n: 0 });
  expect(database.prepare("SELECT count(*) AS n FROM runs WHERE held <> 0").get()).toMatchObject({ n: 0 });
  database.close();
}

test("a process killed at any moment loses nothing that was acknowledged", async () => {
  const path = `${directory}/killed.db`;
  const url = `sqlite:${path}`;
  const children: Child[] = [];
  for (let round = 0; round < 4; round++) {
    const child = start(url);
    children.push(child);
    await child.lines(200 + 300 * round);
    child.process.kill("SIGKILL");
    await child.ended;
  }
  const store = await openSqliteStore(url);
  for (const child of children) {
    for (const id of child.told("done")) {
      expect((await store.getRun(id))?.state).toBe("succeeded");
      expect(await store.readValues(id, ["a"])).toEqual({ a: JSON.stringify(id) });
    }
  }
  await finishAll(
    store,
    children.flatMap((child) => child.told("session")),
  );
  const submitted = children.flatMap((child) => child.told("submitted"));
  expect(submitted.length).toBeGreaterThan(500);
  for (const id of submitted) expect((await store.getRun(id))?.state).toBe("succeeded");
  await store.close();
  check(path);
}, 60_000);

test("several processes share one file", async () => {
  const path = `${directory}/shared.db`;
  const store = await openSqliteStore(`sqlite:${path}`);
  const children = [start(store.url, 40), start(store.url, 40)];
  await Promise.all(children.map((child) => child.ended));
  expect(children.map((child) => child.process.exitCode)).toEqual([0, 0]);
  await finishAll(store, []);
  const submitted = children.flatMap((child) => child.told("submitted"));
  expect(new Set(submitted).size).toBe(1600);
  for (const id of submitted)
    expect(await store.getStep(id, "a")).toMatchObject({ state: "succeeded", lost: 0 });
  const done = children.flatMap((child) => child.told("done"));
  expect(new Set(done).size).toBe(done.length);
  await store.close();
  check(path);
}, 60_000);
