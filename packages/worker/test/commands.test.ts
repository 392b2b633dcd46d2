import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { type AnyTask, type CommandOptions, command, type TaskLog } from "@jobbers/core";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { createCommandContext, type WorkerOptions } from "../src/index.js";
import { LogLines } from "../src/programs/log-lines.js";
import { ended, openStore, recorder, result, schema, startWorker, submit } from "./bench.js";

const environment = { PATH: process.env.PATH, JOBBERS_STORE: "redis://:secret@host", OWN: "inherited" };

function shell(script: string, more: Partial<CommandOptions<never, unknown>> = {}): AnyTask {
  const name = "shell";
  return command({ name, run: ["sh", "-c", script], retry: { attempts: 1 }, ...more } as never) as AnyTask;
}

async function stage(workflow: AnyTask, input: object = {}, more: Partial<WorkerOptions> = {}) {
  const store = await openStore();
  const lines: { readonly level: string; readonly message: string; readonly fields: object }[] = [];
  const write = (level: keyof TaskLog) => (message: string, fields?: object) =>
    void lines.push({ level, message, fields: { ...fields } });
  const log = { debug: write("debug"), info: write("info"), warn: write("warn"), error: write("error") };
  const { observe, seen } = recorder();
  const worker = await startWorker({ store, workflows: [workflow], log, observe, environment, ...more });
  const run = await submit(store, workflow, input as never);
  const failure = async () => {
    expect(await ended(store, run)).toBe("failed");
    return JSON.parse((await store.getRun(run))?.failure ?? "{}").error as { name: string; message: string };
  };
  const reason = async () => ((await store.getStep(run, "shell")) as { reason?: string }).reason;
  return { store, worker, lines, seen, run, failure, reason, answer: () => result(store, run, workflow) };
}

function lives(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/stat`, "latin1").split(") ")[1]?.[0] !== "Z";
  } catch {
    return false;
  }
}

const untilDead = (pids: readonly number[], timeout: number) =>
  vi.waitFor(() => expect(pids.filter(lives)).toEqual([]), { timeout, interval: 10 });

/** Should the code fail them, nothing of a test goes on. */
function endWithTest(pids: readonly number[]): void {
  onTestFinished(() => {
    for (const pid of pids.filter(lives)) process.kill(pid, "SIGKILL");
  });
}

/** Waits until the program has said its pids in a heartbeat. */
async function pidsOf({ worker }: Awaited<ReturnType<typeof stage>>): Promise<number[]> {
  const pids = await vi.waitFor(
    () => {
      const detail = worker.stats().running[0]?.progress?.detail;
      expect(detail).toBeDefined();
      return detail as number[];
    },
    { timeout: 10_000, interval: 5 },
  );
  endWithTest(pids);
  return pids;
}

describe("a command", () => {
  it("gets its input as JSON on stdin and who it is in its environment; what it prints is its output", async () => {
    const input = schema<{ n: number }, { n: number; twice: number }>((given) => ({
      ...given,
      twice: given.n * 2,
    }));
    const script = `
      let text = ""; process.stdin.on("data", (part) => text += part).on("end", () => {
        const { JOBBERS_RUN, JOBBERS_STEP, JOBBERS_ATTEMPT, JOBBERS_TRIES, JOBBERS_IDEMPOTENCY_KEY, JOBBERS_STORE, OWN, MORE } = process.env;
        console.log(JSON.stringify({ input: JSON.parse(text), JOBBERS_RUN, JOBBERS_STEP, JOBBERS_ATTEMPT, JOBBERS_TRIES, JOBBERS_IDEMPOTENCY_KEY, JOBBERS_STORE, OWN, MORE, argv: process.argv.slice(1), cwd: process.cwd() }, null, 2));
      });`;
    const run = ({ n }: { n: number }) => [process.execPath, "-e", script, "--", `--n=${n}; $(touch x)`];
    const own = command({
      name: "shell",
      retry: { attempts: 1 },
      input,
      run,
      cwd: "/",
      env: { MORE: "set" },
    });
    const { answer, run: id } = await stage(own as AnyTask, { n: 4 });
    expect(await answer()).toEqual({
      ...{ input: { n: 4, twice: 8 }, argv: ["--n=4; $(touch x)"], cwd: "/", OWN: "inherited", MORE: "set" },
      ...{ JOBBERS_RUN: id, JOBBERS_STEP: "shell", JOBBERS_ATTEMPT: "1", JOBBERS_TRIES: "1" },
      JOBBERS_IDEMPOTENCY_KEY: `${id}:shell`,
    });
  });

  it("tells of heartbeats and log lines on stdout, and logs its stderr; the last line may be the output", async () => {
    const { answer, lines, run } = await stage(
      shell(`
        echo '{"jobbers":"heartbeat","at":"half","done":1,"total":2}'
        echo '{"jobbers":"log","level":"warn","message":"careful","fields":{"n":1}}'
        echo '{"jobbers":"dance"}'
        echo chatter; echo "to stderr" >&2
        echo '{"a":1}'`),
    );
    expect(await answer()).toEqual({ a: 1 });
    const about = { run, step: "shell", attempt: 1 };
    expect(lines).toContainEqual({ level: "warn", message: "careful", fields: { ...about, n: 1 } });
    expect(lines).toContainEqual({
      level: "info",
      message: "to stderr",
      fields: { ...about, from: "stderr" },
    });
    expect(lines).toContainEqual({ level: "info", message: "chatter", fields: { ...about, from: "stdout" } });
    expect(lines.map(({ message }) => message).join("\n")).toMatch(
      /a line for Jobbers cannot be read: "jobbers" is "dance"/,
    );
  });

  it("answers a list where its stdout is NDJSON, and null where it prints nothing", async () => {
    const list = await stage(shell("echo 1; echo; echo '{\"b\":2}'", { stdout: "ndjson" }));
    expect(await list.answer()).toEqual([1, { b: 2 }]);
    expect(await (await stage(shell("true"))).answer()).toBeNull();
    const broken = await stage(shell("echo 1; echo no", { stdout: "ndjson" }));
    expect((await broken.failure()).message).toMatch(/^line 2 of the stdout of shell is not JSON/);
  });

  it.each([
    [1, "", "retry", /^shell exited with code 1; its last words on stderr:\nwhy$/, 7_200_000],
    [75, "", "retry", /exited with code 75/, 7_200_000],
    [64, "", "failed", /exited with code 64/, undefined],
    [9, "", "failed", /exited with code 9/, undefined],
    [3, '{"jobbers":"error","message":"gone","name":"Gone","terminal":true}', "failed", /^gone$/, undefined],
    [64, '{"jobbers":"error","message":"wait","retryAfter":"1h"}', "retry", /^wait$/, 3_600_000],
  ])("maps exit code %i, having said %j, to %s", async (code, line, report, message, inMs) => {
    const script = `echo why >&2; echo '${line}'; exit ${code}`;
    const exitCodes = { terminal: [9, 64] };
    const told: { error: unknown; retryInMs: number | undefined }[] = [];
    const hooks = { onError: (event: (typeof told)[number]) => void told.push(event) };
    const own = shell(script, { retry: { attempts: 2, delay: "2h", jitter: false }, exitCodes });
    const { seen } = await stage(own, {}, { hooks });
    expect(await seen({ type: "reported" })).toMatchObject({ report });
    expect((told[0]?.error as Error | undefined)?.message).toMatch(message);
    expect(told[0]?.retryInMs).toBe(inMs);
  });

  it("fails with a clear error when it cannot start, prints no JSON, or is ended by a signal", async () => {
    const absent = await stage(shell("", { run: ["no-such-program-here"] }));
    expect((await absent.failure()).message).toBe(
      'shell cannot start "no-such-program-here": there is no such program',
    );
    const nowhere = await stage(shell("true", { cwd: "/nowhere" }));
    expect((await nowhere.failure()).message).toMatch(/its directory \/nowhere does not exist/);
    const text = await stage(shell("echo hello"));
    expect((await text.failure()).message).toMatch(
      /^the stdout of shell is not JSON: .*it begins with "hello"$/,
    );
    expect(await text.reason()).toBe("invalid-output");
    const killed = await stage(shell("kill -SEGV $$"));
    expect((await killed.failure()).message).toMatch(/^shell was ended by SIGSEGV/);
    const odd = await stage(shell("", { run: (() => []) as never }));
    expect((await odd.failure()).message).toMatch(/what run answered is a list/);
  });

  it("that prints without end is stopped, and takes no more memory than its output may have", async () => {
    const before = process.memoryUsage().rss;
    const { failure, reason } = await stage(shell("yes 0123456789", { killAfter: "1s" }));
    expect((await failure()).message).toMatch(/printed more than 16 MiB to stdout.*it was stopped/);
    expect(await reason()).toBe("invalid-output");
    const oneLine = await stage(shell("head -c 1000000000 /dev/zero | tr '\\0' x"));
    expect((await oneLine.failure()).message).toMatch(/printed more than 16 MiB/);
    expect(process.memoryUsage().rss - before).toBeLessThan(300 * 2 ** 20);
  });

  it("cannot drown the log: long lines are cut, and of too many in a second the rest is counted", () => {
    const lines: string[] = [];
    const log = new LogLines((line) => void lines.push(line));
    for (let n = 0; n < 1_000; n++) log.push(Buffer.from(`${"x".repeat(20_000)}\n`));
    log.end();
    const kept = lines.filter((line) => line.startsWith("x"));
    expect(kept.length).toBeLessThan(1_000);
    expect(kept[0]).toHaveLength(8 * 1024 + 1);
    const dropped = lines.flatMap((line) => /^\((\d+) lines were dropped/.exec(line)?.[1] ?? []);
    expect(dropped.reduce((sum, count) => sum + Number(count), kept.length)).toBe(1_000);
  });
});

describe("the processes of a command", () => {
  /** Ignores SIGTERM, has a child, and one that has left its group. */
  const stubborn = `
    trap "" TERM
    sleep 3600 & inner=$!
    setsid sleep 3600 & outer=$!
    echo "{\\"jobbers\\":\\"heartbeat\\",\\"detail\\":[$$, $inner, $outer]}"
    wait; wait; wait`;

  it("die all when the run is cancelled, also those that ignore SIGTERM or left the group; the slot is held until then", async () => {
    const staged = await stage(shell(stubborn, { killAfter: "200ms" }), {}, { concurrency: 1 });
    const pids = await pidsOf(staged);
    expect(pids.filter(lives)).toHaveLength(3);
    await staged.store.cancel(staged.run);
    expect(await ended(staged.store, staged.run)).toBe("cancelled");
    await vi.waitFor(() => expect(staged.worker.stats().busy).toBe(0), { timeout: 5_000, interval: 5 });
    expect(pids.filter(lives)).toEqual([]);
  });

  it("die when the time is over; the program may clean up first", async () => {
    const script = `
      trap 'echo cleaned >&2; exit 1' TERM
      echo "{\\"jobbers\\":\\"heartbeat\\",\\"detail\\":[$$]}"
      while true; do sleep 0.02; done`;
    const staged = await stage(shell(script, { timeout: "400ms" }));
    const pids = await pidsOf(staged);
    expect((await staged.failure()).message).toMatch(/timeout of 400 ms/);
    await untilDead(pids, 1_000);
    await vi.waitFor(() => expect(staged.lines.map(({ message }) => message)).toContain("cleaned"));
  });

  it("that it leaves behind are ended, too, and told of; its output counts", async () => {
    const staged = await stage(shell('sleep 3600 & setsid sleep 3600 & echo "[$!]"', { killAfter: "200ms" }));
    const pids = (await staged.answer()) as number[];
    endWithTest(pids);
    expect(pids.filter(lives)).toEqual([]);
    expect(staged.lines.map(({ message }) => message)).toContain(
      "shell has ended and left 2 processes behind, which are ended, too",
    );
  });

  it("are ended when the worker stops, and the step is given back", async () => {
    const staged = await stage(shell(stubborn));
    const pids = await pidsOf(staged);
    await staged.worker.stop({ giveBack: true });
    expect(pids.filter(lives)).toEqual([]);
    expect(await staged.store.getStep(staged.run, "shell")).toMatchObject({ state: "ready", tries: 0 });
  });
});

describe("when the worker is killed with SIGKILL", () => {
  const script = fileURLToPath(new URL("./fixtures/doomed-worker.mjs", import.meta.url));

  it.each([
    ["command", 3],
    ["process", 1],
  ])("nothing of a %s outlives it", async (what, count) => {
    const worker = spawn(process.execPath, [script, what], { stdio: ["ignore", "pipe", "inherit"] });
    onTestFinished(() => void worker.kill("SIGKILL"));
    const pids: number[] = [];
    endWithTest(pids);
    for await (const line of createInterface({ input: worker.stdout })) {
      pids.push(Number(line.slice(4)));
      if (pids.length === count) break;
    }
    expect(pids.filter(lives)).toHaveLength(count);
    worker.kill("SIGKILL");
    if (worker.exitCode === null && worker.signalCode === null) await once(worker, "exit");
    await untilDead(pids, 5_000);
  });
});

describe("a command in a unit test", () => {
  it("runs with a context that starts programs, and says so with any other", async () => {
    const own = shell('echo \'{"jobbers":"heartbeat","done":1}\'; cat');
    const ctx = createCommandContext({ environment });
    expect(await own.run({ a: 1 }, ctx)).toEqual({ a: 1 });
    expect(ctx.heartbeats).toEqual([{ done: 1 }]);
    await expect(own.run({}, {} as never)).rejects.toThrow(/write shell\.run\(input, commandContext\(\)\)/);
  });
});
