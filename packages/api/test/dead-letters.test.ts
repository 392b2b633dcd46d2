import { dag, Terminal, task } from "@jobbers/core";
import { expect, it } from "vitest";
import { z } from "zod";
import type {
  DeadLetterCounts,
  DeadLetterDetail,
  DeadLetterPage,
  DeadLetterProgress,
  RedriveAnswer,
} from "../src/index.js";
import { apiOver, chain, double, newId, problemIn, type TestApi, work } from "./bench.js";
import { onEachStore, openMemory } from "./each-store.js";

const picky = task({
  name: "picky",
  input: z.object({ n: z.number() }),
  run: async ({ n }) => {
    if (n < 0) throw new Terminal(`${n} is below 0`);
    return n;
  },
});
const pickyAll = dag(
  "picky-all",
  { input: z.object({ list: z.array(z.number()) }), failure: "continue" },
  ({ list }) => list.map((n) => picky({ n })),
);

const json = async <T>(answer: Response | Promise<Response>) => (await (await answer).json()) as T;

async function failed(api: TestApi, list: readonly number[]): Promise<string> {
  const id = await api.submit({ dag: "picky-all", input: { list } });
  expect((await api.result(id)).status).toBe(list.some((n) => n < 0) ? 409 : 200);
  return id;
}

const listed = async (api: TestApi, query = "") =>
  (await json<DeadLetterPage>(api.get(`/v1/dead-letters${query}`))).letters;

onEachStore("dead letters", (open) => {
  it("are listed, counted and shown with attempts and input", async () => {
    const api = apiOver(await open());
    await work(api.store, [picky, pickyAll]);
    const id = await failed(api, [1, -2, -3]);
    const letters = await listed(api);
    expect(letters.map(({ step }) => step).sort()).toEqual(["picky[1]", "picky[2]"]);
    expect(letters[0]).toMatchObject({
      run: id,
      workflow: "picky-all",
      task: "picky",
      queue: "default",
      tries: 1,
    });
    expect(Date.parse(letters[0]?.diedAt as string)).toBeGreaterThan(0);
    expect(await json<DeadLetterCounts>(api.get("/v1/dead-letters/counts"))).toEqual({
      tasks: [{ task: "picky", letters: 2 }],
    });
    expect(
      await json<DeadLetterDetail>(api.get(`/v1/dead-letters/${id}/${encodeURIComponent("picky[1]")}`)),
    ).toMatchObject({
      ...{ run: id, step: "picky[1]", reason: "error", edited: false, input: { n: -2 } },
      attempts: [{ reason: "error", error: { message: "-2 is below 0" } }],
    });
    const page = await json<DeadLetterPage>(api.get("/v1/dead-letters?limit=1"));
    expect(page.letters).toHaveLength(1);
    expect(await listed(api, `?cursor=${page.next}`)).toHaveLength(1);
    expect(await listed(api, "?task=other")).toEqual([]);
    expect(
      await listed(api, "?reason=error&queue=default&workflow=picky-all&after=2020-01-01T00:00:00Z"),
    ).toHaveLength(2);
    expect(await listed(api, "?before=2020-01-01T00:00:00Z")).toEqual([]);
  });

  it("are redriven with another input, which has to fit", async () => {
    const api = apiOver(await open());
    await work(api.store, [picky, pickyAll]);
    const id = await failed(api, [1, -2, -3]);
    const path = `/v1/dead-letters/${id}/picky[1]`;
    const refused = await problemIn(await api.post(`${path}/redrive`, { input: { n: "x" } }));
    expect(refused).toMatchObject({ code: "input-invalid", errors: [{ pointer: "/input/n" }] });
    expect(await listed(api)).toHaveLength(2);
    const answer = await api.post(`${path}/redrive`, { input: { n: 20 } });
    expect([answer.status, await json<RedriveAnswer>(answer)]).toEqual([
      202,
      { run: id, step: "picky[1]", status: "retried" },
    ]);
    await api.result(id);
    expect((await listed(api)).map(({ step }) => step)).toEqual(["picky[2]"]);
    expect(await json(api.get(`/v1/runs/${id}/steps/picky[1]`))).toMatchObject({
      ...{ state: "succeeded", output: 20, edited: true },
    });
    const again = await api.post(`/v1/dead-letters/${id}/picky[2]/redrive`);
    expect(again.status).toBe(202);
    await api.result(id);
    expect(await listed(api)).toMatchObject([{ step: "picky[2]", edited: false }]);
    await api.post(`/v1/dead-letters/${id}/picky[2]/redrive`, { input: { n: 30 } });
    expect(await json(api.result(id))).toMatchObject({ output: [1, 20, 30] });
    expect(await json(api.post(`${path}/redrive`))).toMatchObject({ status: "succeeded" });
  });

  it("are redriven and purged by a filter, a page a call", async () => {
    const api = apiOver(await open());
    await work(api.store, [picky, pickyAll]);
    const runs = [await failed(api, [-1, -2, -3]), await failed(api, [-4])];
    const pages: DeadLetterProgress[] = [];
    let cursor: string | undefined;
    do {
      const page = await json<DeadLetterProgress>(
        api.post("/v1/dead-letters/redrive", { task: "picky", limit: 1, cursor }),
      );
      pages.push(page);
      cursor = page.next;
    } while (cursor !== undefined && pages.length < 10);
    expect(pages.reduce((sum, page) => sum + page.runs, 0)).toBe(2);
    for (const run of runs) await api.result(run);
    expect(await listed(api)).toHaveLength(4);
    expect(await json(api.post("/v1/dead-letters/purge", { run: runs[1] }))).toMatchObject({
      seen: 1,
      done: 1,
    });
    expect((await api.request(`/v1/dead-letters/${runs[0]}/picky[0]`, { method: "DELETE" })).status).toBe(
      204,
    );
    expect((await listed(api)).map(({ step }) => step).sort()).toEqual(["picky[1]", "picky[2]"]);
  });

  it("a retry takes the step from which", async () => {
    const api = apiOver(await open());
    await work(api.store, [picky, pickyAll]);
    const id = await failed(api, [-1, -2]);
    expect((await api.post(`/v1/runs/${id}/retry`, { from: "picky[0]" })).status).toBe(202);
    await api.result(id);
    expect(await json(api.get(`/v1/runs/${id}/steps/picky[0]`))).toMatchObject({ fence: 3 });
    expect(await json(api.get(`/v1/runs/${id}/steps/picky[1]`))).toMatchObject({ fence: 1 });
    expect(await problemIn(await api.post(`/v1/runs/${id}/retry`, { from: "nobody" }))).toMatchObject({
      code: "step-unknown",
    });
  });

  it("a retry takes a step that succeeded, and says what to do where it cannot", async () => {
    const api = apiOver(await open());
    await work(api.store, [picky, pickyAll, double, chain]);
    const id = await api.submit({ dag: "chain", input: { n: 1 } });
    await api.result(id);
    const { fence } = await json<{ fence: number }>(api.get(`/v1/runs/${id}/steps/second`));
    const again = () => api.post(`/v1/runs/${id}/retry`, { from: "second", fence });
    expect((await again()).status).toBe(202);
    expect(await json(api.result(id))).toMatchObject({ output: 4 });
    // Sent again, it is not done again.
    expect(await json(again())).toMatchObject({ status: "retried" });
    expect(await json(api.get(`/v1/runs/${id}`))).toMatchObject({ state: "succeeded" });
    expect(await json(api.get(`/v1/runs/${id}/steps/first`))).toMatchObject({ fence: 1, attempts: [] });
    expect(await json(api.get(`/v1/runs/${id}/steps/second`))).toMatchObject({
      ...{ fence: 3, attempts: [{ reason: "rerun" }] },
    });
    const other = await failed(api, [1, -2]);
    for (const from of ["picky[0]", "picky[7]"])
      expect(await problemIn(await api.post(`/v1/runs/${other}/retry`, { from }))).toMatchObject({
        ...{ code: "step-not-retryable", detail: expect.stringContaining('from the map, "picky[]"') },
      });
    expect((await api.post(`/v1/runs/${other}/retry`, { from: "picky[]" })).status).toBe(202);
    await api.result(other);
    expect(await json(api.get(`/v1/runs/${other}/steps/picky[0]`))).toMatchObject({ state: "succeeded" });
    expect(await listed(api)).toMatchObject([{ step: "picky[1]" }]);
  });
});

it("refuses what is no such call, naming the field", async () => {
  const api = apiOver(await openMemory());
  const codeOf = async (answer: Response | Promise<Response>) => (await problemIn(await answer)).code;
  const id = newId();
  expect(await codeOf(api.get(`/v1/dead-letters/${id}/a`))).toBe("dead-letter-unknown");
  expect(await codeOf(api.post(`/v1/dead-letters/${id}/a/redrive`))).toBe("run-unknown");
  expect(await codeOf(api.post(`/v1/dead-letters/${id}/a/redrive`, { input: 1 }))).toBe("run-unknown");
  expect(await codeOf(api.get("/v1/dead-letters?cursor=x"))).toBe("cursor-invalid");
  expect(await codeOf(api.get("/v1/dead-letters?colour=red"))).toBe("query-invalid");
  const wrong = await problemIn(await api.post("/v1/dead-letters/purge", { after: "soon" }));
  expect(wrong).toMatchObject({ code: "body-invalid", errors: [{ pointer: "/after" }] });
  expect(await codeOf(api.post(`/v1/runs/${id}/retry`, { form: "a" }))).toBe("body-invalid");
  expect((await api.request(`/v1/dead-letters/${id}/a`, { method: "DELETE" })).status).toBe(204);
});
