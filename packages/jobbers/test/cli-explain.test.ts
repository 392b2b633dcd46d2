import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { callCli } from "./cli-here.js";
import { fixture, startCli } from "./cli-process.js";

const ID = "01ARZ3NDEKTSV4RRFFQ69G5FAV";

/** A dozen processes start one after the other. */
const LONG = { timeout: 60_000 };

let cwd: string;
beforeAll(() => {
  cwd = mkdtempSync(join(tmpdir(), "jobbers-explain-"));
});
afterAll(() => rmSync(cwd, { recursive: true, maxRetries: 20 }));

const env = { JOBBERS_STORE: "sqlite:jobs.db" };
const cli = (...args: string[]) => callCli(args, { cwd, env });

describe("a run that is not further", () => {
  it("says why, what runs of it and how far that is, and who has it", LONG, async () => {
    const gate = join(cwd, "gate");
    const args = [
      "worker",
      fixture("parser.ts"),
      "--name",
      "w1",
      "--queues",
      "default",
      "--concurrency",
      "2",
    ];
    const worker = startCli(args, { cwd, env });
    onTestFinished(async () => {
      worker.child.kill("SIGKILL");
      await worker.ended;
    });
    await worker.until(/worker w1 .* serves parser/);
    const input = JSON.stringify({ files: ["a.txt", "b.txt", "c.txt"], gate });
    await cli("submit", "parser", "--input", input, "--id", ID);
    await worker.until(/holding a\.txt/);
    const watch = startCli(["watch", ID], { cwd, env });
    onTestFinished(() => void watch.child.kill("SIGKILL"));
    // What a worker hears from its handlers it tells with its next renewal.
    await watch.until(/● parse +\S+ +at "parsing first\.txt" since \d\d:\d\d:\d\dZ, 340 of 1,000/);

    const shown = (await cli("show", ID)).stdout;
    expect(shown).toMatch(
      /^running steps\n {2}parse +\S+s on w1 {2}at "parsing first\.txt" since \d\d:\d\d:\d\dZ, 340 of 1,000\n {2}parse~2\[0\] /m,
    );
    for (const line of shown.split("\n")) expect(line.length).toBeLessThanOrEqual(80);
    expect(JSON.parse((await cli("show", ID, "--json")).stdout)).toMatchObject({
      running: [
        { address: "parse", liveness: "running", progress: { done: 340 } },
        { address: "parse~2[0]" },
      ],
    });
    expect((await cli("workers")).stdout).toMatch(/^w1 +live +\S+ +2 +2\/2 +\d+ms +default /m);

    const whole = await cli("explain", ID);
    expect(whole).toMatchObject({ code: 0, stderr: "" });
    expect(whole.stdout).toMatch(/^Map each-file goes on: 0 of the 3 steps in its body/);
    expect(whole.stdout).toMatch(/^ {2}body-open {2}each-file, /m);
    expect(whole.stdout).toMatch(/^ {4}in-line {2}parse~2\[1\], queue default, priority 5, before 0, /m);
    for (const line of whole.stdout.split("\n")) expect(line.length).toBeLessThanOrEqual(80);
    const step = JSON.parse((await cli("explain", ID, "parse", "--json")).stdout) as Record<string, unknown>;
    expect(step).toMatchObject({
      ...{ run: ID, step: "parse", state: "running", atMs: expect.any(Number), left: 0 },
      causes: [{ type: "running", sinceMs: expect.any(Number), progress: { sinceMs: expect.any(Number) } }],
    });
    expect(step.sentence).toMatch(/, at "parsing first\.txt" for .*, 340 of 1,000; its lease/);

    writeFileSync(gate, "");
    await watch.until(/○ sum/);
    const served = /No live worker serves queue\s+sums[\s\S]*jobbers worker FILES\s+--queues sums\./;
    const waits = await cli("explain", ID);
    expect(waits.stdout).toMatch(served);
    expect(waits.stdout).toMatch(/^ {4}unserved-queue {2}queue sums$/m);
    watch.child.kill("SIGINT");
    await watch.ended;
  });

  it("ends as other commands do for what is not there", async () => {
    const run = await cli("explain", "01ARZ3NDEKTSV4RRFFQ69G5FAA");
    expect(run).toMatchObject({ code: 2, stdout: "" });
    expect(run.stderr).toMatch(/There is no run .*run-unknown/);
    const step = await cli("explain", ID, "nope", "--json");
    expect(step.code).toBe(2);
    expect(JSON.parse(step.stdout)).toMatchObject({ error: { code: "step-unknown" } });
    expect((await cli("explain", "x")).code).toBe(2);
    expect((await cli("explain", ID, "a", "b")).code).toBe(2);
  });
});
