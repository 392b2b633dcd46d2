import { spawnSync } from "node:child_process";
import { statSync } from "node:fs";
import { join } from "node:path";
import { diagnoseSqlite, openSqliteStore } from "@jobbers/store-sqlite";
import { checkAll, openDriver, samplePlans, submissionOf } from "@jobbers/testing";
import { expect, test } from "vitest";
import { testDirectory } from "./place.js";

const directory = testDirectory();
const COUNT = `import sqlite3, sys
database = sqlite3.connect(sys.argv[1], timeout=10)
print(database.execute("SELECT count(*) FROM runs WHERE state = 'succeeded'").fetchone()[0])
database.close()`;

/** Somebody else's program, with an SQLite of its own, looks into the file and goes: as a backup or a curious person would. */
function visit(path: string): number {
  const { status, stdout, stderr } = spawnSync("python3", ["-c", COUNT, path], { encoding: "utf8" });
  expect(status, stderr).toBe(0);
  return Number(stdout);
}

const hasVisitor = spawnSync("python3", ["-c", "import sqlite3"]).status === 0;
const RUNS = 10;

// A process that opens and closes the database's file by itself gives up the locks that SQLite holds in it. The next visitor then
// believes to be the last one, and takes the log away when it goes; what is acknowledged from then on is written to nowhere.
test.skipIf(!hasVisitor)(
  "what was acknowledged stays, whoever looks into the file meanwhile (skipped where python3 or its sqlite3 is missing)",
  async () => {
    const path = join(directory, "visited.db");
    const store = await openSqliteStore(`sqlite:${path}`);
    const worker = await openDriver(store, { serves: ["a"] });
    const logFile = () => statSync(`${path}-wal`, { throwIfNoEntry: false })?.ino;
    const log = logFile();
    expect(log).toBeDefined();
    // Everything that looks at the file, or opens it once more.
    const looks: readonly (() => Promise<unknown>)[] = [
      async () => {},
      () => store.diagnose(),
      () => diagnoseSqlite(`sqlite:${path}`),
      () => checkAll(store),
      async () => (await openSqliteStore(`sqlite:${path}`)).close(),
      () => store.renew(worker.session.id),
    ];
    for (const [round, look] of looks.entries()) {
      await look();
      expect(visit(path)).toBe(round * RUNS);
      await store.submit(Array.from({ length: RUNS }, (_, n) => submissionOf(samplePlans.single(), n)));
      expect(await worker.finish()).toBe(RUNS);
      expect(logFile(), "the log is the one that the store writes").toBe(log);
    }
    await store.close();
    expect(visit(path)).toBe(looks.length * RUNS);
  },
  60_000,
);
