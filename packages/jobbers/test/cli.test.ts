import { execFileSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { connect } from "../src/index.js";
import { callCli } from "./cli-here.js";
import { type Ended, fixture, runCli, startCli } from "./cli-process.js";

const ID = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
const greet = fixture("greet.ts");

let cwd: string;
beforeAll(() => {
  cwd = mkdtempSync(join(tmpdir(), "jobbers-cli-"));
});
afterAll(() => rmSync(cwd, { recursive: true, maxRetries: 20 }));

const cli = (...args: string[]) => callCli(args, { cwd });
async function runsIn(directory: string) {
  const file = join(directory, ".jobbers/jobbers.db");
  if (!existsSync(file)) return [];
  await using jobbers = await connect(`sqlite:${file}`);
  return (await jobbers.store.listRuns({ limit: 10 })).runs;
}

const json = ({ stdout }: Ended) => JSON.parse(stdout) as Record<string, unknown>;
const nested = `${"[".repeat(5000)}1${"]".repeat(5000)}`;

describe("jobbers run", () => {
  it("prints the result, and everything else beside it", async () => {
    const ended = await runCli(["run", "welcome", greet, "--input", '{"names":["Ada","Bob"]}'], { cwd });
    expect(ended).toMatchObject({ code: 0, signal: null });
    expect(json(ended)).toEqual(["hello Ada", "hello Bob"]);
    expect(ended.stderr).toMatch(/^run [0-9A-Z]{26} of welcome at sqlite:/);
    expect(ended.stderr).toMatch(/greet\[\] {2}2\/2/);
  });

  it("loads JavaScript, takes the input from a file, and answers an ended run from its record", async () => {
    writeFileSync(join(cwd, "input.json"), "{}");
    const first = await cli(
      "run",
      "plain",
      fixture("plain.mjs"),
      "--input",
      "@input.json",
      "--id",
      ID,
      "--json",
    );
    expect(json(first)).toEqual({ id: ID, state: "succeeded", output: "from JavaScript" });
    const again = await cli("run", "plain", fixture("plain.mjs"), "--id", ID, "--json");
    expect(json(again)).toEqual(json(first));
    const other = await cli(
      "run",
      "plain",
      fixture("plain.mjs"),
      "--id",
      ID,
      "--input",
      '{"other":1}',
      "--json",
    );
    expect(other.code).toBe(2);
    expect(json(other)).toMatchObject({ error: { code: "run-conflict" } });
  });

  it("ends with 1 when the run failed, and says in which step", async () => {
    const ended = await cli(
      "run",
      "unwelcome",
      greet,
      "--input",
      '{"names":[]}',
      "--json",
      "--store",
      "memory:",
    );
    expect(ended.code).toBe(1);
    expect(ended.stderr).toMatch(
      /failed in step "refuse" after 2 tries: TypeError: no more room \(run-failed\)/,
    );
    expect(json(ended)).toMatchObject({
      error: { code: "run-failed", detail: { step: "refuse", attempts: 2 } },
    });
  });

  it("loads TypeScript from a folder without package.json, files that share a module, and another copy of Jobbers", async () => {
    const own = mkdtempSync(join(cwd, "folder-"));
    mkdirSync(join(own, "node_modules"));
    symlinkSync(fileURLToPath(new URL("..", import.meta.url)), join(own, "node_modules/jobbers"), "dir");
    const write = (name: string, ...lines: string[]) => writeFileSync(join(own, name), lines.join("\n"));
    write(
      "shared.ts",
      'import { task } from "jobbers";',
      'export const one = task({ name: "one", run: async () => 1 as number });',
    );
    write(
      "a.ts",
      'import { dag } from "jobbers";',
      'import { one } from "./shared";',
      'export const a = dag("a", {}, () => one());',
    );
    write(
      "b.ts",
      'import { dag } from "jobbers";',
      'import { one } from "./shared";',
      'export const b = dag("b", {}, () => one());',
    );
    const ended = await runCli(["run", "b", "a.ts", "b.ts", "--json"], { cwd: own });
    expect(ended.stderr).not.toMatch(/two different/);
    expect(json(ended)).toMatchObject({ state: "succeeded", output: 1 });
  });

  it("keeps standard output for its one document, whatever tasks write", async () => {
    const args = ["run", "noisy", fixture("noisy.ts"), "--json", "--store", "memory:"];
    const ended = await runCli(args, { cwd });
    expect(json(ended)).toMatchObject({ output: { quiet: false } });
    expect(ended.stderr).toContain("noise\nmore noise\n");
  });
});

describe("runs, show and graph", () => {
  it("tell of the runs of a store", async () => {
    await cli("run", "welcome", greet, "--input", '{"names":["Eve"]}', "--store", "sqlite:looking.db");
    await cli("run", "unwelcome", greet, "--input", '{"names":["Eve"]}', "--store", "sqlite:looking.db");
    const env = { JOBBERS_STORE: "sqlite:looking.db" };
    const listed = await callCli(["runs"], { cwd, env });
    expect(listed.stdout).toMatch(
      /^ID +NAME +STATE +SUBMITTED +TOOK\n\S+ +unwelcome +failed .*\n\S+ +welcome +succeeded /,
    );
    const failed = json(await callCli(["runs", "--state", "failed", "--json"], { cwd, env })) as unknown as {
      id: string;
    }[];
    expect(failed).toEqual([expect.objectContaining({ name: "unwelcome", state: "failed" })]);
    const shown = await callCli(["show", failed[0]?.id as string], { cwd, env });
    expect(shown.stdout).toMatch(/^dag unwelcome {2}\S+\n {2}state {6}failed\n/);
    expect(shown.stdout).toContain("greet[]  1/1");
    expect(shown.stdout).toMatch(/failed steps\n {2}refuse {2}error, tries: 2 {2}TypeError: no more room/);
  });

  it("draw a graph", async () => {
    expect((await cli("graph", greet, "welcome")).stdout).toMatch(/^flowchart/);
    expect(json(await cli("graph", greet, "welcome", "--format", "json"))).toMatchObject({
      format: 1,
      name: "welcome",
    });
  });

  it("end in silence when nobody reads on", async () => {
    const process = startCli(["runs"], { cwd });
    process.child.stdout?.destroy();
    expect(await process.ended).toMatchObject({ code: 0, stderr: "" });
  });
});

describe("bad input", () => {
  it.each<[string, string[], number, RegExp]>([
    [
      "an unknown command",
      ["rnu"],
      2,
      /there is no command "rnu"; there are run, dev, worker, server, submit/,
    ],
    [
      "an unknown flag",
      ["run", "greet", greet, "--inptu", "{}"],
      2,
      /there is no flag --inptu; there are --input/,
    ],
    ["a flag without its value", ["runs", "--limit"], 2, /--limit needs a value, as in --limit=N/],
    ["a malformed number", ["runs", "--limit", "ten"], 2, /--limit is "ten"; it takes a whole number/],
    ["an unknown state", ["runs", "--state", "done"], 2, /--state is "done"; it takes scheduled, running/],
    ["a malformed concurrency", ["worker", greet, "--concurrency", "0"], 2, /--concurrency is "0"/],
    ["a malformed queue", ["worker", greet, "--queues", "a,,b"], 2, /--queues "" is not 1 to 128/],
    ["one argument too many", ["show", ID, "more"], 2, /"more" is one argument too many/],
    ["a missing argument", ["run", "greet"], 2, /FILES is missing/],
    [
      "a Redis that does not answer",
      ["runs", "--store", "redis://:pw@127.0.0.1:1"],
      3,
      /redis:\/\/127.0.0.1:1 does not answer/,
    ],
    ["a store that is none", ["runs", "--store", "jobs.db"], 2, /"jobs.db" is no URL of a store/],
    [
      "a malformed id",
      ["show", "nonsense"],
      2,
      /"nonsense" is not a ULID: it has 8 characters instead of 26/,
    ],
    ["a lower-case id", ["show", ID.toLowerCase()], 2, new RegExp(`lower-case letters; write ${ID}`)],
    [
      "an unknown run",
      ["show", "01ARZ3NDEKTSV4RRFFQ69G5FAW", "--store", "memory:"],
      2,
      /there is no run 01ARZ3NDEKTSV4RRFFQ69G5FAW/,
    ],
    [
      "a path without a store",
      ["runs", "--store", "sqlite:typo.db"],
      2,
      /there is no store at sqlite:typo.db/,
    ],
    [
      "a file that throws",
      ["worker", fixture("throws.ts")],
      2,
      /throws\.ts threw .*Error: no database configured/,
    ],
    [
      "a file that exports nothing",
      ["worker", fixture("empty.ts")],
      2,
      /empty\.ts exports no task and no dag/,
    ],
    ["a file that is not there", ["worker", "nowhere.ts"], 2, /nowhere\.ts does not exist/],
    ["a directory", ["worker", fixture(".")], 2, /is a directory/],
    ["a file that is no module", ["worker", fixture("../../package.json")], 2, /package\.json is no module/],
    [
      "a task name of 10 KB",
      ["worker", fixture("long-name.ts")],
      2,
      /long-name\.ts .*task name "x+"… \(10240 characters\)/,
    ],
    [
      "a name that is not exported",
      ["run", "greta", greet],
      2,
      /no task or dag "greta"; they export "greet"/,
    ],
    [
      "a name that is not exported",
      ["graph", greet, "greta"],
      2,
      /no task or dag "greta"; they export "greet"/,
    ],
    ["a name of 10 KB", ["submit", "x".repeat(10_240)], 2, /the name "x{60}"… \(10240 characters\)/],
    ["input that is no JSON", ["run", "greet", greet, "--input", "{name:1}"], 2, /--input is not JSON/],
    [
      "input that does not fit",
      ["run", "greet", greet, "--input", '{"name":1}'],
      2,
      /input of task "greet"\.name/,
    ],
    [
      "a __proto__ key",
      ["run", "greet", greet, "--input", '{"name":"x","__proto__":{}}'],
      2,
      /has a key "__proto__"/,
    ],
    [
      "input nested 5,000 deep",
      ["run", "greet", greet, "--input", nested],
      2,
      /--input is nested deeper than 64 levels/,
    ],
    [
      "an input file that is not there",
      ["run", "greet", greet, "--input", "@no.json"],
      2,
      /no\.json, which cannot be read/,
    ],
  ])("%s is named, and nothing happens", async (_what, args, code, message) => {
    const own = mkdtempSync(join(cwd, "bad-"));
    const ended = await callCli(args, { cwd: own });
    expect(ended.stderr).toMatch(message);
    expect(ended.stderr).not.toMatch(/^ +at .*\/src\/cli\//m);
    expect(ended).toMatchObject({ code, stdout: "" });
    expect(await runsIn(own)).toEqual([]);
  });

  it.each<[string, string[], RegExp]>([
    ["an unknown command", ["rnu"], /there is no command "rnu"/],
    ["a file that awaits for ever", ["run", "x", fixture("hangs.mjs")], /does a workflow file await/],
  ])("%s ends a process of its own, too", async (_what, args, message) => {
    const ended = await runCli(args, { cwd });
    expect(ended.stderr).toMatch(message);
    expect(ended).toMatchObject({ code: 2, signal: null, stdout: "" });
  });

  it("a dag that no worker knows: says which ones are known", async () => {
    const nobody = await cli("submit", "welcome", "--store", "sqlite:names.db");
    expect(nobody).toMatchObject({ code: 2, stdout: "" });
    expect(nobody.stderr).toContain(
      'the store knows no task or dag "welcome"; no worker has registered any there yet',
    );
    await cli("run", "plain", fixture("plain.mjs"), "--store", "sqlite:names.db");
    const other = await cli("submit", "welcome", "--store", "sqlite:names.db");
    expect(other.stderr).toContain(
      'the store knows no task or dag "welcome"; there are plain (workflow-unknown)',
    );
  });

  it("a durability that the store cannot have, or that there is not: submits nothing", async () => {
    await cli("run", "plain", fixture("plain.mjs"), "--store", "sqlite:alone.db");
    const submit = (word: string) =>
      cli("submit", "plain", "--store", "sqlite:alone.db", "--durability", word);
    const replica = await submit("replica");
    expect(replica).toMatchObject({ code: 2, stdout: "" });
    expect(replica.stderr).toMatch(/alone\.db is one database without replicas.*\(flag-invalid\)/);
    expect((await submit("all")).stderr).toMatch(/--durability is "all"; it takes local, replica/);
    expect(await submit("local")).toMatchObject({ code: 0 });
    expect(JSON.parse((await cli("runs", "--store", "sqlite:alone.db", "--json")).stdout)).toHaveLength(2);
  });

  it("a key that another run holds, and a start that has passed: submits nothing, and says why", async () => {
    await cli("run", "plain", fixture("plain.mjs"), "--store", "sqlite:keys.db");
    const submit = (...more: string[]) => cli("submit", "plain", "--store", "sqlite:keys.db", ...more);
    const first = await submit("--singleton", "--key", "a");
    const id = first.stdout.trim();
    expect((await submit("--singleton", "--key", "a")).stdout.trim()).toBe(id);
    const taken = await submit("--singleton", "--key", "a", "--key-mode", "reject");
    expect(taken).toMatchObject({ code: 4, stdout: "" });
    expect(taken.stderr).toContain(`run ${id} holds this key (key-taken)`);
    const past = await submit("--run-at", "2000-01-01");
    expect(past).toMatchObject({ code: 2, stdout: "" });
    expect(past.stderr).toMatch(/the store's clock says .* \(run-at-invalid\)/);
    expect((await cli("show", id, "--store", "sqlite:keys.db")).stdout).toMatch(
      /\n {2}key {8}singleton "a"\n/,
    );
  });

  it("a file that is no database is left alone", async () => {
    const file = join(cwd, "letter.db");
    writeFileSync(file, "Dear Ada,\n".repeat(1000));
    const ended = await cli("run", "plain", fixture("plain.mjs"), "--store", `sqlite:${file}`);
    expect(ended).toMatchObject({ code: 3, stdout: "" });
    expect(ended.stderr).toMatch(/letter\.db.*\(store-not-a-database\)/);
    expect(readFileSync(file, "utf8")).toBe("Dear Ada,\n".repeat(1000));
  });

  it("a database of a newer version is left alone", async () => {
    const file = join(cwd, "future.db");
    await cli("run", "plain", fixture("plain.mjs"), "--store", `sqlite:${file}`);
    const script = [
      'import { DatabaseSync } from "@photostructure/sqlite";',
      "const database = new DatabaseSync(process.argv[1]);",
      "database.exec(\"UPDATE jobbers SET value = value + 1 WHERE key = 'schema'\");",
      "database.close();",
    ].join("\n");
    execFileSync(process.execPath, ["--input-type=module", "-e", script, file], { cwd: import.meta.dirname });
    const bytes = readFileSync(file);
    const ended = await cli("runs", "--store", `sqlite:${file}`);
    expect(ended).toMatchObject({ code: 3, stdout: "" });
    expect(ended.stderr).toMatch(/\(store-too-new\)/);
    expect(readFileSync(file).equals(bytes)).toBe(true);
  });
});
