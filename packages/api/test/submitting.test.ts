import { describe, expect, it } from "vitest";
import type { RunDetail } from "../src/index.js";
import { apiOver, newId, problemIn, register, work } from "./bench.js";
import { onEachStore } from "./each-store.js";

onEachStore("POST /v1/runs", (open) => {
  it("creates a run, and answers the same one to the same content", async () => {
    const api = apiOver(await open());
    await register(api.store);
    const id = newId();
    const body = { id, dag: "chain", input: { n: 2 }, tags: ["a"], priority: 7, keep: "1h" };
    const first = await api.post("/v1/runs", body);
    expect(first.status).toBe(201);
    expect(first.headers.get("location")).toBe(`runs/${id}`);
    expect(await first.json()).toEqual({ id, status: "created", state: "running" });

    const again = await api.post("/v1/runs", { ...body, input: { n: 2 } });
    expect(again.status).toBe(200);
    expect(await again.json()).toEqual({ id, status: "existing", state: "running" });

    const other = await problemIn(await api.post("/v1/runs", { ...body, priority: 6 }));
    expect(other).toMatchObject({ status: 409, code: "run-conflict", id, instance: `/v1/runs/${id}` });
  });

  it("chooses an id where there is none, and keeps the trace context", async () => {
    const api = apiOver(await open());
    await register(api.store);
    const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    const answer = await api.post("/v1/runs", { task: "double", input: { n: 1 } }, { traceparent });
    const { id } = (await answer.json()) as { id: string };
    expect((await (await api.get(`/v1/runs/${id}`)).json()) as RunDetail).toMatchObject({
      kind: "task",
      traceparent,
    });

    for (const bad of [
      "00-zz",
      "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
      `ff${traceparent.slice(2)}`,
    ]) {
      const answer = await api.post("/v1/runs", { task: "double", input: { n: 1 } }, { traceparent: bad });
      const { id } = (await answer.json()) as { id: string };
      expect(answer.status).toBe(201);
      expect((await (await api.get(`/v1/runs/${id}`)).json()) as RunDetail).not.toHaveProperty("traceparent");
    }
  });

  it("refuses a day that no calendar has", async () => {
    const store = await open();
    await register(store);
    const api = apiOver(store);
    for (const day of ["2027-02-30", "2027-02-29", "2027-04-31", "2027-13-01", "2027-00-10", "2027-01-00"]) {
      const runAt = `${day}T00:00:00Z`;
      expect(
        await problemIn(await api.post("/v1/runs", { task: "double", input: { n: 1 }, runAt })),
      ).toMatchObject({
        code: "body-invalid",
        errors: [{ pointer: "/runAt", detail: expect.stringContaining(day) }],
      });
      expect(await problemIn(await api.get(`/v1/runs?after=${runAt}`))).toMatchObject({
        code: "query-invalid",
        errors: [{ pointer: "/after", detail: expect.stringContaining("it takes an instant") }],
      });
    }
  });

  it("schedules by delay and by instant", async () => {
    const api = apiOver(await open());
    await register(api.store);
    const late = await api.post("/v1/runs", { task: "double", input: { n: 1 }, delay: "1h" });
    expect(await late.json()).toMatchObject({ status: "created", state: "scheduled" });
    const runAt = new Date(Date.now() + 3_600_000).toISOString();
    const later = await api.post("/v1/runs", { task: "double", input: { n: 1 }, runAt });
    expect(await later.json()).toMatchObject({ status: "created", state: "scheduled" });
  });

  it("takes a deadline, and refuses one that cannot be", async () => {
    const api = apiOver(await open());
    await register(api.store);
    const timed = { task: "double", input: { n: 1 }, delay: "1s", deadline: "1h" };
    expect((await api.post("/v1/runs", timed)).status).toBe(201);
    for (const deadline of ["soon", -1, 0, "99999d", 1_000]) {
      const problem = await problemIn(await api.post("/v1/runs", { ...timed, deadline }));
      expect(problem).toMatchObject({ status: 400, errors: [{ pointer: "/deadline" }] });
    }
  });

  it("needs no live worker, only one that has registered before", async () => {
    const store = await open();
    await register(store);
    const api = apiOver(store);
    const id = await api.submit({ dag: "chain", input: { n: 2 } });
    expect((await api.get(`/v1/runs/${id}/result`)).status).toBe(202);
    await work(store);
    expect(await (await api.result(id)).json()).toEqual({ id, state: "succeeded", output: 8 });
  });

  it("knows what is registered while it runs", async () => {
    const store = await open();
    const api = apiOver(store);
    const unknown = await problemIn(await api.post("/v1/runs", { dag: "chain", input: { n: 1 } }));
    expect(unknown).toMatchObject({ status: 404, code: "workflow-unknown" });
    await register(store);
    expect((await api.post("/v1/runs", { dag: "chain", input: { n: 1 } })).status).toBe(201);
    const wrongKind = await problemIn(await api.post("/v1/runs", { task: "chain", input: { n: 1 } }));
    expect(wrongKind).toMatchObject({ status: 404, code: "workflow-unknown" });
    expect(wrongKind.detail).toContain("dag");
  });

  it("refuses an input that does not fit, part by part", async () => {
    const api = apiOver(await open());
    await register(api.store);
    const problem = await problemIn(
      await api.post("/v1/runs", { dag: "chain", input: { n: "2", site: "nowhere" } }),
    );
    expect(problem).toMatchObject({ status: 422, code: "input-invalid" });
    expect(problem.errors?.map(({ pointer }) => pointer)).toEqual(["/input/n", "/input/site"]);
    const lacking = await problemIn(await api.post("/v1/runs", { dag: "chain" }));
    expect(lacking).toMatchObject({ status: 422, errors: [{ pointer: "/input" }] });
    expect(lacking.detail).toContain('"n"');
    const fine = await api.post("/v1/runs", { dag: "chain", input: { n: 2, site: "https://example.org/ü" } });
    expect(fine.status).toBe(201);
  });

  it("refuses a body that is not one of a submission, field by field", async () => {
    const api = apiOver(await open());
    const bad = {
      id: "x",
      dag: "chain",
      task: "double",
      priority: 11,
      delay: "soon",
      runAt: "now",
      tags: [""],
      extra: 1,
    };
    const problem = await problemIn(await api.post("/v1/runs", bad));
    expect(problem).toMatchObject({ status: 400, code: "body-invalid" });
    expect(problem.errors?.map(({ pointer }) => pointer)).toEqual([
      ...["/id", "/dag", "/priority", "/delay", "/runAt", "/tags", "/extra"],
    ]);
    for (const [body, pointer] of [
      [[], ""],
      ["1", ""],
      ["null", ""],
      [{}, ""],
      [{ dag: "a b" }, "/dag"],
    ] as const)
      expect(await problemIn(await api.post("/v1/runs", body))).toMatchObject({
        status: 400,
        errors: [{ pointer }],
      });
  });

  it("sends together what arrives together, and tells each its own", async () => {
    const store = await open();
    await register(store);
    const sizes: number[] = [];
    const counting = new Proxy(store, {
      get(target, key) {
        if (key !== "submit") return Reflect.get(target, key, target);
        return (...args: Parameters<typeof target.submit>) => {
          sizes.push(args[0].length);
          return target.submit(...args);
        };
      },
    });
    const api = apiOver(counting);
    await api.submit({ dag: "chain", input: { n: 0 } });
    sizes.length = 0;
    const taken = newId();
    const bodies = Array.from({ length: 60 }, (_, n) => ({
      id: n < 2 ? taken : newId(),
      dag: "chain",
      input: { n },
    }));
    const answers = await Promise.all(bodies.map((body) => api.post("/v1/runs", body)));
    expect(answers.map(({ status }) => status)).toEqual([201, 409, ...Array(58).fill(201)]);
    expect(sizes.reduce((a, b) => a + b)).toBe(60);
    expect(sizes.length).toBeLessThanOrEqual(3);
  });
});

describe("durability", () => {
  onEachStore("a replica that is not there", (open) => {
    it("is told, with the id for another try", async () => {
      const api = apiOver(await open());
      await register(api.store);
      const id = newId();
      const body = { id, task: "double", input: { n: 1 }, durability: "replica" };
      const problem = await problemIn(await api.post("/v1/runs", body));
      if (api.store.url.startsWith("redis")) {
        expect(problem).toMatchObject({ status: 503, code: "not-replicated", id, facts: { id } });
        const again = await api.post("/v1/runs", { ...body, durability: "local" });
        expect(again.status).toBe(200);
      } else expect(problem).toMatchObject({ status: 400, code: "flag-invalid" });
    });
  });
});
