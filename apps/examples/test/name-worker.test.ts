import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { start } from "./child-process.js";
import { temporaryFolder } from "./fixture-project.js";
import { startRedis } from "./redis-server.js";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const page = join(root, "apps/examples/dist/name-worker/page.js");
const tasks = join(root, "apps/examples/src/name-worker/task.ts");
const jobbersCommand = join(root, "node_modules/.bin/jobbers");

describe("a name that is given to a page while its worker is killed", () => {
  it.each(["sqlite", "redis"])(
    "is worked on all the same, on %s",
    async (kind) => {
      const cwd = await temporaryFolder();
      const store = kind === "redis" ? await startRedis() : `sqlite:${cwd}/jobs.db`;
      const site = start([page, "--store", store, "--port", "0", "--takes", "2000"], cwd);
      await site.until(/open http/);
      const url = /http:\/\/127.0.0.1:\d+/.exec(site.said())?.[0];
      const startWorker = () => start([jobbersCommand, "worker", tasks, "--store", store], cwd);

      const first = startWorker();
      const answer = await fetch(`${url}/?name=foo`, { redirect: "manual" });
      expect(answer.status).toBe(303);
      await first.until(/working on foo/);
      first.child.kill("SIGKILL");
      await first.ended;
      expect(first.said()).not.toContain("success");

      const second = startWorker();
      await second.until(/success: foo/);
      // Success is logged just before it is told.
      second.child.kill("SIGTERM");
      await second.ended;
      const shown = await (await fetch(new URL(answer.headers.get("location") as string, url))).text();
      expect(shown).toMatch(/succeeded/);
      expect(shown).toMatch(/lost workers: 1/);
    },
    60_000,
  );

  it("is refused where it is none, and the page says so", async () => {
    const cwd = await temporaryFolder();
    const site = start([page, "--store", "memory:", "--port", "0"], cwd);
    await site.until(/open http/);
    const url = /http:\/\/127.0.0.1:\d+/.exec(site.said())?.[0];
    const tooLong = await fetch(`${url}/?name=${"x".repeat(101)}`);
    expect(tooLong.status).toBe(422);
    expect(await tooLong.text()).toContain("name");
    expect((await fetch(`${url}/runs/nothing`)).status).toBe(404);
    expect((await fetch(`${url}/elsewhere`)).status).toBe(404);
    expect(await (await fetch(url as string)).text()).toContain("?name=foo");
  }, 60_000);
});
