import { execFile, execFileSync } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, it, onTestFinished } from "vitest";
import { start } from "./child-process.js";
import { temporaryFolder } from "./fixture-project.js";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const script = join(root, "apps/examples/python-producer/produce.py");
const workflows = join(root, "apps/examples/src/greet.ts");
const jobbersCommand = join(root, "node_modules/.bin/jobbers");

function hasPython(): boolean {
  try {
    execFileSync("python3", ["--version"]);
    return true;
  } catch {
    return false;
  }
}

async function startDev(): Promise<string> {
  const cwd = await temporaryFolder();
  const dev = start([jobbersCommand, "dev", workflows, "--store", "memory:", "--port", "0"], cwd);
  await dev.until(/ready on \S+: /);
  return /ready on (\S+): /.exec(dev.said())?.[1] as string;
}

/** A way to the server on which the answer to the first request that submits is lost. */
async function losingFirstAnswer(target: string): Promise<string> {
  let submits = 0;
  const proxy = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { method = "GET" } = request;
    const body = method === "POST" ? { body: Buffer.concat(chunks) } : {};
    const headers = { "content-type": "application/json" };
    const answer = await fetch(target + request.url, { method, headers, ...body });
    const text = await answer.text();
    if (method === "POST" && ++submits === 1) return request.socket.destroy();
    response.writeHead(answer.status, { "content-type": "application/json" }).end(text);
  }).listen(0, "127.0.0.1");
  await once(proxy, "listening");
  onTestFinished(() => {
    proxy.closeAllConnections();
    proxy.close();
  });
  return `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
}

const produce = (...args: string[]) => promisify(execFile)("python3", [script, ...args]);

describe.skipIf(!hasPython())("a producer in Python", () => {
  it("submits a run and prints its result; what was lost on the way is sent again, and is one run", async () => {
    const server = await startDev();
    const url = await losingFirstAnswer(server);
    const { stdout, stderr } = await produce(
      ...["--url", url, "--dag", "greet", "--input", '{"names":["ada","grace"]}'],
    );
    expect(JSON.parse(stdout)).toEqual(["ADA", "GRACE"]);
    const { runs } = (await (await fetch(`${server}/v1/runs`)).json()) as { runs: { id: string }[] };
    expect(runs).toHaveLength(1);
    expect(stderr).toContain(`run ${runs[0]?.id}`);
  }, 60_000);

  it("says what the server refuses, and where", async () => {
    const url = await startDev();
    const refused = produce("--url", url, "--dag", "greet", "--input", '{"names":"ada"}');
    await expect(refused).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/input-invalid: .*\n {2}\/input\/names: /),
    });
    const unknown = produce("--url", url, "--task", "nothing");
    await expect(unknown).rejects.toMatchObject({ stderr: expect.stringMatching(/workflow-unknown: /) });
  }, 60_000);
});
