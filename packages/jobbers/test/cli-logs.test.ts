import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { createLogLines } from "../src/cli/log-lines.js";
import { callCli } from "./cli-here.js";
import { fixture, startCli } from "./cli-process.js";

const ID = "01ARZ3NDEKTSV4RRFFQ69G5FAV";

/** Some processes start one after the other. */
const LONG = { timeout: 60_000 };

let cwd: string;
beforeAll(() => {
  cwd = mkdtempSync(join(tmpdir(), "jobbers-logs-"));
});
afterAll(() => rmSync(cwd, { recursive: true, maxRetries: 20 }));

const env = { JOBBERS_STORE: "sqlite:jobs.db" };
const cli = (...args: string[]) => callCli(args, { cwd, env });

describe("jobbers logs", () => {
  it("follows a run until it ends, and tells its log afterwards", LONG, async () => {
    const gate = join(cwd, "gate");
    const worker = startCli(["worker", fixture("talker.ts"), "--name", "w1"], { cwd, env });
    onTestFinished(async () => {
      worker.child.kill("SIGKILL");
      await worker.ended;
    });
    await worker.until(/worker w1 .* serves talker/);
    await cli("submit", "talker", "--input", JSON.stringify({ gate }), "--id", ID);
    const following = startCli(["logs", ID, "--follow"], { cwd, env });
    onTestFinished(() => void following.child.kill("SIGKILL"));
    await following.until(/Z info {2}talker: begun \{"pages":3\}/);
    await following.until(/Z warn {2}talker: red \\u\{1b\}\[31m, a line\\n, \\u\{202e\}turned/);
    const left = startCli(["logs", ID, "--follow", "--level", "warn"], { cwd, env });
    await left.until(/red/);
    left.child.kill("SIGINT");
    expect(await left.ended).toMatchObject({ code: 130, stderr: "" });
    writeFileSync(gate, "");
    const { code, stdout, stderr } = await following.ended;
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout.trimEnd().split("\n")).toHaveLength(3);
    expect(stdout).toMatch(/Z debug talker: done\n$/);
    expect((await cli("logs", ID)).stdout).toBe(stdout);
    const lines = (await cli("logs", ID, "--json", "--level", "warn", "--step", "talker")).stdout.trimEnd();
    expect(JSON.parse(lines)).toMatchObject({
      level: "warn",
      step: "talker",
      message: expect.stringMatching(/^red/),
    });
    const wrong = await cli("logs", ID, "--level", "loud");
    expect(wrong).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/--level is "loud"; it takes debug,/),
    });
    expect((await cli("logs", "01ARZ3NDEKTSV4RRFFQ69G5FAW")).stderr).toContain("there is no run");
  });
});

describe("the lines of a log", () => {
  const line = (number: number, attempt = 1) =>
    ({ step: "a", attempt, number, level: "info", message: "m", atMs: 0 }) as const;

  it("say where some are missing, where all were asked for", () => {
    const show = createLogLines(true);
    const time = "1970-01-01T00:00:00.000Z";
    expect(show(line(3))).toEqual(["… 2 lines of a dropped", `${time} info  a: m`]);
    expect(show(line(4))).toEqual([`${time} info  a: m`]);
    expect(show({ ...line(1, 2), cut: true })).toEqual([`${time} info  a (attempt 2): m (cut)`]);
    expect(show(line(6))).toEqual(["… 1 line of a dropped", `${time} info  a: m`]);
    expect(createLogLines(false)(line(3))).toHaveLength(1);
  });
});
