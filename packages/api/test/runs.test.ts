import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, it, onTestFinished } from "vitest";
import type { RunDetail, RunPage, StepDetail, StepPage } from "../src/index.js";
import { apiOver, newId, problemIn, register, work } from "./bench.js";
import { onEachStore, openMemory } from "./each-store.js";

const json = async <T>(answer: Response | Promise<Response>) => (await (await answer).json()) as T;

onEachStore("a run", (open) => {
  it("shows its input and its steps in the order of the plan", async () => {
    const store = await open();
    await work(store);
    const api = apiOver(store);
    const id = await api.submit({ dag: "chain", input: { n: 2 }, tags: ["x"] });
    await api.result(id);
    const run = await json<RunDetail>(api.get(`/v1/runs/${id}`));
    expect(run).toMatchObject({
      id,
      kind: "dag",
      name: "chain",
      state: "succeeded",
      tags: ["x"],
      input: { n: 2 },
    });
    expect(Date.parse(run.createdAt)).toBeLessThanOrEqual(Date.parse(run.endedAt as string));
    expect(
      run.steps.map(({ name, parents, state, settled, total }) => ({ name, parents, state, settled, total })),
    ).toEqual([
      { name: "first", parents: [], state: "succeeded", settled: 1, total: 1 },
      { name: "second", parents: ["first"], state: "succeeded", settled: 1, total: 1 },
    ]);
    expect(run.steps[0]).toMatchObject({
      kind: "task",
      task: "double",
      queue: "default",
      trigger: "all_success",
      depth: 0,
    });
    expect(run.steps[0]?.record).toMatchObject({
      address: "first",
      tries: 0,
      lost: 0,
      worker: expect.any(String),
    });
    expect(run.steps[0]?.record?.endedAt).toMatch(/^\d{4}-.*Z$/);
  });

  it("shows what failed, and what never began", async () => {
    const store = await open();
    await work(store);
    const api = apiOver(store);
    const id = await api.submit({ dag: "doomed", input: {} });
    const result = await problemIn(await api.result(id));
    expect(result).toMatchObject({
      ...{ status: 409, code: "run-failed" },
      facts: { run: id, step: "broken", attempts: 2, error: { name: "RangeError", message: "out of luck" } },
    });
    const run = await json<RunDetail>(api.get(`/v1/runs/${id}`));
    expect(run).toMatchObject({
      state: "failed",
      failure: { step: "broken", error: { name: "RangeError" } },
    });
    expect(run.steps.map(({ state }) => state)).toEqual(["failed", "cancelled"]);
    expect(run.steps[0]?.record).toMatchObject({ reason: "error", error: { message: "out of luck" } });
    const step = await json<StepDetail>(api.get(`/v1/runs/${id}/steps/broken`));
    expect(step.attempts.map(({ reason, error }) => [reason, error?.message])).toEqual([
      ["error", "out of luck"],
      ["error", "out of luck"],
    ]);
    expect(step).not.toHaveProperty("output");

    const retried = await api.post(`/v1/runs/${id}/retry`);
    expect([retried.status, await retried.json()]).toEqual([202, { id, status: "retried" }]);
    expect((await api.result(id)).status).toBe(409);
  });

  it("shows a map's width, and its steps a page at a time", async () => {
    const store = await open();
    await work(store);
    const api = apiOver(store);
    const id = await api.submit({ dag: "wide", input: { list: Array.from({ length: 700 }, (_, n) => n) } });
    expect(await (await api.result(id)).json()).toMatchObject({ output: { each: { length: 700 } } });
    const run = await json<RunDetail>(api.get(`/v1/runs/${id}`));
    expect(run.steps).toMatchObject([
      { name: "double[]", kind: "map", depth: 0, total: 1, settled: 1, record: { count: 700 } },
      {
        name: "double",
        in: "double[]",
        kind: "task",
        depth: 1,
        total: 700,
        settled: 700,
        counts: { succeeded: 700 },
      },
    ]);
    expect(run.steps[1]).not.toHaveProperty("record");

    const seen = new Set<string>();
    let cursor = "";
    let pages = 0;
    for (let next: string | undefined = ""; next !== undefined; pages++) {
      const query = `?limit=300&state=succeeded${cursor && `&cursor=${encodeURIComponent(cursor)}`}`;
      const page: StepPage = await json(api.get(`/v1/runs/${id}/steps${query}`));
      for (const { address } of page.steps) seen.add(address);
      next = page.next;
      cursor = next ?? "";
    }
    expect([seen.size, pages]).toEqual([701, 3]);
    for (const address of ["double[3]", "double%5B3%5D"])
      expect(await json(api.get(`/v1/runs/${id}/steps/${address}`))).toMatchObject({
        address: "double[3]",
        output: 6,
        attempts: [],
      });
    expect(await json<StepPage>(api.get(`/v1/runs/${id}/steps?state=failed,running`))).toEqual({ steps: [] });
  });

  it("is not asked for by what SQLite would cut off", async () => {
    const api = apiOver(await open());
    await work(api.store);
    const id = await api.submit({ dag: "wide", input: { list: [1, 2] }, tags: ["a"] });
    expect((await api.result(id)).status).toBe(200);
    for (const path of [
      `/v1/runs/${id}/steps/%00`,
      `/v1/runs/${id}/steps/double[1]%00`,
      "/v1/runs?tag=a%00b",
    ])
      expect(await problemIn(await api.get(path))).toMatchObject({ status: 400, code: "query-invalid" });
    const refused = await api.post("/v1/runs", { dag: "wide", input: { list: [] }, tags: ["a\0"] });
    expect(await problemIn(refused)).toMatchObject({ status: 400, errors: [{ pointer: "/tags" }] });
  });

  it("is not there", async () => {
    const api = apiOver(await open());
    const id = newId();
    for (const path of ["", "/steps", "/steps/x", "/result", "/events"])
      expect(await problemIn(await api.get(`/v1/runs/${id}${path}`))).toMatchObject({
        status: 404,
        code: "run-unknown",
      });
    for (const verb of ["cancel", "retry"])
      expect(await problemIn(await api.post(`/v1/runs/${id}/${verb}`))).toMatchObject({
        status: 404,
        code: "run-unknown",
      });
    expect(await problemIn(await api.get("/v1/runs/nonsense"))).toMatchObject({
      status: 400,
      errors: [{ pointer: "/id" }],
    });
    await register(api.store);
    const there = await api.submit({ dag: "chain", input: { n: 1 } });
    expect(await problemIn(await api.get(`/v1/runs/${there}/steps/second`))).toMatchObject({
      status: 404,
      code: "step-unknown",
    });
  });

  it("is cancelled, and that may be repeated", async () => {
    const store = await open();
    await work(store);
    const api = apiOver(store);
    const id = await api.submit({ task: "endless" });
    const events = await api.get(`/v1/runs/${id}/events`);
    const reader = (events.body as ReadableStream<Uint8Array>).getReader();
    let text = "";
    // Until the step runs.
    while (!(await json<RunDetail>(api.get(`/v1/runs/${id}`))).steps[0]?.counts.running) {
      text += new TextDecoder().decode((await reader.read()).value);
    }
    const cancel = await api.post(`/v1/runs/${id}/cancel`);
    expect([cancel.status, await cancel.json()]).toEqual([202, { id, status: "cancelling" }]);
    expect(await problemIn(await api.result(id))).toMatchObject({ status: 409, code: "run-cancelled" });
    const again = await api.post(`/v1/runs/${id}/cancel`);
    expect([again.status, await again.json()]).toEqual([200, { id, status: "cancelled" }]);
    for (let done = false; !done; ) {
      const piece = await reader.read();
      text += new TextDecoder().decode(piece.value);
      done = piece.done;
    }
    expect(text).toMatch(/^id: \d+\nevent: snapshot\ndata: /);
    expect(text).toContain("event: run.ended");
  });

  it("is waited for no longer than asked", async () => {
    const api = apiOver(await open(), { limits: { waitMs: 50 } });
    await register(api.store);
    const id = await api.submit({ dag: "chain", input: { n: 2 } });
    for (const wait of ["0", "10", "10ms", "7d"]) {
      const answer = await api.get(`/v1/runs/${id}/result?wait=${wait}`);
      expect([answer.status, await answer.json()]).toEqual([202, { id, state: "running" }]);
    }
    expect(await problemIn(await api.get(`/v1/runs/${id}/result?wait=long`))).toMatchObject({
      ...{ status: 400, code: "query-invalid", errors: [{ pointer: "/wait" }] },
    });
  });
});

it("a wait for a result ends in time, however often memory is tidied meanwhile", async () => {
  setFlagsFromString("--expose-gc");
  const tidy = runInNewContext("gc") as () => void;
  const api = apiOver(await openMemory());
  await register(api.store);
  const id = await api.submit({ dag: "chain", input: { n: 2 } });
  const tidying = setInterval(tidy, 10);
  onTestFinished(() => clearInterval(tidying));
  expect((await api.get(`/v1/runs/${id}/result?wait=200ms`)).status).toBe(202);
});

onEachStore("GET /v1/runs/{id}/steps", (open) => {
  it("goes through all steps a page at a time, and takes no cursor but its own", async () => {
    const store = await open();
    await work(store);
    const api = apiOver(store);
    const id = await api.submit({ dag: "wide", input: { list: [1, 2, 3] } });
    await api.result(id);
    const list = (query: string) => json<StepPage>(api.get(`/v1/runs/${id}/steps${query}`));
    const whole = (await list("")).steps.map(({ address }) => address);
    expect(whole.length).toBeGreaterThan(3);
    const paged: string[] = [];
    for (let next: string | undefined = ""; next !== undefined; ) {
      const page: StepPage = await list(`?limit=1${next && `&cursor=${encodeURIComponent(next)}`}`);
      paged.push(...page.steps.map(({ address }) => address));
      next = page.next;
    }
    expect(paged).toEqual(whole);
    for (const cursor of ["zzz", "double[1][2]", "double[01]", "double", "double[]x"])
      expect(
        await problemIn(await api.get(`/v1/runs/${id}/steps?cursor=${encodeURIComponent(cursor)}`)),
      ).toMatchObject({ status: 400, code: "cursor-invalid" });
  });
});

onEachStore("GET /v1/runs", (open) => {
  it("lists newest first, filtered, a page at a time", async () => {
    const store = await open();
    await register(store);
    const api = apiOver(store);
    const ids: string[] = [];
    for (let n = 0; n < 5; n++) {
      const what = n % 2 === 0 ? { dag: "chain", tags: ["even"] } : { task: "double", delay: "1h" };
      ids.unshift(await api.submit({ ...what, input: { n } }));
    }
    const list = async (query: string) =>
      (await json<RunPage>(api.get(`/v1/runs${query}`))).runs.map(({ id }) => id);
    expect(await list("")).toEqual(ids);
    expect(await list("?limit=99999")).toEqual(ids);
    expect(await list("?dag=chain")).toEqual([ids[0], ids[2], ids[4]]);
    expect(await list("?task=double")).toEqual([ids[1], ids[3]]);
    expect(await list("?task=chain")).toEqual([]);
    expect(await list("?tag=even")).toEqual([ids[0], ids[2], ids[4]]);
    expect(await list("?state=scheduled")).toEqual([ids[1], ids[3]]);
    const [newest, , , , oldest] = (await json<RunPage>(api.get("/v1/runs"))).runs.map(({ createdAt }) =>
      Date.parse(createdAt),
    );
    const at = (ms: number | undefined) => encodeURIComponent(new Date(ms as number).toISOString());
    expect(await list(`?before=${at(oldest)}`)).toEqual([]);
    expect(await list(`?after=${at(oldest)}&before=${at((newest as number) + 1)}`)).toEqual(ids);
    expect(await list(`?after=${at((newest as number) + 1)}`)).toEqual([]);
    expect(await problemIn(await api.get("/v1/runs?cursor=nonsense"))).toMatchObject({
      status: 400,
      code: "cursor-invalid",
    });
    const first = await json<RunPage>(api.get("/v1/runs?limit=2"));
    expect(first.runs.map(({ id }) => id)).toEqual(ids.slice(0, 2));
    expect(await list(`?limit=3&cursor=${encodeURIComponent(first.next as string)}`)).toEqual(ids.slice(2));
  });
});

it("a list refuses parameters that it does not know or understand", async () => {
  const api = apiOver(await openMemory());
  const wrong = { stat: "failed", limit: "many", state: "lost", after: "yesterday", dag: "a b" };
  for (const [key, value] of Object.entries(wrong)) {
    const problem = await problemIn(await api.get(`/v1/runs?${key}=${value}`));
    expect(problem).toMatchObject({ status: 400, code: "query-invalid", errors: [{ pointer: `/${key}` }] });
  }
  expect(await problemIn(await api.get("/v1/runs?tag=a&tag=b"))).toMatchObject({
    errors: [{ pointer: "/tag" }],
  });
  expect(await problemIn(await api.get("/v1/runs?dag=a&task=b"))).toMatchObject({
    errors: [{ pointer: "/task" }],
  });
});
