import { closeSync, existsSync, openSync, writeFileSync, writeSync } from "node:fs";
import type { Finding } from "@jobbers/core";
import { diagnoseSqlite, openSqliteStore } from "@jobbers/store-sqlite";
import { openingOf } from "@jobbers/testing";
import { DatabaseSync } from "@photostructure/sqlite";
import { expect, it } from "vitest";
import { testDirectory } from "./place.js";

const directory = testDirectory();

async function findingsOf(url: string): Promise<Record<string, Finding>> {
  const { findings } = await diagnoseSqlite(url);
  return Object.fromEntries(findings.map((each) => [each.name, each]));
}

it("a good file is found good, while others work on it", async () => {
  const url = `sqlite:${directory}/good.db`;
  const store = await openSqliteStore(url);
  await store.openSession(openingOf());
  const found = await findingsOf(url);
  expect(found).toMatchObject({
    version: { level: "ok" },
    journal: { level: "ok", value: "wal" },
    synchronous: { level: "ok", value: "full", sentence: expect.stringContaining("0 seconds") },
    schema: { level: "ok", value: "2" },
    integrity: { level: "ok", value: "ok" },
    sessions: { level: "ok", value: "1 open, 0 expired" },
    clock: { level: "ok" },
  });
  expect(found.size?.value).toMatch(/MB$/);
  expect(found.disk?.value).toMatch(/MB left$/);
  await store.close();
});

it("no file is made where there is none", async () => {
  const url = `sqlite:${directory}/none/none.db`;
  expect(await findingsOf(url)).toMatchObject({ file: { level: "ok", value: "none yet" } });
  expect(existsSync(`${directory}/none`)).toBe(false);
});

it("a file that is none of ours, or of a newer version, fails", async () => {
  writeFileSync(`${directory}/text.db`, "no database at all ".repeat(100));
  expect(await findingsOf(`sqlite:${directory}/text.db`)).toMatchObject({ file: { level: "fail" } });
  await (await openSqliteStore(`sqlite:${directory}/newer.db`)).close();
  const raw = new DatabaseSync(`${directory}/newer.db`);
  raw.exec("UPDATE jobbers SET value = 99 WHERE key = 'schema'");
  raw.close();
  expect(await findingsOf(`sqlite:${directory}/newer.db`)).toMatchObject({
    file: { level: "fail", value: "store-too-new" },
  });
});

it("a damaged file fails, a clock that is behind the store's warns", async () => {
  const url = `sqlite:${directory}/damaged.db`;
  await (await openSqliteStore(url)).close();
  const raw = new DatabaseSync(`${directory}/damaged.db`);
  raw.exec(`UPDATE clock SET ms = ${Date.now() + 3_600_000}`);
  const { rootpage } = raw.prepare("SELECT rootpage FROM sqlite_schema WHERE name = 'mail'").get() as {
    rootpage: number;
  };
  raw.close();
  const file = openSync(`${directory}/damaged.db`, "r+");
  writeSync(file, Buffer.alloc(4096, 0xee), 0, 4096, (rootpage - 1) * 4096);
  closeSync(file);
  expect(await findingsOf(url)).toMatchObject({ integrity: { level: "fail" }, clock: { level: "warn" } });
});

it("memory: has little to be said about", async () => {
  expect(await findingsOf("memory:")).toMatchObject({ file: { level: "ok", value: "none" } });
});
