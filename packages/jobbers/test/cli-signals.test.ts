import { existsSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { callCli } from "./cli-here.js";
import { fixture, startCli } from "./cli-process.js";

const ID = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
const held = fixture("held.ts");

let cwd: string;
let input: { items: number[]; log: string; gate: string };
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), "jobbers-signals-"));
  input = { items: [0, 1, 2, 3, 4, 5], log: join(cwd, "log"), gate: join(cwd, "gate") };
});
afterEach(() => rm(cwd, { recursive: true, maxRetries: 20 }));

const start = (...args: string[]) => startCli(args, { cwd });
const runHeld = () =>
  start("run", "held", held, "--input", JSON.stringify(input), "--id", ID, "--concurrency", "1", "--json");
const openGate = () => writeFileSync(input.gate, "");
const executed = () =>
  existsSync(input.log) ? readFileSync(input.log, "utf8").trim().split("\n").map(Number) : [];
const done = { id: ID, state: "succeeded", output: [0, 2, 4, 6, 8, 10] };

describe("jobbers run", () => {
  it("killed half way and started again with the same id, finishes that run", async () => {
    const first = runHeld();
    await first.until(/holding 3/);
    first.child.kill("SIGKILL");
    expect(await first.ended).toMatchObject({ code: null, signal: "SIGKILL", stdout: "" });
    expect(executed()).toEqual([0, 1, 2]);
    openGate();
    const second = await runHeld().ended;
    expect(second.code).toBe(0);
    expect(JSON.parse(second.stdout)).toEqual(done);
    // What was acknowledged did not run again; the step that was under way did, and only it.
    expect(executed().sort()).toEqual([0, 1, 2, 3, 4, 5]);
    const listed = JSON.parse((await callCli(["runs", "--json"], { cwd })).stdout) as unknown[];
    expect(listed).toEqual([expect.objectContaining({ id: ID, state: "succeeded" })]);
  });

  it.each(["SIGTERM", "SIGINT", "SIGQUIT"] as const)(
    "drains on %s, and the same id goes on",
    async (signal) => {
      const first = runHeld();
      await first.until(/holding 3/);
      first.child.kill(signal);
      await first.until(new RegExp(`${signal}: finishing what runs`));
      openGate();
      const ended = await first.ended;
      expect(ended.code).toBe(4);
      expect(ended.stderr).toContain(`--id ${ID} goes on with it`);
      expect(JSON.parse(ended.stdout)).toEqual({ id: ID, state: "running" });
      expect(executed()).toEqual([0, 1, 2, 3]);
      const second = await runHeld().ended;
      expect(JSON.parse(second.stdout)).toEqual(done);
      expect(executed()).toEqual([0, 1, 2, 3, 4, 5]);
    },
  );

  it("gives back what runs on a second signal, at the cost of no try", async () => {
    const first = runHeld();
    await first.until(/holding 3/);
    first.child.kill("SIGTERM");
    await first.until(/SIGTERM: finishing/);
    first.child.kill("SIGTERM");
    expect((await first.ended).code).toBe(128 + 15);
    const shown = JSON.parse((await callCli(["show", ID, "--json"], { cwd })).stdout) as {
      steps: { name: string }[];
    };
    expect(shown).toMatchObject({ state: "running" });
    expect(shown.steps.find(({ name }) => name === "work")).toMatchObject({
      counts: { succeeded: 3, ready: 3 },
    });
  });
});

describe("jobbers worker", () => {
  it("serves what others submit by name, and drains with exit code 0", async () => {
    openGate();
    const worker = start("worker", held, fixture("greet.ts"), "--name", "one", "--json");
    await worker.until(/worker one \(pid \d+\) serves/);
    const submit = (...more: string[]) =>
      callCli(["submit", "held", "--input", JSON.stringify(input), "--id", ID, "--json", ...more], { cwd });
    expect(JSON.parse((await submit()).stdout)).toMatchObject({ id: ID });
    expect(JSON.parse((await submit("--wait")).stdout)).toEqual(done);
    worker.child.kill("SIGTERM");
    const ended = await worker.ended;
    expect(ended.code).toBe(0);
    expect(ended.stderr).toContain("worker one has left; nothing was lost");
    expect(JSON.parse(ended.stdout)).toMatchObject({ worker: "one", pid: worker.child.pid });
  });
});
