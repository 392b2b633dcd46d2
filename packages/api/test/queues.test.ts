import { expect, it } from "vitest";
import type { BulkAnswer, Queue } from "../src/index.js";
import { apiOver, newId, problemIn, register, type TestApi } from "./bench.js";
import { onEachStore } from "./each-store.js";

const patch = (api: TestApi, path: string, body: unknown, headers = {}, method = "PATCH") =>
  api.request(path, {
    method,
    body: JSON.stringify(body),
    headers: { "content-type": "application/json", ...headers },
  });

onEachStore("queues", (open) => {
  it("pauses, drains and resumes a queue, and shows who did that and when", async () => {
    const api = apiOver(await open());
    await register(api.store);
    expect(await problemIn(await api.get("/v1/queues/default"))).toMatchObject({
      status: 404,
      code: "queue-unknown",
    });
    expect(await (await api.post("/v1/queues/default/resume")).json()).toMatchObject({
      ...{ name: "default", ready: 0, settings: { paused: false, version: 0 } },
    });
    expect(await (await api.get("/v1/queues")).json()).toEqual({ queues: [] });
    const paused = (await (await api.post("/v1/queues/default/pause", { by: "ada" })).json()) as Queue;
    expect(paused).toEqual({
      ...{ name: "default", ready: 0, running: 0, workers: 0 },
      settings: {
        paused: true,
        draining: false,
        default: {},
        edit: {},
        version: 1,
        editedBy: "ada",
        editedAt: expect.stringMatching(/^20.*Z$/),
      },
    });
    expect(await (await api.post("/v1/queues/default/pause")).json()).toEqual(paused);
    expect(await (await api.get("/v1/queues/default")).json()).toEqual(paused);
    const drained = (await (await api.post("/v1/queues/default/drain")).json()) as Queue;
    expect(drained.settings).toMatchObject({ paused: true, draining: true, version: 2, editedBy: "unknown" });
    const refused = await api.post("/v1/runs", { task: "double", input: { n: 1 } });
    expect(await problemIn(refused)).toMatchObject({ status: 409, code: "queue-draining" });
    const resumed = (await (await api.post("/v1/queues/default/resume")).json()) as Queue;
    expect(resumed.settings).toMatchObject({ paused: false, draining: false });
    await api.submit({ task: "double", input: { n: 1 } });
  });

  it("makes and edits a role, with how many steps its workers run, of how many at most", async () => {
    const api = apiOver(await open());
    const put = (body: unknown) => patch(api, "/v1/roles/crawler", body, {}, "PUT");
    expect(await problemIn(await put({ concurrency: 5 }))).toMatchObject({
      status: 404,
      code: "role-unknown",
    });
    const made = await (await put({ queues: { default: 1 }, concurrency: 5, by: "ada" })).json();
    expect(made).toEqual({
      ...{ name: "crawler", queues: { default: 1 }, concurrency: 5, running: 0, holders: [], workers: 0 },
      ...{ version: 1, editedBy: "ada", editedAt: expect.stringMatching(/^20.*Z$/) },
    });
    expect(await (await api.get("/v1/roles")).json()).toEqual({ roles: [made] });
    expect(await (await put({ concurrency: "none" })).json()).toMatchObject({
      version: 2,
      queues: { default: 1 },
    });
    expect(await (await api.get("/v1/roles/crawler")).json()).toMatchObject({
      versions: [{ version: 2 }, { version: 1, concurrency: 5 }],
    });
    expect((await put({ concurrency: 0 })).status).toBe(400);
  });

  it("refuses a submission to a full queue with 429, each item of a batch for itself, and a resend never", async () => {
    const api = apiOver(await open());
    await register(api.store);
    expect((await patch(api, "/v1/queues/default", { max: 2, by: "ada" })).status).toBe(200);
    const ids = [newId(), newId(), newId()];
    const lines = ids.map((id, n) => JSON.stringify({ id, task: "double", input: { n } })).join("\n");
    const answer = await api.post("/v1/runs/bulk", lines, { "content-type": "application/x-ndjson" });
    const told = (await answer.text())
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as BulkAnswer);
    // Which of them is the one too many is left to how they travel.
    const codes = told.map((each) => ("error" in each ? each.error.code : each.status));
    expect([...codes].sort()).toEqual(["created", "created", "queue-full"]);
    const late = ids[codes.indexOf("queue-full")] as string;
    const early = ids[codes.indexOf("created")] as string;
    const again = (id: string) => api.post("/v1/runs", { id, task: "double", input: { n: ids.indexOf(id) } });
    const refused = await again(late);
    expect(refused.status).toBe(429);
    expect(refused.headers.get("retry-after")).toBe("5");
    expect(await problemIn(refused)).toMatchObject({
      code: "queue-full",
      facts: { queue: "default", max: 2 },
    });
    expect((await again(early)).status).toBe(200);
    const set = (await (await patch(api, "/v1/queues/default", { max: "none" })).json()) as Queue;
    expect(set.settings).toMatchObject({ edit: { max: "none" }, version: 2 });
    expect(set.settings).not.toHaveProperty("max");
    expect((await again(late)).status).toBe(201);
  });

  it("removes what waits only where the name is said again, a page a call", async () => {
    const api = apiOver(await open());
    await register(api.store);
    const runs: string[] = [];
    for (let n = 0; n < 5; n++) runs.push(await api.submit({ task: "double", input: { n } }));
    const path = "/v1/queues/default/obliterate";
    const refused = await problemIn(await api.post(path, { confirm: "defualt" }));
    expect(refused).toMatchObject({ status: 400, code: "body-invalid", errors: [{ pointer: "/confirm" }] });
    expect(await problemIn(await api.post(path, {}))).toMatchObject({ errors: [{ pointer: "/confirm" }] });
    const first = (await (await api.post(path, { confirm: "default", limit: 3 })).json()) as {
      removed: number;
      next: string;
    };
    expect(first).toEqual({ removed: 3, next: expect.any(String) });
    const rest = await (await api.post(path, { confirm: "default", cursor: first.next })).json();
    expect(rest).toEqual({ removed: 2 });
    for (const run of runs)
      expect(await (await api.get(`/v1/runs/${run}`)).json()).toMatchObject({ state: "cancelled" });
  });

  it("refuses what makes no sense, with the name of the field", async () => {
    const api = apiOver(await open());
    for (const [body, pointer] of [
      [{ max: 0 }, "/max"],
      [{ max: "many" }, "/max"],
      [{ priority: "fair" }, "/priority"],
      [{}, ""],
      [{ max: 1, by: "" }, "/by"],
      [{ max: 1, paused: true }, "/paused"],
    ] as const) {
      expect(await problemIn(await patch(api, "/v1/queues/crawl", body))).toMatchObject({
        errors: [{ pointer }],
      });
    }
    const long = await problemIn(await api.post(`/v1/queues/${"q".repeat(10_000)}/pause`));
    expect(long).toMatchObject({ code: "query-invalid", errors: [{ pointer: "/name" }] });
    expect(await (await api.get("/v1/queues")).json()).toEqual({ queues: [] });
  });

  it("says whose token an edit came with, whatever the caller calls himself", async () => {
    const token = "jb_ops_0123456789abcdef";
    const api = apiOver(await open(), { tokens: [token] });
    const headers = { authorization: `Bearer ${token}` };
    const paused = await api.post("/v1/queues/crawl/pause", { by: "ada" }, headers);
    expect(await paused.json()).toMatchObject({ settings: { editedBy: "ops (ada)" } });
    const set = await patch(api, "/v1/queues/crawl", { max: 5, priority: "weighted" }, headers);
    expect(await set.json()).toMatchObject({
      settings: { editedBy: "ops", max: 5, edit: { max: 5, priority: "weighted" }, paused: true },
    });
    const back = await patch(api, "/v1/queues/crawl", { priority: "default" }, headers);
    expect(((await back.json()) as Queue).settings).toMatchObject({ default: {}, edit: { max: 5 } });
  });
});
