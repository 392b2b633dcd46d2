import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { DatabaseSync } from "@photostructure/sqlite";
import { expect, it, onTestFinished } from "vitest";

const RUNS = 40;
const built = JSON.stringify(new URL("../dist/index.js", import.meta.url).href);

/** A process that works through runs, one after the other, with the renewal thread that every worker has. */
const program = `
  const { connect, task } = await import(${built});
  const echo = task({ name: "echo", run: async () => "done" });
  const jobbers = await connect("sqlite:" + process.argv[1]);
  const worker = jobbers.worker({ workflows: [echo] });
  await worker.start();
  for (let i = 0; i < ${RUNS}; i++) {
    await (await jobbers.submit(echo)).result();
    console.log(i);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  await worker.stop();
  await jobbers.close();`;

it("nobody who visits the file takes the log away under a process that works on it", async () => {
  const folder = mkdtempSync(join(tmpdir(), "jobbers-visitor-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, "jobs.db");
  /** Opens the file, as any tool may, counts the ended runs and closes it. */
  const visit = () => {
    const database = new DatabaseSync(path);
    const { n } = database.prepare("SELECT count(*) AS n FROM runs WHERE state = 'succeeded'").get() as {
      n: number;
    };
    database.close();
    return n;
  };
  const child = spawn(process.execPath, ["--input-type=module", "-e", program, path], {
    cwd: fileURLToPath(new URL("..", import.meta.url)),
    stdio: ["ignore", "pipe", "inherit"],
  });
  let visits = 0;
  // From before there is a file: a tool that comes first makes an empty one.
  const visiting = setInterval(() => {
    visits += 1;
    try {
      visit();
    } catch {
      // No table yet, or locked just now.
    }
  }, 30);
  const [code] = await once(child, "close");
  clearInterval(visiting);
  expect(code).toBe(0);
  expect(visits).toBeGreaterThan(5);
  expect(visit()).toBe(RUNS);
});
