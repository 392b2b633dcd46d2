import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Database, openSqliteStore } from "@jobbers/store-sqlite";
import { openDriver, samplePlans, submissionOf } from "@jobbers/testing";
import { DatabaseSync } from "@photostructure/sqlite";
import { describe, expect, test } from "vitest";
import { testDirectory } from "./place.js";

const directory = testDirectory();
const { single } = samplePlans;
let files = 0;
const newFile = () => join(directory, `${++files}.db`);

describe("a store's file", () => {
  test("is made, with its directory", async () => {
    const path = join(directory, "a", "b", "jobs.db");
    const store = await openSqliteStore(`sqlite:${path}`);
    expect(store.url).toBe(`sqlite:${path}`);
    await store.close();
    expect(existsSync(path)).toBe(true);
    expect(readdirSync(join(directory, "a", "b"))).toEqual(["jobs.db"]);
  });

  test("may be empty", async () => {
    const path = newFile();
    writeFileSync(path, "");
    await (await openSqliteStore(`sqlite:${path}`)).close();
    expect(readFileSync(path).length).toBeGreaterThan(0);
  });

  test.each(["a text", "x".repeat(5000), `SQLite format 3\0${"\x02".repeat(5000)}`])(
    "that is no database is refused, and not touched",
    async (content) => {
      const path = newFile();
      writeFileSync(path, content);
      await expect(openSqliteStore(`sqlite:${path}`)).rejects.toMatchObject({
        code: "store-not-a-database",
        message: expect.stringContaining(path),
      });
      expect(readFileSync(path, "utf8")).toBe(content);
    },
  );

  test.each(["DELETE", "WAL"])("of another program is refused, and not touched (%s)", async (mode) => {
    const path = newFile();
    const other = new DatabaseSync(path);
    other.exec(`PRAGMA journal_mode = ${mode}; CREATE TABLE theirs (x); INSERT INTO theirs VALUES (1)`);
    other.close();
    const before = readFileSync(path);
    await expect(openSqliteStore(`sqlite:${path}`)).rejects.toMatchObject({ code: "store-not-a-database" });
    expect(readFileSync(path).equals(before)).toBe(true);
  });

  test.each([
    [99, "newer", "store-too-new", /schema 99.*up to 2/],
    [1, "earlier", "store-too-old", /schema 1.*begin with a new file/],
  ])(
    "of schema %i, of a %s version, is refused, and not touched",
    async (schema, _version, code, message) => {
      const path = newFile();
      await (await openSqliteStore(`sqlite:${path}`)).close();
      const other = new DatabaseSync(path);
      other.exec(`UPDATE jobbers SET value = ${schema} WHERE key = 'schema'`);
      other.close();
      const before = readFileSync(path);
      await expect(openSqliteStore(`sqlite:${path}`)).rejects.toMatchObject({
        code,
        message: expect.stringMatching(message),
      });
      expect(readFileSync(path).equals(before)).toBe(true);
    },
  );

  test("that is a directory is refused", async () => {
    const path = newFile();
    mkdirSync(path);
    await expect(openSqliteStore(`sqlite:${path}`)).rejects.toMatchObject({ code: "store-not-a-database" });
  });

  test.each(["sqlite:", "sqlite::memory:", "postgres://x", "memory:x", "jobs.db"])(
    "%s is no URL",
    async (url) => {
      await expect(openSqliteStore(url)).rejects.toMatchObject({ code: "store-url-invalid" });
    },
  );

  test("can be made by many at once", async () => {
    const url = `sqlite:${newFile()}`;
    const stores = await Promise.all(Array.from({ length: 8 }, () => openSqliteStore(url)));
    for (const [i, store] of stores.entries()) await store.submit([submissionOf(single(), i)]);
    expect((await stores[0]?.listRuns({ limit: 100 }))?.runs).toHaveLength(8);
    await Promise.all(stores.map((store) => store.close()));
  });
});

describe("a disk that takes no more", () => {
  /** Opens a store together with the database below it. */
  async function openWithDatabase() {
    let database: Database | undefined;
    const store = await openSqliteStore(`sqlite:${newFile()}`, {
      openDatabase: (path) => (database = new DatabaseSync(path) as Database),
    });
    return { store, database: database as Database };
  }

  test.each([
    ["full", (database: Database) => fill(database), "PRAGMA max_page_count = 1000000", /disk .* is full/],
    [
      "read-only",
      (database: Database) => database.exec("PRAGMA query_only = 1"),
      "PRAGMA query_only = 0",
      /cannot be written/,
    ],
  ])(
    "because it is %s: the call rejects, nothing is half done, and goes through later",
    async (_, spoil, heal, message) => {
      const { store, database } = await openWithDatabase();
      const plan = single();
      const worker = await openDriver(store, { serves: ["a"] });
      const kept = submissionOf(plan, 1);
      await store.submit([kept]);
      spoil(database);
      const refused = Array.from({ length: 300 }, (_, i) =>
        submissionOf(plan, { i, filler: "x".repeat(900) }),
      );
      await expect(store.submit(refused)).rejects.toMatchObject({ message: expect.stringMatching(message) });
      expect((await store.listRuns({ limit: 10 })).runs.map(({ id }) => id)).toEqual([kept.id]);
      database.exec(heal);
      const results = await store.submit(refused);
      expect(results.every(({ status }) => status === "created")).toBe(true);
      expect(await worker.finish()).toBe(301);
      await store.close();
    },
  );
});

function fill(database: Database): void {
  const { page_count } = database.prepare("PRAGMA page_count").get() as { page_count: number };
  database.exec(`PRAGMA max_page_count = ${page_count + 2}`);
}
