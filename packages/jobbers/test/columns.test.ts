import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import type { Command } from "../src/cli/command.js";
import { explain } from "../src/cli/commands/explain.js";
import { runs } from "../src/cli/commands/runs.js";
import { show } from "../src/cli/commands/show.js";
import { workers } from "../src/cli/commands/workers.js";
import { isEveryAddress } from "../src/cli/listen.js";
import { table } from "../src/cli/table.js";
import { connect, task } from "../src/index.js";

const NAME = `reindex-${"very-".repeat(8)}slowly`;
const busy = task({
  name: NAME,
  retry: { attempts: 1 },
  run: async () => {
    throw new Error(`there is no room left, ${"none whatsoever, ".repeat(6)}at all`);
  },
});

/** A store in a file of its own. */
async function openStore() {
  const directory = mkdtempSync(join(tmpdir(), "jobbers-columns-"));
  const url = `sqlite:${join(directory, "jobs.db")}`;
  const jobbers = await connect(url);
  onTestFinished(async () => {
    await jobbers.close();
    rmSync(directory, { recursive: true, maxRetries: 20 });
  });
  return { jobbers, url };
}

/** What a command prints where standard output has so many columns. */
async function printed(command: Command, args: Record<string, string>, columns?: number): Promise<string> {
  const texts: string[] = [];
  const print = (text: string) => void texts.push(text);
  const output = { json: false, terminal: undefined, columns, print, printJson() {}, note: print };
  await command.run({ args: args as never, positionals: [], all: () => [], output });
  return texts.join("\n");
}

const widest = (text: string) => Math.max(...text.split("\n").map((line) => line.length));

it("jobbers workers tells the live from the lost", async () => {
  const { jobbers, url } = await openStore();
  const about = { host: "h", pid: 1, serves: [], queues: ["default"], registers: [] };
  await jobbers.store.openSession({ ...about, worker: "there", leaseMs: 600_000 });
  await jobbers.store.openSession({ ...about, worker: "gone", leaseMs: 1 });
  await expect
    .poll(() => printed(workers, { store: url }))
    .toMatch(/^gone +lost .*\nthere +live |^there +live .*\ngone +lost /m);
});

it("listings fit a narrow terminal, and are whole where there is none", async () => {
  const { jobbers, url } = await openStore();
  const run = await jobbers.submit(busy, {});
  const worker = jobbers.worker({ workflows: [busy] });
  await worker.start();
  await run.result().catch(() => undefined);
  await worker.stop();
  const waits = await jobbers.submit(busy, {});
  const narrow = await printed(runs, { store: url }, 80);
  expect(widest(narrow)).toBeLessThanOrEqual(80);
  expect(narrow).toMatch(/reindex\S*… +failed/);
  expect(await printed(runs, { store: url })).toContain(NAME);

  const shown = await printed(show, { store: url, id: run.id }, 50);
  // A name is one word, which is not taken apart.
  expect(widest(shown)).toBeLessThanOrEqual(NAME.length + 12);
  expect(shown.replace(/\s+/g, " ")).toContain("none whatsoever, at all");

  const explained = await printed(explain, { store: url, id: waits.id }, 50);
  expect(explained.split("\n").length).toBeGreaterThan(
    (await printed(explain, { store: url, id: waits.id })).split("\n").length,
  );
});

it("a table takes room from the columns that may be cut, down to a few characters", () => {
  const rows = [["a".repeat(30), "b".repeat(20), "c".repeat(10)]];
  const fit = { columns: 40, soft: ["A", "B"] };
  const [, line] = table(["A", "B", "C"], rows, fit).split("\n") as [string, string];
  expect(line).toBe(`${"a".repeat(12)}…  ${"b".repeat(12)}…  ${"c".repeat(10)}`);
  const least = table(["A", "B", "C"], rows, { ...fit, columns: 5 });
  expect(widest(least)).toBe(8 + 2 + 8 + 2 + 10);
});

it("only the addresses that stand for all are all", () => {
  expect(["0.0.0.0", "::", "127.0.0.1", "::1", "10.0.0.1"].map(isEveryAddress)).toEqual([
    ...[true, true, false, false, false],
  ]);
});
