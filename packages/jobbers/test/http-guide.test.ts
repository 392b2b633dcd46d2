import { execFile, execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startCli } from "./cli-process.js";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const bin = fileURLToPath(new URL("../bin/jobbers.js", import.meta.url));

/** The pages with a session, and the workflows that it is about. */
const pages = [
  ["README.md", "greet.ts"],
  ["docs/guides/http.md", "greet.ts"],
  ["docs/guides/submitting.md", "greet.ts"],
  ["docs/guides/failures.md", "gallery.ts"],
] as const;

/** A command of a page, and what the page says that it prints; `…` stands for whatever differs from run to run. */
interface Shown {
  readonly command: string;
  readonly answer: string;
}

/** The commands in the `console` blocks of a page. */
function commandsIn(page: string): Shown[] {
  const text = readFileSync(join(root, page), "utf8");
  return [...text.matchAll(/^```console\n([\s\S]*?)^```$/gm)].flatMap(([, block = ""]) =>
    block
      .split(/^\$ /m)
      .slice(1)
      .map((each) => {
        const [command = "", ...answer] = each.split("\n");
        return { command, answer: answer.join("\n").trim() };
      }),
  );
}

/** What a page shows as a pattern. */
function patternOf(answer: string): RegExp {
  const parts = answer.split("…").map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${parts.join("[^]*?")}$`);
}

function hasCurl(): boolean {
  try {
    execFileSync("curl", ["--version"]);
    return true;
  } catch {
    return false;
  }
}

describe.skipIf(!hasCurl()).each(pages)("the session in %s", (page, file) => {
  const folder = mkdtempSync(join(tmpdir(), "jobbers-guide-"));
  let url = "";
  let end = async () => {};

  beforeAll(async () => {
    const workflows = join(root, "apps/examples/src", file);
    const args = ["dev", workflows, "--store", `sqlite:${folder}/jobs.db`, "--port", "0"];
    const dev = startCli(args, { cwd: folder });
    let said = "";
    for (const stream of [dev.child.stdout, dev.child.stderr])
      stream?.on("data", (text: string) => {
        said += text;
      });
    await dev.until(/ready on \S+: /);
    url = /ready on http:\/\/(\S+): /.exec(said)?.[1] as string;
    end = async () => {
      dev.child.kill("SIGINT");
      await dev.ended;
    };
  });
  afterAll(async () => {
    await end();
    rmSync(folder, { recursive: true, force: true });
  });

  it.each(commandsIn(page))("$command", async ({ command, answer }) => {
    const real = command
      .replace("localhost:8700", url)
      .replace(/^npx jobbers /, `"${process.execPath}" "${bin}" `);
    const env = { ...process.env, NO_COLOR: "1", JOBBERS_URL: `http://${url}` };
    const run = promisify(execFile)("sh", ["-c", real], { env });
    const failed = await run.then(
      () => false,
      ({ code }: { code: unknown }) => typeof code === "number",
    );
    const { stdout, stderr } = await run.catch((error: { stdout: string; stderr: string }) => error);
    // A command may fail where the page shows that it does, with what a terminal shows then.
    expect(failed, stderr).toBe(/^jobbers: /m.test(answer));
    expect((failed ? stdout + stderr : stdout).trim()).toMatch(patternOf(answer));
  });
});
