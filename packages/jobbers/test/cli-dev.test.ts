import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { callCli } from "./cli-here.js";
import { type CliProcess, fixture, runCli, startCli } from "./cli-process.js";

const LONG = { timeout: 60_000 };
const ID = "01ARZ3NDEKTSV4RRFFQ69G5FAV";

let cwd: string;
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), "jobbers-dev-"));
  mkdirSync(join(cwd, "node_modules"));
  symlinkSync(fileURLToPath(new URL("..", import.meta.url)), join(cwd, "node_modules/jobbers"), "dir");
  const zod = fileURLToPath(new URL("../../../node_modules/zod", import.meta.url));
  symlinkSync(zod, join(cwd, "node_modules/zod"), "dir");
  cpSync(fixture("held.ts"), join(cwd, "held.ts"));
  write("words.ts", 'export const word = "one";\n');
  write(
    "say.ts",
    'import { task } from "jobbers";\nimport { word } from "./words";\n' +
      'export const say = task({ name: "say", run: async () => `${word} in ${process.pid}` });\n',
  );
});

/** What a test has started; who still writes into the folder would put something there while it is taken away. */
const started: CliProcess[] = [];
afterEach(async () => {
  for (const { child } of started) child.kill("SIGKILL");
  await Promise.all(started.splice(0).map(({ ended }) => ended));
  await rm(cwd, { recursive: true, maxRetries: 20 });
});

const write = (name: string, text: string) => writeFileSync(join(cwd, name), text);

/** Starts `jobbers dev` on a free port; it is ended with the test, and its child with it. */
async function startDev(...args: string[]): Promise<{ dev: CliProcess; url: string }> {
  const dev = startCli(["dev", "say.ts", "held.ts", "--port", "0", ...args], { cwd });
  started.push(dev);
  const [, url] = await dev.until(/ready on (http:\S+):/);
  return { dev, url: url as string };
}

const cli = (url: string, ...args: string[]) => callCli([...args, "--url", url], { cwd });
/** What the task answers: its word, and the process that it ran in. */
async function said(url: string): Promise<[word: string, pid: number]> {
  const { stdout, stderr } = await cli(url, "submit", "say", "--wait", "--json");
  const answer = /^(\w+) in (\d+)$/.exec((JSON.parse(stdout || stderr) as { output: string }).output);
  return [answer?.[1] as string, Number(answer?.[2])];
}

const isAlive = (pid: number) => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

describe("jobbers dev", () => {
  it("goes on with new code at the same address, and with what was running", LONG, async () => {
    const { dev, url } = await startDev();
    const [first, pid] = await said(url);
    expect(first).toBe("one");
    const gate = join(cwd, "gate");
    const log = join(cwd, "log");
    const input = JSON.stringify({ items: [0, 1, 2, 3], log, gate });
    await cli(url, "submit", "held", "--input", input, "--id", ID);
    await dev.until(/holding 3/);
    await dev.until(new RegExp(`run ${ID} of held begins`));

    write("words.ts", 'export const word = "two";\n');
    await dev.until(/restarted because words\.ts changed\nready on/);
    const [second, next] = await said(url);
    expect(second).toBe("two");
    expect(next).not.toBe(pid);
    expect(isAlive(pid)).toBe(false);
    writeFileSync(gate, "");
    await dev.until(new RegExp(`run ${ID} of held succeeded after`));
    // What was done before the restart was not done again.
    expect(readFileSync(log, "utf8").trim().split("\n").sort()).toEqual(["0", "1", "2", "3"]);
    expect(JSON.parse((await cli(url, "workers", "--json")).stdout)).toHaveLength(1);
  });

  it("shows what is wrong with a file, goes on with the code before it, and tries again", LONG, async () => {
    const { dev, url } = await startDev();
    write("words.ts", "export const word = ;\n");
    await dev.until(/words\.ts.*Unexpected ";"[\s\S]*the code before it goes on; the next save tries again/);
    expect((await said(url))[0]).toBe("one");
    // As editors do that write a new file in place of the old one.
    write("words.tmp", 'export { word } from "./more";\n');
    renameSync(join(cwd, "words.tmp"), join(cwd, "words.ts"));
    await dev.until(/Cannot find module .*more/);
    write("more.ts", 'export const word = "three";\n');
    await dev.until(/restarted because more\.ts changed\nready on/);
    expect((await said(url))[0]).toBe("three");
  });

  it(
    "goes on with the code that loaded last, though a broken save comes before it could serve",
    LONG,
    async () => {
      const { dev, url } = await startDev();
      const gate = join(cwd, "gate");
      const input = JSON.stringify({ items: [3], log: join(cwd, "log"), gate });
      await cli(url, "submit", "held", "--input", input, "--id", ID);
      await dev.until(/holding 3/);
      // What runs has two seconds to finish: so long the new code waits.
      write("words.ts", 'export const word = "two";\n');
      await dev.until(/words\.ts changed: what runs has 2 s to finish/);
      write("words.ts", "export const word = ;\n");
      await dev.until(/the code before it goes on; the next save tries again/);
      await dev.until(/restarted because .* changed/);
      await dev.until(/ready on .*[\s\S]*ready on /);
      expect((await said(url))[0]).toBe("two");
      writeFileSync(gate, "");
    },
  );

  it("leaves no process behind, however it ends", LONG, async () => {
    const { dev, url } = await startDev();
    const [, pid] = await said(url);
    dev.child.kill("SIGKILL");
    await dev.ended;
    await expect.poll(() => isAlive(pid), { timeout: 10_000 }).toBe(false);

    const again = await startDev();
    const [, second] = await said(again.url);
    again.dev.child.kill("SIGINT");
    const ended = await again.dev.ended;
    expect(ended.code).toBe(0);
    expect(ended.stderr).toMatch(/SIGINT: finishing what runs[\s\S]*dev has left; nothing was lost/);
    expect(isAlive(second)).toBe(false);
  });

  it("says that memory: forgets, and keeps standard output for its document", LONG, async () => {
    const { dev, url } = await startDev("--store", "memory:", "--json");
    await dev.until(/memory: a restart forgets all runs/);
    dev.child.kill("SIGTERM");
    const { stdout, code } = await dev.ended;
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ url, pid: dev.child.pid, workflows: ["say", "held"] });
    expect(existsSync(join(cwd, ".jobbers"))).toBe(false);
  });

  it("ends at once where it could never serve", LONG, async () => {
    const { url } = await startDev();
    const taken = new URL(url).port;
    const ended = await runCli(["dev", "say.ts", "--port", taken, "--store", "memory:"], { cwd });
    expect(ended).toMatchObject({ code: 2, stdout: "" });
    expect(ended.stderr).toMatch(new RegExp(`port ${taken} at 127.0.0.1 is taken`));
    const store = await runCli(["dev", "say.ts", "--port", "0", "--store", "nonsense"], { cwd });
    expect(store.stderr).toMatch(/"nonsense" is no URL of a store/);
    expect(store.code).toBe(2);
  });
});
