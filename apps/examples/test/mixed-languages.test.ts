import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { connect, ulid } from "jobbers";
import { describe, expect, it, onTestFinished } from "vitest";
import { readability } from "../src/mixed-languages/dag.js";
import { start } from "./child-process.js";
import { temporaryFolder, writeFiles } from "./fixture-project.js";
import { hasJava, hasPython } from "./languages.js";
import { startRedis } from "./redis-server.js";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const dag = join(root, "apps/examples/src/mixed-languages/dag.ts");
const jobbersCommand = join(root, "node_modules/.bin/jobbers");
const texts = {
  "brief.md": "# Title\n\nOne two. Three.\n\n```ts\nnot prose at all, whatever it says.\n```\n",
  "longer.txt": "One two three four five. Six seven.",
  'odd "<é>" &.txt': "One two three.",
  "picture.svg": "no text.",
};

const stores: [string, (folder: string) => Promise<string>][] = [
  ["SQLite", async (folder) => `sqlite:${join(folder, "jobs.db")}`],
  ["Redis", startRedis],
];

// What docs/guides/isolation-and-commands.md tells one to try.
describe.skipIf(!hasPython || !hasJava)(
  "TypeScript, Python and Java in one dag (skipped without them)",
  () => {
    it.each(stores)(
      "outlive a worker that is killed half way, on %s, and nothing is done again that was done",
      async (_, urlOf) => {
        const cwd = await temporaryFolder();
        await writeFiles(join(cwd, "texts"), texts);
        const store = await urlOf(cwd);
        const worker = (settings: NodeJS.ProcessEnv) =>
          start([jobbersCommand, "worker", dag, "--store", store, "--name", "reader"], cwd, settings);
        const journal = join(cwd, "journal.txt");
        await using jobbers = await connect(store);

        const dies = worker({ JOURNAL: journal, PAUSE: "50" });
        const id = ulid();
        const run = await jobbers.submit(readability, { folder: "texts", page: "page.html" }, { id });
        await dies.until(/half way/);
        const pids =
          /half way: (\d+) rests, its child is (\d+)/.exec(dies.said())?.slice(1).map(Number) ?? [];
        onTestFinished(() => {
          for (const pid of pids.filter(isAlive)) process.kill(pid, "SIGKILL");
        });
        expect(pids.map(isAlive)).toEqual([true, true]);
        dies.child.kill("SIGKILL");
        await dies.ended;
        await expect.poll(() => pids.map(isAlive), { timeout: 20_000 }).toEqual([false, false]);
        expect(await run.status()).toMatchObject({ state: "running" });

        const finishes = worker({ JOURNAL: journal });
        expect(await run.result()).toEqual({ page: "page.html", texts: 3, longest: "longer" });
        const page = await readFile(join(cwd, "page.html"), "utf8");
        expect(page).toMatch(/>longer<.*>3\.5<.*>odd "&lt;é>" &amp;<.*>3<.*>brief<.*>1\.5</);

        const lines = (await readFile(journal, "utf8")).trim().split("\n");
        const begun = lines.map((line) => line.replace(/ \d+$/, "")).sort();
        const reading = ["list-texts", "read-text[0]", "read-text[1]", "read-text[2]"];
        expect(begun).toEqual(["compare-texts", "compare-texts", "draw-chart", ...reading, "write-page"]);
        for await (const { address, state, tries, lost } of run.steps()) {
          const expected = { state: "succeeded", tries: 0, lost: address === "compare-texts" ? 1 : 0 };
          expect({ state, tries, lost }, address).toEqual(expected);
        }
        finishes.child.kill("SIGTERM");
        expect(await finishes.ended, finishes.said()).toBe(0);
      },
      60_000,
    );
  },
);

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
