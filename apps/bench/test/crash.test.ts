import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, it } from "vitest";

// Real processes need compiled programs: `npm test` builds before it tests.
const main = fileURLToPath(new URL("../dist/crash/main.js", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "jobbers-crash-test-"));

afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Figures {
  readonly total: { readonly injected: number; readonly lost: number; readonly acceptedTwice: number };
  readonly rows: readonly { readonly kind: string; readonly injected: number }[];
  readonly violations: readonly object[];
}

async function crash(...args: string[]): Promise<{ code: number | null; output: string; figures: Figures }> {
  const json = join(folder, "figures.json");
  const child = spawn(process.execPath, [main, ...args, "--json", json], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  return { code, output, figures: JSON.parse(readFileSync(json, "utf8")) as Figures };
}

it("loses nothing and accepts nothing twice while workers are killed, stopped and blocked", async () => {
  const { code, output, figures } = await crash(
    ...["--seed", "7", "--minutes", "0.13", "--lease", "1000", "--every", "450"],
    ...["--faults", "kill,stop,block"],
  );
  expect(figures.violations, output).toEqual([]);
  expect(figures.total).toMatchObject({ lost: 0, acceptedTwice: 0 });
  for (const { kind, injected } of figures.rows) expect(injected, kind).toBeGreaterThan(0);
  expect(code).toBe(0);
}, 90_000);

it("executes nothing again where nothing goes wrong", async () => {
  const { code, output, figures } = await crash(
    "--seed",
    "8",
    "--minutes",
    "0.05",
    "--lease",
    "8000",
    "--faults",
    "none",
  );
  expect(figures.total, output).toMatchObject({ injected: 0, executedAgain: 0, lost: 0, acceptedTwice: 0 });
  expect(code, output).toBe(0);
}, 60_000);
