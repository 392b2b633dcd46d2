import { expect, it } from "vitest";
import type { DagDetail, DagList, QueueList, WorkerList } from "../src/index.js";
import { apiOver, chain, problemIn, register, work } from "./bench.js";
import { onEachStore } from "./each-store.js";

onEachStore("dags, queues and workers", (open) => {
  it("lists what is registered, and shows one with its plan, schema and versions", async () => {
    const api = apiOver(await open());
    expect(await (await api.get("/v1/dags")).json()).toEqual({ dags: [] });
    await register(api.store);
    const { dags } = (await (await api.get("/v1/dags")).json()) as DagList;
    expect(dags.map(({ kind, name }) => `${kind} ${name}`)).toEqual([
      ...["task broken", "dag chain", "dag doomed", "task double", "task endless", "dag wide"],
    ]);
    const dag = (await (await api.get("/v1/dags/chain")).json()) as DagDetail;
    expect(dag).toMatchObject({ kind: "dag", name: "chain", version: chain.version, plan: chain.plan });
    expect(dag.inputSchema).toMatchObject({ type: "object", required: ["n"] });
    expect(dag.versions).toEqual([{ version: chain.version, registeredAt: dag.registeredAt, runs: 0 }]);
    expect(await problemIn(await api.get("/v1/dags/nothing"))).toMatchObject({
      status: 404,
      code: "workflow-unknown",
    });
  });

  it("shows queues and workers", async () => {
    const store = await open();
    const api = apiOver(store);
    await register(store);
    await api.submit({ task: "double", input: { n: 1 } });
    const { queues } = (await (await api.get("/v1/queues")).json()) as QueueList;
    expect(queues).toContainEqual({ name: "default", ready: 1, running: 0, workers: 0 });
    await work(store);
    const { workers } = (await (await api.get("/v1/workers")).json()) as WorkerList;
    expect(workers).toMatchObject([{ pid: process.pid, queues: ["default"], held: expect.any(Number) }]);
    expect(workers[0]?.serves).toContain("double");
  });

  it("says that it lives and is ready", async () => {
    const api = apiOver(await open());
    for (const path of ["/healthz", "/readyz"]) {
      const answer = await api.get(path);
      expect([answer.status, await answer.json()]).toEqual([200, { status: "ok" }]);
    }
  });
});
