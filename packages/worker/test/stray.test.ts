import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const stray = JSON.stringify(new URL("../src/stray.ts", import.meta.url).href);
const attempt = JSON.stringify(new URL("../src/aborted.ts", import.meta.url).href);

/** Runs a script in a process of its own: what happens to rejections there is not vitest's business. */
async function run(script: string): Promise<{ code: number; out: string; err: string }> {
  const head = `import { guardStrays } from ${stray}; import { AttemptAborted } from ${attempt};
    import { setTimeout as sleep } from "node:timers/promises";
    const log = { debug: (message) => console.log(message), info() {}, warn() {}, error() {} };
    const off = [guardStrays(log), guardStrays(log)];
    const controller = new AbortController();
    const abort = () => controller.abort(new AttemptAborted("timeout", "too long"));`;
  const child = spawn(process.execPath, ["--import", "tsx", "--input-type=module", "-e", head + script], {
    cwd: root,
  });
  const [out, err, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, "close"),
  ]);
  return { code: code as number, out, err };
}

describe("a promise that nobody handles", () => {
  it("does not end the process when it is rejected by an attempt's abort", async () => {
    const { code, out } = await run(`
      sleep(10_000, null, { signal: controller.signal });
      Promise.reject(new AttemptAborted("cancelled", "over"));
      abort();
      setTimeout(() => console.log("alive"), 50);`);
    expect(out.match(/aborted handler/g)).toHaveLength(4);
    expect(out).toMatch(/alive/);
    expect(code).toBe(0);
  });

  it("ends the process as ever otherwise", async () => {
    const { code, out, err } = await run(`
      Promise.reject(new TypeError("a real mistake"));
      setTimeout(() => console.log("alive"), 50);`);
    expect(err).toMatch(/TypeError: a real mistake/);
    expect(out).not.toMatch(/alive/);
    expect(code).not.toBe(0);
  });

  it("is left to others who listen", async () => {
    const { code, out } = await run(`
      process.on("unhandledRejection", () => console.log("theirs"));
      Promise.reject(new TypeError("a real mistake"));
      setTimeout(() => console.log("alive"), 50);`);
    expect(out).toMatch(/theirs\nalive/);
    expect(code).toBe(0);
  });
});
