import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Terminal, task } from "@jobbers/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { connect } from "../src/index.js";
import { callCli } from "./cli-here.js";
import type { Ended } from "./cli-process.js";

const picky = task({
  name: "picky",
  input: z.object({ n: z.number() }),
  run: async ({ n }) => {
    if (n < 0) throw new Terminal(`${n} is below 0`);
    return n;
  },
});

let cwd: string;
let store: string;
const runs: string[] = [];

beforeAll(async () => {
  cwd = mkdtempSync(join(tmpdir(), "jobbers-dead-"));
  store = `sqlite:${join(cwd, "jobs.db")}`;
  await using jobbers = await connect(store);
  const worker = jobbers.worker({ workflows: [picky], concurrency: 2 });
  await worker.start();
  for (const n of [-1, -2, -3]) {
    const run = await jobbers.submit(picky, { n });
    await expect(run.result()).rejects.toThrow(`${n} is below 0`);
    runs.push(run.id);
  }
  await worker.stop();
});
afterAll(() => rmSync(cwd, { recursive: true, maxRetries: 20 }));

const cli = (...args: string[]) => callCli([...args, "--store", store], { cwd });
const json = ({ stdout }: Ended) => JSON.parse(stdout);

describe("jobbers dead-letters", () => {
  it("lists, newest first, and counts", async () => {
    const ended = await cli("dead-letters", "list", "--task", "picky");
    expect(ended.code).toBe(0);
    const lines = ended.stdout.trim().split("\n");
    expect(lines.map((line) => line.split(" ")[0])).toEqual(["RUN", ...[...runs].reverse()]);
    expect(lines[1]).toMatch(/ picky +picky +error +1 .* Terminal: -3 is below 0$/);
    expect(ended.stderr).toMatch(/in all: picky 3/);
    expect(json(await cli("dead-letters", "list", "--limit", "1", "--json"))).toMatchObject([
      { run: runs[2] },
    ]);
    expect((await cli("dead-letters", "list", "--queue", "none")).stderr).toMatch(/no such dead letters/);
  });

  it("shows one", async () => {
    const ended = await cli("dead-letters", "show", runs[0] as string, "picky");
    expect(ended.stdout).toMatch(
      /^step picky of run .*\ntask picky in queue default\ndied .*: error, tries: 1\n/,
    );
    expect(ended.stdout).toContain('"n": -1');
    expect((await cli("dead-letters", "show", runs[0] as string, "other")).code).toBe(2);
  });

  it("asks before it does something to many, and does nothing where nobody is there", async () => {
    for (const action of ["redrive", "purge"]) {
      const ended = await cli("dead-letters", action, "--task", "picky");
      expect([ended.code, ended.stdout]).toEqual([2, ""]);
      expect(ended.stderr).toMatch(/--yes/);
    }
    expect(json(await cli("dead-letters", "list", "--json"))).toHaveLength(3);
  });

  it("redrives one with another input, redrives many, and purges", async () => {
    const [first, second] = runs as [string, string];
    const one = await cli("dead-letters", "redrive", first, "picky", "--input", '{"n": 1}');
    expect(one.stdout).toMatch(/step picky of run .* runs again/);
    expect(json(await cli("dead-letters", "redrive", first, "picky", "--json"))).toMatchObject({
      status: "running",
    });
    expect((await cli("dead-letters", "purge", second, "picky")).stdout).toMatch(/is gone/);
    expect((await cli("retry", second, "--from", "picky")).stdout).toMatch(/goes on: that step runs again/);
    expect((await cli("dead-letters", "redrive", "--task", "picky", "--yes")).stdout).toMatch(
      /^1 run goes on/,
    );
    expect(json(await cli("dead-letters", "purge", "--yes", "--json"))).toEqual({ letters: 0 });
    await using jobbers = await connect(store);
    const worker = jobbers.worker({ workflows: [picky], concurrency: 2 });
    await worker.start();
    expect(await jobbers.run(first, picky).result()).toBe(1);
    await expect(jobbers.run(second).result()).rejects.toThrow("-2 is below 0");
    await worker.stop();
  });

  it("refuses what makes no sense together", async () => {
    const [run] = runs as [string];
    for (const [args, message] of [
      [["redrive", run], /jobbers retry/],
      [["purge", run, "picky", "--task", "picky"], /--task/],
      [["redrive", "--input", "{}", "--yes"], /--input/],
    ] as const) {
      const ended = await cli("dead-letters", ...args);
      expect(ended.code).toBe(2);
      expect(ended.stderr).toMatch(message);
    }
  });
});

describe("jobbers.deadLetters", () => {
  it("checks an edited input by the task's own schema, and forgets", async () => {
    await using jobbers = await connect("memory:");
    const worker = jobbers.worker({ workflows: [picky] });
    await worker.start();
    const run = await jobbers.submit(picky, { n: -1 });
    await expect(run.result()).rejects.toThrow();
    const letter = { run: run.id, step: "picky" };
    const strict = task({
      name: "picky",
      input: {
        "~standard": {
          version: 1,
          vendor: "test",
          validate: () => ({ issues: [{ message: "too odd", path: ["n"] }] }),
        },
      },
      run: async () => 1,
    });
    await expect(
      jobbers.deadLetters.redrive(letter, { input: { n: 3 }, task: strict }),
    ).rejects.toMatchObject({
      code: "input-invalid",
    });
    expect(await jobbers.deadLetters.get(run.id, "picky")).toMatchObject({ input: { n: -1 }, edited: false });
    await expect(jobbers.deadLetters.redrive({ ...letter, step: "b" })).rejects.toMatchObject({
      code: "step-unknown",
    });
    expect(await jobbers.deadLetters.redrive(letter, { input: { n: 3 }, task: picky })).toBe("retried");
    expect(await run.result()).toBe(3);
    expect(await jobbers.deadLetters.count()).toEqual([]);
    const bad = await jobbers.submit(picky, { n: -5 });
    await expect(bad.result()).rejects.toThrow();
    expect(await jobbers.deadLetters.redriveAll({ reason: "timeout" })).toEqual({ runs: 0 });
    expect(await jobbers.deadLetters.purge({ run: bad.id, step: "picky" })).toBe(true);
    expect(await bad.retry({ from: "picky" })).toBe("retried");
    await expect(bad.result()).rejects.toThrow();
    expect(await jobbers.deadLetters.purgeAll()).toEqual({ letters: 1 });
    await expect(bad.retry({ from: "nobody" })).rejects.toMatchObject({ code: "step-unknown" });
    await worker.stop();
  });
});
