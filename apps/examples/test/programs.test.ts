import { execFile } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { commandContext } from "jobbers";
import { describe, expect, it } from "vitest";
import { countWords, folderSizes, primes } from "../src/programs/tasks.js";
import { temporaryFolder } from "./fixture-project.js";
import { hasJava, hasPython } from "./languages.js";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const tasks = join(root, "apps/examples/src/programs/tasks.ts");
const jobbersCommand = join(root, "node_modules/.bin/jobbers");

describe("a program as a task", () => {
  it.skipIf(!hasPython)("in Python (skipped without python3)", async () => {
    const ctx = commandContext();
    const text = "To be\nor not to be";
    expect(await countWords.run({ text }, ctx)).toEqual({ to: 2, be: 2, or: 1, not: 1 });
    expect(ctx.heartbeats).toEqual([
      { at: "counting", done: 1, total: 2 },
      { at: "counting", done: 2, total: 2 },
    ]);
    expect(ctx.logged.map(({ message }) => message)).toEqual(["what goes to stderr is logged"]);
    await expect(countWords.run({ text: "" }, commandContext())).rejects.toMatchObject({
      ...{ code: "program-failed", name: "EmptyText", message: "there is no text to count" },
    });
  });

  it.skipIf(!hasJava)("in Java (skipped without a JDK)", async () => {
    const ctx = commandContext();
    expect(await primes.run({ below: 20 }, ctx)).toEqual({ count: 8, primes: [2, 3, 5, 7, 11, 13, 17, 19] });
    expect(ctx.heartbeats).toEqual([{ at: "sieved" }]);
  });

  it("in shell", async () => {
    const folder = await temporaryFolder();
    await mkdir(join(folder, 'odd "name"'));
    await writeFile(join(folder, 'odd "name"', "file"), "x".repeat(100_000));
    const [size] = await folderSizes.run({ folder }, commandContext());
    expect(size).toMatchObject({ folder: 'odd "name"' });
    expect(size?.kib).toBeGreaterThan(90);
    const nowhere = folderSizes.run({ folder: join(folder, "nowhere") }, commandContext());
    await expect(nowhere).rejects.toThrow(/exited with code 66; its last words on stderr:\n.*is no folder/);
  });
});

describe("a handler in a thread of its own", () => {
  it("is loaded from the TypeScript file that the command line loads", async () => {
    const cwd = await temporaryFolder();
    const args = [
      jobbersCommand,
      "run",
      "fibonacci",
      tasks,
      "--input",
      '{"n":20}',
      "--store",
      "memory:",
      "--json",
    ];
    const { stdout } = await promisify(execFile)(process.execPath, args, { cwd });
    expect(JSON.parse(stdout)).toMatchObject({ state: "succeeded", output: 6765 });
  }, 60_000);
});
