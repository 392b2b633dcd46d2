import { dag, hash, roundRobin } from "@jobbers/core";
import { expect, it } from "vitest";
import { z } from "zod";
import type { RunDetail, StepDetail } from "../src/index.js";
import { apiOver, double, register, work } from "./bench.js";
import { onEachStore } from "./each-store.js";

const json = async <T>(answer: Response | Promise<Response>) => (await (await answer).json()) as T;

const rows = z.object({ rows: z.array(z.array(z.number())) });
const spread = dag("spread", { input: rows }, ({ rows }) =>
  rows.map((row) => row.map((n) => double({ n }), { spread: hash(String, ["a", "b"]) }), {
    name: "row",
    spread: roundRobin(["one", "two", "three", "four"]),
  }),
);

onEachStore("a spread", (open) => {
  it("is shown with the run and with its step, inside of maps as well", async () => {
    const store = await open();
    await work(store, [spread]);
    const api = apiOver(store);
    const id = await api.submit({ dag: "spread", input: { rows: [[1, 1, 1], [], [2], [3], [4]] } });
    expect((await api.result(id)).status).toBe(200);
    const run = await json<RunDetail>(api.get(`/v1/runs/${id}`));
    const shown = run.steps.map((step) => [
      step.name,
      step.spread?.by,
      step.spread?.count,
      step.spread?.skew,
    ]);
    // Five of four queues: one has two of them. Of maps inside maps each has a spread of its own.
    expect(shown).toEqual([
      ["row", "round-robin", 5, 1.6],
      ["double[]", undefined, undefined, undefined],
      ["double", undefined, undefined, undefined],
    ]);
    const shares = (run.steps[0]?.spread?.queues ?? []).map(({ count, share, fairShare }) => [
      count,
      share,
      fairShare,
    ]);
    expect(shares.sort()).toEqual([...[1, 1, 1].map((count) => [count, 0.2, 0.25]), [2, 0.4, 0.25]]);
    const inner = await json<StepDetail>(api.get(`/v1/runs/${id}/steps/double[0][]`));
    expect(inner.spread).toMatchObject({ by: "hash", count: 3, skew: 2 });
    const [full] = inner.spread?.queues.filter(({ count }) => count > 0) ?? [];
    expect(full).toMatchObject({ count: 3, share: 1, fairShare: 0.5, meanWaitMs: expect.any(Number) });
    expect(await json<StepDetail>(api.get(`/v1/runs/${id}/steps/double[1][]`))).not.toHaveProperty("spread");
  });

  it("is not shown before anything was laid out", async () => {
    const store = await open();
    await register(store, [spread]);
    const api = apiOver(store);
    const id = await api.submit({ dag: "spread", input: { rows: [] } });
    for (const step of (await json<RunDetail>(api.get(`/v1/runs/${id}`))).steps)
      expect(step).not.toHaveProperty("spread");
  });
});
