import { pathToFileURL } from "node:url";
import { describe, expect, it } from "vitest";
import { type AnyTask, command, type JobbersError, task } from "../src/index.js";

const run = async () => null;
const module = "file:///app/tasks.ts";

function problem(define: () => unknown): string {
  try {
    define();
  } catch (error) {
    expect((error as JobbersError).code).toBe("definition-invalid");
    return (error as Error).message;
  }
  throw new Error("it was taken");
}

describe("isolate", () => {
  it("is read with its module, however that is written, and is no part of the plan", () => {
    const plain = task({ name: "t", run });
    const isolated = task({ name: "t", isolate: "process", module, maxMemory: "1.5GB", run }) as AnyTask;
    expect(isolated.isolation).toEqual({ in: "process", module, maxMemoryBytes: 1.5 * 2 ** 30 });
    expect(isolated.version).toBe(plain.version);
    const at = (given: string | URL) =>
      (task({ name: "t", isolate: "thread", module: given, run }) as AnyTask).isolation?.module;
    expect(at(new URL("file:///a/b.ts?tsx-namespace=jobbers#x"))).toBe("file:///a/b.ts");
    expect(at("/a/b c.cjs")).toBe(pathToFileURL("/a/b c.cjs").href);
    expect((plain as AnyTask).isolation).toBeUndefined();
  });

  it.each([
    [{ isolate: "thread" }, /isolate needs module; write module: import\.meta\.url/],
    [{ isolate: "thread", module: "./a.js" }, /module is "\.\/a\.js"; write module: import\.meta\.url/],
    [{ isolate: "fiber", module }, /isolate is "fiber"; it takes "thread" or "process"/],
    [{ module }, /module says nothing without isolate/],
    [{ maxMemory: "1GB" }, /maxMemory says nothing without isolate/],
    [{ isolate: "thread", module, maxMemory: "8MB" }, /maxMemory is "8MB"; the least is 16MB/],
    [{ isolate: "process", module, maxMemory: 1_000 }, /maxMemory is 1000; the least is 128MB/],
    [{ isolate: "process", module, maxMemory: "lots" }, /maxMemory is "lots"; it takes a number of bytes/],
  ])("refuses %j", (options, message) => {
    expect(problem(() => task({ name: "t", run, ...options } as never))).toMatch(message);
  });
});

describe("command", () => {
  it("is a task with defaults of its own, whose plan is as that of any other", () => {
    const own = command({ name: "c", run: ["true"], timeout: "1m" }) as AnyTask;
    expect([own.kind, own.name, own.timeoutMs]).toEqual(["task", "c", 60_000]);
    expect(own.command).toEqual({
      ...{ name: "c", run: ["true"], cwd: undefined, env: {}, stdout: "json", killAfterMs: 5_000 },
      exitCodes: { success: [0], retry: [75], terminal: [64, 65, 77, 78], otherwise: "retry" },
    });
    expect(own.version).toBe((task({ name: "c", timeout: "1m", run }) as AnyTask).version);
    const codes = command({ name: "c", run: ["true"], exitCodes: { success: [0, 75], retry: [65] } });
    expect((codes as AnyTask).command?.exitCodes).toMatchObject({ retry: [65], terminal: [64, 77, 78] });
  });

  it.each([
    [{ run: [] }, /run is .*; it takes a list like \["java", "-jar", "x\.jar"\]/],
    [{ run: "ls -l" }, /run is "ls -l"; it takes a list/],
    [{ run: ["ls", 1] }, /it takes a list/],
    [{ run: ["a\0b"] }, /U\+0000/],
    [{ cwd: "" }, /cwd is ""/],
    [{ env: { "A=B": "c" } }, /env has the name "A=B", which no environment can hold/],
    [{ env: { A: 1 } }, /env\.A is 1; it takes a text/],
    [{ stdout: "xml" }, /stdout is "xml"; it takes "json" or "ndjson"/],
    [{ exitCodes: { terminal: [256] } }, /exitCodes\.terminal has 256/],
    [{ exitCodes: { retry: [1], terminal: [1] } }, /exitCodes has 1 in retry and in terminal/],
    [{ exitCodes: { otherwise: "fail" } }, /exitCodes\.otherwise is "fail"/],
    [{ killAfter: "soon" }, /killAfter is "soon"; a duration is/],
    [{ shell: true }, /"shell" is no option/],
    [{ isolate: "thread" }, /"isolate" is no option/],
  ])("refuses %j", (options, message) => {
    expect(problem(() => command({ name: "c", run: ["true"], ...options } as never))).toMatch(message);
  });
});
