import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Store } from "@jobbers/core";
import { findRegistered } from "@jobbers/runs";
import { hostIdentity } from "@jobbers/worker";
import { afterEach, describe, expect, it, onTestFinished } from "vitest";
import { z } from "zod";
import { connect, dag, type Jobbers, task } from "../src/index.js";
import { startRedis } from "./redis-server.js";

const echo = task({ name: "echo", input: z.unknown(), run: async (input) => input as never });

/** A dag whose schema changes what it is given; versions differ in their plan, and in what they make of an input. */
const greet = (version: string) =>
  dag(
    "greet",
    { input: z.object({ n: z.coerce.number(), version: z.string().default(version) }), tags: ["greeting"] },
    (input) => ({ said: echo(input, { name: `said-${version}` }) }),
  );
const plain = dag("plain", {}, () => echo({}));

let open: Jobbers[] = [];
afterEach(async () => {
  await Promise.all(open.map((jobbers) => jobbers.close()));
  open = [];
});

async function connected(url: string): Promise<Jobbers> {
  const jobbers = await connect(url);
  open.push(jobbers);
  return jobbers;
}

/** Two connections to one fresh store: that of workers, and that of somebody without their code. */
async function bothSides(kind: "sqlite" | "redis") {
  const dir = await mkdtemp(join(tmpdir(), "jobbers-unparsed-"));
  onTestFinished(() => rm(dir, { recursive: true, force: true, maxRetries: 20 }));
  const url = kind === "redis" ? await startRedis() : `sqlite:${join(dir, "jobs.db")}`;
  return { working: await connected(url), store: (await connected(url)).store, outside: open[1] as Jobbers };
}

/** A pid that is nobody's any more. */
async function deadPid(): Promise<number> {
  const child = spawn(process.execPath, ["-e", ""]);
  await once(child, "exit");
  return child.pid as number;
}

/** Takes the begin of a run on a session whose process is gone; answers whether there was one. */
async function takeAndDie(store: Store, serves: readonly string[]): Promise<boolean> {
  const { id: session } = await store.openSession({
    ...{ worker: "dead", host: hostIdentity(), pid: await deadPid(), leaseMs: 60_000 },
    ...{ serves, queues: ["default"], registers: [] },
  });
  const wants = { slots: 10, control: 10, queues: ["default"], inline: false };
  const { grants } = await store.exchange({ session, lane: 0, seq: 1, reports: [], wants });
  return grants.some(({ phase, lease }) => phase === "enter" && lease.address === "");
}

describe.each(["sqlite", "redis"] as const)("a dag that is submitted without its code, on %s", (kind) => {
  it("has its input parsed by a worker that has it, and only by such a one", async () => {
    const { working, outside, store } = await bothSides(kind);
    const registering = working.worker({ workflows: [greet("1")] });
    await registering.start();
    await registering.stop();
    const other = working.worker({ workflows: [echo, plain], name: "other" });
    await other.start();
    const workflow = await findRegistered(store, "greet");
    const run = await outside.submit(workflow, { n: "5" });
    // What comes later is done, so the worker was given all that it may have.
    await (await outside.submit(await findRegistered(store, "plain"), {})).result();
    expect(await run.status()).toMatchObject({ state: "running", tags: ["greeting"] });
    expect(await store.countSteps(run.id)).toEqual([]);
    await working.worker({ workflows: [greet("1")] }).start();
    expect(await run.result()).toEqual({ said: { n: 5, version: "1" } });
    expect(await store.readValues(run.id, [":input"])).toEqual({ ":input": '{"n":5,"version":"1"}' });
  });

  it("fails before its first step when its input does not fit", async () => {
    const { working, outside, store } = await bothSides(kind);
    await working.worker({ workflows: [greet("1")] }).start();
    const run = await outside.submit(await findRegistered(store, "greet"), { n: "many" });
    await expect(run.result()).rejects.toThrow(
      /failed before its first step: .*input-invalid.*input of dag "greet"\.n/,
    );
    const { state, failure } = await run.status();
    expect([state, failure?.step]).toEqual(["failed", ""]);
    expect(failure?.error.message).toContain("input-invalid");
    expect(await store.countSteps(run.id)).toEqual([]);
  });

  it("is the same run to who has the code and to who has not", async () => {
    const { working, outside, store } = await bothSides(kind);
    await working.worker({ workflows: [greet("1")] }).start();
    const workflow = await findRegistered(store, "greet");
    const run = await outside.submit(workflow, { n: "5" });
    await run.result();
    const [mine, theirs] = [
      await working.submitMany(greet("1"), [{ input: { n: "5" }, id: run.id }]),
      await outside.submitMany(workflow, [{ input: { n: "5" }, id: run.id }]),
    ];
    expect([mine[0]?.status, theirs[0]?.status]).toEqual(["existing", "existing"]);
    const [other] = await outside.submitMany(workflow, [{ input: { n: 5 }, id: run.id }]);
    expect(other).toMatchObject({ status: "refused", error: { code: "run-conflict" } });
  });

  it("keeps the plan it was submitted with, and is parsed by whatever version the worker has", async () => {
    const { working, outside, store } = await bothSides(kind);
    const registering = working.worker({ workflows: [greet("1")] });
    await registering.start();
    await registering.stop();
    const run = await outside.submit(await findRegistered(store, "greet"), { n: "5" });
    await working.worker({ workflows: [greet("2")] }).start();
    expect(await run.result()).toEqual({ said: { n: 5, version: "2" } });
    expect((await run.status()).plan).toBe(greet("1").version);
    expect(await store.getStep(run.id, "said-1")).toMatchObject({ state: "succeeded" });
  });

  it("begins with the next worker when the one that was to parse its input is gone", async () => {
    const { working, outside, store } = await bothSides(kind);
    const registering = working.worker({ workflows: [greet("1")] });
    await registering.start();
    await registering.stop();
    const run = await outside.submit(await findRegistered(store, "greet"), { n: "5" });
    expect(await takeAndDie(store, ["dag:greet"])).toBe(true);
    await working.worker({ workflows: [greet("1")], sweepMs: 100 }).start();
    expect(await run.result()).toEqual({ said: { n: 5, version: "1" } });
  });

  it("keeps a dag's large input, raw and then parsed", async () => {
    const { working, outside, store } = await bothSides(kind);
    await working.worker({ workflows: [greet("1")] }).start();
    const version = "x".repeat(200_000);
    const run = await outside.submit(await findRegistered(store, "greet"), { n: "5", version });
    expect(await run.result()).toEqual({ said: { n: 5, version } });
  });
});
