import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { DatabaseSync } from "@photostructure/sqlite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { connect } from "../src/index.js";
import { callCli } from "./cli-here.js";
import { type Ended, fixture } from "./cli-process.js";

let cwd: string;
let store: string;
beforeAll(async () => {
  cwd = mkdtempSync(join(tmpdir(), "jobbers-inspect-"));
  store = `sqlite:${join(cwd, "jobs.db")}`;
  await using jobbers = await connect(store);
  expect((await jobbers.store.listRuns({ limit: 1 })).runs).toEqual([]);
});
afterAll(() => rmSync(cwd, { recursive: true, maxRetries: 20 }));

const cli = (...args: string[]) => callCli(args, { cwd });
const json = ({ stdout }: Ended) => JSON.parse(stdout) as Record<string, unknown>;

describe("jobbers doctor", () => {
  it("says of each thing how it is, and ends with 0 when nothing fails", async () => {
    const ended = await cli("doctor", store);
    expect(ended).toMatchObject({ code: 0, stderr: "" });
    expect(ended.stdout).toMatch(/^ok {4}journal +wal {2}/m);
    expect(ended.stdout).toMatch(/all is well|may be better/);
    expect(json(await cli("doctor", "--store", store, "--json"))).toMatchObject({ store, fine: true });
  });

  it("tries the place of large values, which show then tells of", async () => {
    const place = pathToFileURL(join(cwd, "blobs")).href;
    const absent = await cli("doctor", store, "--blobs", place, "--json");
    expect(absent.code).toBe(3);
    const [finding] = (json(absent).findings as { name: string; value: string; sentence: string }[]).slice(
      -1,
    );
    expect(finding).toMatchObject({ name: "large values", value: place, level: "fail" });
    expect(finding?.sentence).toMatch(
      /is not there; make the directory, or mount the share\. Until that is /,
    );
    mkdirSync(join(cwd, "blobs"));
    expect((await cli("doctor", store, "--blobs", place)).stdout).toMatch(/^ok .*large values/m);
    expect(readdirSync(join(cwd, "blobs"))).toEqual([".jobbers-blobs"]);

    const at = ["--store", `sqlite:${join(cwd, "large.db")}`, "--blobs", place];
    const ran = await cli("run", "large", fixture("large.mjs"), ...at, "--json");
    expect(json(ran)).toMatchObject({ state: "succeeded", output: 100_000 });
    const shown = await cli("show", json(ran).id as string, ...at);
    expect(shown.stdout).toMatch(
      /^large values\n {2}write {2}97\.7 KiB {2}file:.*\/blobs\/[0-9A-Z]{26}\/write\.[0-9a-f]{64}$/m,
    );
    expect((await cli("show", json(ran).id as string, ...at.slice(0, 2))).stdout).toContain("large values");
    expect((await cli("runs", "--url", "http://127.0.0.1:1", "--blobs", place)).code).toBe(2);
  }, 60_000);

  it("makes no store of a misspelt path", async () => {
    expect((await cli("doctor", "sqlite:./none.db")).stdout).toMatch(/none yet/);
    expect(existsSync(join(cwd, "none.db"))).toBe(false);
  });

  it("ends with 3 where nobody answers, and with 2 where it is used wrongly", async () => {
    const away = await cli("doctor", "redis://:hidden@127.0.0.1:1", "--json");
    expect(away.code).toBe(3);
    expect(json(away)).toMatchObject({ fine: false, findings: [{ name: "connection", level: "fail" }] });
    expect(away.stdout + away.stderr).not.toContain("hidden");
    expect((await cli("doctor", "ftp://x")).code).toBe(2);
    expect((await cli("doctor", store, "--store", store)).code).toBe(2);
  });
});

describe("jobbers fsck", () => {
  it("finds a good store good", async () => {
    await cli("run", "plain", fixture("plain.mjs"), "--store", store);
    const ended = await cli("fsck", "--store", store);
    expect(ended).toMatchObject({ code: 0, stderr: "" });
    expect(ended.stdout).toMatch(/records looked at, all as it should be/);
  });

  it("names what is broken, mends it with --repair, and finds it good then", async () => {
    const raw = new DatabaseSync(join(cwd, "jobs.db"));
    raw.exec("UPDATE tallies SET n = 50; DELETE FROM shelves");
    raw.close();
    const broken = await cli("fsck", "--store", store);
    expect(broken.code).toBe(3);
    expect(broken.stdout).toMatch(/^broken {2}run-unlisted {2}run [0-9A-Z]{26}, succeeded: .*with --repair/m);
    const mended = await cli("fsck", "--repair", "--store", store, "--json");
    expect(mended.code).toBe(0);
    expect(json(mended)).toMatchObject({ clean: true, count: 2, repaired: 2 });
    expect((await cli("fsck", "--store", store)).code).toBe(0);
  });

  it("ends with 3 where something is left, and with 2 where there is no store", async () => {
    const raw = new DatabaseSync(join(cwd, "jobs.db"));
    raw.exec("DELETE FROM plans");
    raw.close();
    const ended = await cli("fsck", "--repair", "--store", store);
    expect(ended.code).toBe(3);
    expect(ended.stdout).toMatch(/broken {2}plan-missing[\s\S]* left$/m);
    expect((await cli("fsck", "--store", "sqlite:./none.db")).code).toBe(2);
  });
});
