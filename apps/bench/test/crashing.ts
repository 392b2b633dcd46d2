import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Row } from "../src/crash/rows.js";

// Real processes need compiled programs: `npm test` builds before it tests.
const main = fileURLToPath(new URL("../dist/crash/main.js", import.meta.url));

/** What the crash bench writes with `--json`, as far as tests look at it. */
export interface Figures {
  readonly rows: readonly Row[];
  readonly total: Row;
  readonly contested: number;
  readonly violations: readonly object[];
}

/** Runs the crash bench, as `npm run crash` does. */
export async function crash(
  ...args: string[]
): Promise<{ code: number | null; output: string; figures: Figures }> {
  const folder = mkdtempSync(join(tmpdir(), "jobbers-crash-test-"));
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
  try {
    return { code, output, figures: JSON.parse(readFileSync(json, "utf8")) as Figures };
  } catch (cause) {
    throw new Error(`the crash bench did not come to its end:\n${output}`, { cause });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
