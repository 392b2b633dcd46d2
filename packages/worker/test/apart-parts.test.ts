import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import {
  errorShape,
  JobbersError,
  MAX_VALUE_BYTES,
  nextTryMs,
  RetryAfter,
  retryPlan,
  Terminal,
} from "@jobbers/core";
import fc from "fast-check";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { inheritedOptions } from "../src/apart/child-process.js";
import { receiveError, sendError } from "../src/apart/sent-error.js";
import { Lines } from "../src/programs/lines.js";
import { Stdout } from "../src/programs/stdout.js";
import { TREE_MARK } from "../src/trees/tree.js";
import { Watchdog } from "../src/trees/watchdog.js";

const arrived = (thrown: unknown) => receiveError(JSON.parse(JSON.stringify(sendError(thrown))));
const terms = { retry: retryPlan({ attempts: 3 }, "retry"), on: undefined, tries: 1, onTrouble: () => {} };
const next = (thrown: unknown) => nextTryMs(arrived(thrown), { ...terms, random: () => 0.5 });

describe("an error on its way from a child", () => {
  it("keeps its shape, its class of JavaScript's own, its own properties and what it says of its next try", () => {
    class Mine extends TypeError {
      override readonly name = "Mine";
      readonly status = 404;
    }
    const mine = new Mine("no", { cause: new AggregateError([new RangeError("a"), "b"], "many") });
    const got = arrived(mine) as Mine;
    expect(got).toBeInstanceOf(TypeError);
    expect(errorShape(got)).toEqual(errorShape(mine));
    expect(got.status).toBe(404);
    expect((got.cause as AggregateError).errors[0]).toBeInstanceOf(RangeError);
    const own = arrived(new JobbersError("output-invalid", "wrong", { detail: { at: 1 } }));
    expect(own).toBeInstanceOf(JobbersError);
    expect(own).toMatchObject({ code: "output-invalid", message: "wrong", detail: { at: 1 } });
    expect(next(new RetryAfter("90s"))).toBe(90_000);
    expect(next(new Terminal("no"))).toBeUndefined();
    expect(next(new Error("yes"))).toBe(500);
  });

  it("may be anything at all", () => {
    const strange = new Proxy(new Error("x"), {
      get() {
        throw new Error("no");
      },
    });
    const cyclic = new Error("cyclic");
    cyclic.cause = cyclic;
    for (const odd of [strange, cyclic, Symbol("s"), 1n, undefined, () => {}]) {
      expect(() => errorShape(arrived(odd))).not.toThrow();
    }
    fc.assert(
      fc.property(fc.anything(), fc.string(), (value, message) => {
        const error = Object.assign(new Error(message, { cause: value }), { value });
        const size = JSON.stringify(sendError(error)).length;
        expect(size).toBeLessThan(2 ** 21);
        expect((arrived(error) as Error).message).toBe(message);
        arrived(value);
      }),
      { numRuns: 100 },
    );
  });
});

describe("lines", () => {
  it("are the same however the stream is cut", () => {
    fc.assert(
      fc.property(
        fc.array(fc.stringMatching(/^[a-c\n]{0,9}$/)),
        fc.integer({ min: 1, max: 6 }),
        (parts, max) => {
          const got: string[] = [];
          const lines = new Lines(max, (line, isCut) => void got.push(`${line}${isCut ? "…" : ""}`));
          for (const part of parts) lines.push(Buffer.from(part));
          lines.end();
          const wanted = parts.join("").split("\n");
          if (wanted.at(-1) === "") wanted.pop();
          expect(got).toEqual(wanted.map((line) => (line.length > max ? `${line.slice(0, max)}…` : line)));
        },
      ),
    );
  });

  it("of a program's output may be millions, without weighing more than they hold", () => {
    let tooMuch = 0;
    const onTooMuch = () => {
      tooMuch++;
    };
    const stdout = new Stdout({
      name: "many",
      form: "json",
      maxBytes: MAX_VALUE_BYTES,
      onSaid: () => {},
      onTooMuch,
    });
    const chunk = Buffer.from("1\n".repeat(32 * 1024));
    for (let i = 0; i < 260; i++) stdout.push(chunk);
    stdout.end();
    expect(tooMuch).toBe(1);
  });
});

describe("the options of a process that runs handlers", () => {
  it("are those of its worker, but for what is the worker's alone", () => {
    const given = ["--import", "file:///otel.mjs", "--inspect=9229", "-e", "code()", "--conditions=x"];
    expect(inheritedOptions(given)).toEqual(["--import", "file:///otel.mjs", "--conditions=x"]);
  });
});

describe("the watchdog", () => {
  const pidOf = (word: string) =>
    readdirSync("/proc").find((pid) => {
      try {
        return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/cmdline`, "latin1").includes(`\0${word}`);
      } catch {
        return false;
      }
    });

  it.runIf(process.platform === "linux")(
    "is started anew when it is killed, and ends all trees when it is closed",
    async () => {
      const warned = vi.fn();
      const log = { debug: vi.fn(), info: vi.fn(), warn: warned, error: vi.fn() };
      const watchdog = new Watchdog(log);
      const mark = watchdog.newMark();
      const env = { PATH: process.env.PATH, [TREE_MARK]: mark };
      const sleeper = spawn("sleep", ["3600"], { detached: true, env, stdio: "ignore" });
      const ended = once(sleeper, "exit");
      onTestFinished(() => void sleeper.kill("SIGKILL"));
      watchdog.watch({ pid: sleeper.pid as number, mark });
      const marks = mark.slice(0, mark.indexOf(".") + 1);
      const first = await vi.waitFor(() => Number(pidOf(marks) ?? expect.fail("there is none yet")));
      // One that ends at once is not tried again: it has to have lived for a while.
      const sinceMs = performance.now();
      await vi.waitFor(() => expect(performance.now() - sinceMs).toBeGreaterThan(1_000), { timeout: 3_000 });
      process.kill(first, "SIGKILL");
      await vi.waitFor(() => expect(warned).toHaveBeenCalledOnce(), { timeout: 5_000 });
      expect(sleeper.exitCode ?? sleeper.signalCode).toBeNull();
      watchdog.close();
      expect(await ended).toEqual([null, "SIGKILL"]);
    },
  );
});
