import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { callCli } from "./cli-here.js";
import { type CliProcess, type Ended, fixture, startCli } from "./cli-process.js";
import { startRedis } from "./redis-server.js";

const ID = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
const TOKEN = "jb_ci_0123456789abcdef";

/** A dozen processes start one after the other. */
const LONG = { timeout: 60_000 };

let cwd: string;
beforeAll(() => {
  cwd = mkdtempSync(join(tmpdir(), "jobbers-server-"));
});
afterAll(() => rmSync(cwd, { recursive: true, maxRetries: 20 }));

/** Starts a command that is killed with its test, where it does not end before. */
function start(args: string[], env: Record<string, string> = {}): CliProcess {
  const process = startCli(args, { cwd, env });
  onTestFinished(async () => {
    process.child.kill("SIGKILL");
    await process.ended;
  });
  return process;
}

async function startServer(store: string, env: Record<string, string> = {}) {
  const server = start(["server", "--port", "0", "--store", store], env);
  const [, url] = await server.until(/listens on (http:\S+)/);
  return { server, url: url as string };
}

const json = ({ stdout }: Ended) => JSON.parse(stdout) as Record<string, unknown>;

describe("a server, workers and a store", () => {
  it.each(["sqlite", "redis"])(
    "see a run through that is watched, while one of its workers is killed, on %s",
    LONG,
    async (kind) => {
      const store = kind === "redis" ? await startRedis() : "sqlite:fleet.db";
      const gate = join(cwd, `gate-${kind}`);
      const { server, url } = await startServer(store);
      const env = { JOBBERS_URL: url };
      const cli = (...args: string[]) => callCli(args, { cwd, env });
      const worker = (name: string) =>
        start(["worker", fixture("survey.ts"), "--store", store, "--name", name, "--concurrency", "4"]);
      const first = worker("one");
      await first.until(/worker one .* serves survey/);

      const input = JSON.stringify({ sites: 2, pages: 5, gate });
      const submitted = await cli(
        "submit",
        "survey",
        "--input",
        input,
        "--id",
        ID,
        "--tag",
        "a",
        "--tag",
        "b",
      );
      expect(submitted).toMatchObject({ code: 0, stdout: `${ID}\n`, stderr: "" });
      const watch = start(["watch", ID], env);
      const lines = start(["watch", ID, "--json"], env);
      // All that does not wait for the gate is done, and each slot holds a step that does.
      await watch.until(/read-page\[\] +6\/\?/);
      expect((await cli("workers")).stdout).toMatch(/^one +live +\S+ +4 +\S+ +\S+ +default /m);
      const second = worker("two");
      await second.until(/worker two .* serves survey/);
      first.child.kill("SIGKILL");
      await first.ended;
      writeFileSync(gate, "");

      const watched = await watch.ended;
      expect(watched.stderr).toMatch(/✓ read-page\[\] +10\/10/);
      expect(watched.stderr).toMatch(/✓ count/);
      expect(watched.stderr).toMatch(new RegExp(`run ${ID} succeeded in .*jobbers show ${ID}`));
      expect(watched).toMatchObject({ code: 0, stdout: "" });
      const told = (await lines.ended).stdout.trim().split("\n");
      expect(JSON.parse(told.at(-1) as string)).toEqual({
        id: ID,
        state: "succeeded",
        output: { pages: 10 },
      });
      expect(told.map((line) => (JSON.parse(line) as { type?: string }).type)).toContain("run.ended");

      expect(json(await cli("show", ID, "--json"))).toMatchObject({
        ...{ id: ID, state: "succeeded", tags: ["a", "b"], output: { pages: 10 }, failed: [] },
        input: { sites: 2, pages: 5 },
      });
      expect((await cli("show", ID)).stdout).toContain('result\n  {\n    "pages": 10\n  }');
      expect((await cli("runs", "--tag", "b", "--name", "survey", "--after", "2020-01-01")).stdout).toContain(
        ID,
      );
      expect((await cli("runs", "--before", "2020-01-01")).stderr).toMatch(/no such runs at http:/);
      expect((await cli("dags")).stdout).toMatch(/^survey +dag /m);
      expect(json(await cli("queues", "--json"))).toEqual([
        { name: "default", ready: 0, running: 0, workers: 1 },
      ]);
      expect((await cli("cancel", ID)).stdout).toMatch(/had ended before/);
      expect((await cli("retry", ID)).stdout).toMatch(/has succeeded; there is nothing to try again/);

      server.child.kill("SIGTERM");
      expect(await server.ended).toMatchObject({ code: 0 });
    },
  );

  it("outlive a restart of the server under who watches", LONG, async () => {
    const store = "sqlite:restart.db";
    const gate = join(cwd, "second-gate");
    const { server, url } = await startServer(store);
    const worker = start(["worker", fixture("survey.ts"), "--store", store]);
    await worker.until(/serves survey/);
    const input = JSON.stringify({ sites: 1, pages: 4, gate });
    await callCli(["submit", "survey", "--url", url, "--input", input, "--id", ID], { cwd });
    const watch = start(["watch", ID, "--url", url]);
    const waiting = start(["submit", "survey", "--url", url, "--input", input, "--id", ID, "--wait"]);
    await watch.until(/read-page\[\] +3\/\?/);
    await waiting.until(/read-page\[\]\[\] +3\/\?/);
    server.child.kill("SIGKILL");
    await server.ended;
    const again = start(["server", "--port", new URL(url).port, "--store", store]);
    await again.until(/listens on/);
    writeFileSync(gate, "");
    const watched = await watch.ended;
    expect(watched, watched.stderr).toMatchObject({ code: 0 });
    expect(await waiting.ended).toMatchObject({ code: 0, stdout: '{\n  "pages": 4\n}\n' });
  });
});

describe("the way in", () => {
  const bad = (args: string[], env: Record<string, string> = {}) => callCli(args, { cwd, env });

  it("is a server or a store, not both", async () => {
    const both = await bad(["runs", "--url", "http://127.0.0.1:1", "--store", "memory:"]);
    expect(both.stderr).toMatch(/--url and --store exclude each other/);
    expect(both).toMatchObject({ code: 2, stdout: "" });
    const named = await bad(["runs", "--store", "memory:"], { JOBBERS_URL: "http://127.0.0.1:1" });
    expect(named).toMatchObject({ code: 0 });
    const token = await bad(["runs", "--store", "memory:", "--token", TOKEN]);
    expect(token.stderr).toMatch(/--token goes with --url/);
  });

  it("is told where nobody answers, and what may be done", async () => {
    const away = await bad(["runs", "--url", "http://127.0.0.1:9", "--json"]);
    expect(away.stderr).toMatch(/the server at http:\/\/127\.0\.0\.1:9 cannot be reached: .*--url is right/s);
    expect(away.code).toBe(3);
    expect(json(away)).toMatchObject({ error: { code: "server-unreachable" } });
  });

  it.each([
    "ftp://127.0.0.1",
    "127.0.0.1:8700",
    "http://me:hidden@127.0.0.1",
    "http://127.0.0.1/?token=hidden",
  ])("refuses %s as an address", async (url) => {
    const refused = await bad(["runs", "--url", url]);
    expect(refused).toMatchObject({ code: 2, stdout: "" });
    expect(refused.stderr).toMatch(/--url .*http:\/\/HOST:PORT|--url has a user/);
    expect(refused.stderr).not.toContain("me:hidden");
  });

  it("takes a token where the server asks for one", async () => {
    const { url } = await startServer("memory:", { JOBBERS_TOKENS: `jb_other_fedcba9876543210, ${TOKEN}` });
    const without = await bad(["runs", "--url", url]);
    expect(without.stderr).toMatch(/\(unauthorized\)\n {2}Give one of the server's tokens with --token/);
    expect(without.code).toBe(2);
    expect(await bad(["runs", "--url", url, "--token", TOKEN])).toMatchObject({ code: 0 });
    expect(await bad(["runs"], { JOBBERS_URL: url, JOBBERS_TOKEN: TOKEN })).toMatchObject({ code: 0 });
    const broken = await bad(["runs"], { JOBBERS_URL: url, JOBBERS_TOKEN: "jb_ci_hidden\nhidden" });
    expect(broken.code).toBe(2);
    expect(broken.stderr).not.toContain("hidden");
  });
});

describe("jobbers server", () => {
  it.each<[string, string[], Record<string, string>, RegExp]>([
    [
      "a malformed token",
      [],
      { JOBBERS_TOKENS: `${TOKEN},jb_short_secret` },
      /token 2 of 2 has the wrong form/,
    ],
    ["an open address without a token", ["--host", "0.0.0.0"], {}, /can be reached from other machines/],
    [
      "a malformed port",
      ["--port", "65536"],
      {},
      /--port is "65536"; it takes a whole number from 0 to 65535/,
    ],
    ["a malformed JOBBERS_PORT", [], { JOBBERS_PORT: "x" }, /JOBBERS_PORT is "x"/],
    [
      "a host that is none",
      ["--host", "127.0.0.300"],
      {},
      /can be reached from|is no address of this machine/,
    ],
  ])("refuses %s", async (_what, args, env, message) => {
    const ended = await callCli(["server", "--store", "memory:", ...args], { cwd, env });
    expect(ended).toMatchObject({ code: 2, stdout: "" });
    expect(ended.stderr).toMatch(message);
    expect(ended.stderr).not.toMatch(/short_secret|0123456789abcdef/);
  });

  it("says which port is free when its own is taken", async () => {
    const { url } = await startServer("memory:");
    const port = Number(new URL(url).port);
    const ended = await callCli(["server", "--store", "memory:", "--port", String(port)], { cwd });
    expect(ended.code).toBe(2);
    expect(ended.stderr).toMatch(
      new RegExp(`port ${port} at 127.0.0.1 is taken; (\\d+ is free, and )?0 picks`),
    );
  });
});
