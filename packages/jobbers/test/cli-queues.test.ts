import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { task } from "@jobbers/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { loadFiles } from "../src/cli/workflow-files.js";
import { connect } from "../src/index.js";
import { callCli } from "./cli-here.js";
import type { Ended } from "./cli-process.js";

const ping = task({ name: "ping", queue: "crawl", run: async () => "pong" });

/** Its queue says whose turn its steps take. */
const post = task({
  name: "post",
  queue: "mail",
  input: z.object({ to: z.string() }),
  run: async ({ to }) => to,
});

const fixtures = fileURLToPath(new URL("./fixtures", import.meta.url));

let cwd: string;
let store: string;

beforeAll(async () => {
  cwd = mkdtempSync(join(tmpdir(), "jobbers-queues-"));
  store = `sqlite:${join(cwd, "jobs.db")}`;
  await using jobbers = await connect(store, { queues: { crawl: { max: 4, priority: "strict" } } });
  await jobbers.submitMany(ping, [{ input: {} }, { input: {} }, { input: {} }]);
});
afterAll(() => rmSync(cwd, { recursive: true, maxRetries: 20 }));

const cli = (...args: string[]) => callCli(["queues", ...args, "--store", store], { cwd });
const json = ({ stdout }: Ended) => JSON.parse(stdout);

describe("jobbers queues", () => {
  it("lists, with what the code says and what an edit says, and who made it", async () => {
    expect((await cli()).stdout).toMatch(
      /^QUEUE +READY +RUNNING +WORKERS +MAX +PRIORITY +STATE\ncrawl +3 +0 +0 +4 +strict +orphaned\n$/,
    );
    const set = await cli("set", "crawl", "--max", "10");
    expect(set.stdout).toMatch(
      /^crawl: orphaned\n {2}ready 3, running 0, served by 0\n {2}at most 10 \(edited\); the code says 4\n {2}priorities strict \(code\)\n {2}edited by .+@.+, 20.+Z \(version 1\)\n$/,
    );
    expect((await cli("list")).stdout).toContain("10 (edited)");
    expect(json(await cli("show", "crawl", "--json"))).toMatchObject({
      ...{
        name: "crawl",
        ready: 3,
        settings: { max: 10, priority: "strict", default: { max: 4 }, edit: { max: 10 } },
      },
    });
    const both = await cli("set", "crawl", "--max", "default", "--priority", "weighted");
    expect(both.stdout).toContain(
      "  at most 4 (code)\n  priorities weighted (edited); the code says strict\n",
    );
  });

  it("shows weights and whose turn it is, and sets weights", async () => {
    const options = { mail: { fair: (i: { to: string }) => i.to, weights: { acme: 3 } } };
    await using jobbers = await connect(store, { queues: options });
    const worker = jobbers.worker({ workflows: [post] });
    await worker.start();
    await worker.stop();
    for (const to of ["acme", "acme"]) await jobbers.submit(post, { to });
    const { id } = await jobbers.submit(post, { to: "beta" });
    const why = await callCli(["explain", id, "--store", store], { cwd });
    expect(why.stdout.replace(/\s+/g, " ")).toMatch(/turn of beta \(weight 1, behind \d of 2 tenants\)/);
    const shown = await cli("show", "mail");
    expect(shown.stdout).toMatch(
      /weights acme=3 \(code\)\n\nTENANT +PRIORITY +WEIGHT +WAITING\nacme +5 +3 +2\nbeta +5 +1 +1\n$/,
    );
    const set = await cli("set", "mail", "--weight", "acme=default", "--weight", "a=b=7");
    expect(set.stdout).toContain("  weights a=b=7 (edited), acme=3 (code)\n");
    expect((await cli("set", "mail", "--weight", "acme=2")).stdout).toContain(
      "acme=2 (edited; the code says 3)",
    );
    expect(json(await cli("show", "mail", "--json"))).toMatchObject({
      settings: { weights: { acme: 2, "a=b": 7 }, default: { weights: { acme: 3 } } },
      tenants: [{ key: "acme", weight: 2, waiting: 2 }, { key: "beta" }],
    });
    await jobbers.queue("mail").obliterate();
  });

  it("are set as the files say that a worker loads", async () => {
    const files = ["steered.ts", "steered-otherwise.ts"].map((name) => join(fixtures, name));
    const run = await callCli(["run", "bow", files[0] as string, "--store", store], { cwd });
    expect(run).toMatchObject({ code: 0 });
    await using jobbers = await connect(store);
    expect((await jobbers.queue("polite").read())?.settings).toMatchObject({
      priority: "weighted",
      edit: {},
    });
    expect(await jobbers.store.listLimits()).toMatchObject([
      { name: "bow@polite/concurrency", default: { concurrency: 2 } },
    ]);
    await expect(loadFiles(files)).rejects.toMatchObject({
      code: "workflow-file-invalid",
      message: expect.stringContaining('steered-otherwise.ts says something else of queue "polite" than'),
    });
  });

  it("pauses, drains and resumes", async () => {
    expect((await cli("pause", "crawl")).stdout).toMatch(/^crawl: paused, orphaned\n/);
    expect((await cli("drain", "mail")).stdout).toMatch(/^mail: drained\n/);
    expect((await cli("resume", "crawl")).stdout).toMatch(/^crawl: orphaned\n/);
  });

  it.each([
    ["queues", "pause", "crawl"],
    ["queues", "set", "crawl", "--max", "5"],
    ["roles", "set", "crawler", "--queues", "crawl"],
    ["limits", "stripe", "--concurrency", "5"],
  ])("%s %s makes no store of a misspelt path", async (...args) => {
    const ended = await callCli([...args, "--store", "sqlite:none.db"], { cwd });
    expect(ended).toMatchObject({ code: 2, stdout: "" });
    expect(ended.stderr).toContain("there is no store at sqlite:none.db yet");
    expect(ended.stderr).toContain("Correct what --store");
    expect(existsSync(join(cwd, "none.db"))).toBe(false);
  });

  it("removes what waits, where the name is said again", async () => {
    const unsaid = await cli("obliterate", "crawl");
    expect(unsaid).toMatchObject({ code: 2, stderr: expect.stringContaining("--confirm crawl") });
    const wrong = await cli("obliterate", "crawl", "--confirm", "mail");
    expect(wrong).toMatchObject({ code: 2, stderr: expect.stringContaining("nothing was removed") });
    expect((await cli("obliterate", "crawl", "--confirm", "crawl")).stdout).toBe(
      "removed 3 steps from queue crawl; what runs goes on\n",
    );
  });

  it("makes a role, limits what its workers run at once, and shows it", async () => {
    const roles = (...args: string[]) => callCli(["roles", ...args, "--store", store], { cwd });
    expect(await roles("set", "crawler", "--concurrency", "5")).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("there is no role"),
    });
    const made = await roles("set", "crawler", "--queues", "crawl=3,mail", "--concurrency", "50");
    expect(made.stderr).toBe("");
    expect(made.stdout).toMatch(
      /^ROLE +QUEUES +RUNNING +WORKERS +VERSION +EDITED +BY\ncrawler +crawl=3,mail=1 +0\/50 +0 +1 +20.*Z +.+@.+\n$/,
    );
    expect(json(await roles("set", "crawler", "--concurrency", "none", "--json"))).not.toHaveProperty(
      "concurrency",
    );
    expect((await roles("show", "crawler")).stdout).toMatch(
      /^crawler: crawl=3,mail=1, played by 0\nVERSION +QUEUES +AT ONCE .*\n2 +crawl=3,mail=1 +- .*\n1 +crawl=3,mail=1 +50 /,
    );
    expect(await roles("set", "crawler", "--concurrency", "many")).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("--concurrency"),
    });
  });

  it.each([
    [["list", "crawl"], "list takes no queue"],
    [["pause"], "pause takes a queue"],
    [["set", "crawl"], "--max"],
    [["set", "crawl", "--weight", "acme=0"], "--weight acme is"],
    [["set", "crawl", "--weight", "acme=1.5"], "--weight acme is"],
    [["set", "crawl", "--weight", "3"], "--weight is"],
    [["pause", "crawl", "--weight", "acme=1"], "--weight goes with set"],
    [["set", "crawl", "--max", "0"], "--max is"],
    [["pause", "crawl", "--max", "1"], "--max goes with set"],
    [["set", "crawl", "--priority", "fair"], "--priority is"],
    [["stop", "crawl"], "ACTION is"],
    [["pause", "q".repeat(200)], "queue"],
    [["show", "nothing"], "nothing"],
  ])("refuses %j", async (args, says) => {
    expect(await cli(...args)).toMatchObject({ code: 2, stderr: expect.stringContaining(says) });
  });
});
