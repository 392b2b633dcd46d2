import { createApi } from "@jobbers/api";
import { checkPlan } from "@jobbers/core";
import { createFeed } from "@jobbers/runs";
import { createFakeClock } from "@jobbers/testing";
import { expect, it, onTestFinished } from "vitest";
import { dag, task } from "../src/index.js";
import { createJobbers } from "../src/jobbers.js";
import { onBothStores } from "./both-stores.js";

const run = async () => null;
const quick = task({ name: "quick", deadline: "10m", run });
const flow = dag("flow", { deadline: "1h" }, () => quick({}));
const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

it("stands in the plan of what declares it, and changes no other plan", () => {
  expect(quick.plan.deadlineMs).toBe(600_000);
  expect(flow.plan.deadlineMs).toBe(3_600_000);
  for (const { plan } of [quick, flow]) expect(checkPlan(JSON.parse(JSON.stringify(plan)))).toEqual(plan);
  expect(() => checkPlan({ ...quick.plan, deadlineMs: 0 })).toThrow("the plan's deadlineMs is 0");
  // A dag's own rules, whatever is inside it.
  expect(dag("plain", {}, () => quick({})).plan).not.toHaveProperty("deadlineMs");
  expect(JSON.stringify(task({ name: "plain", events: "summed", run }).plan)).not.toMatch(
    /deadlineMs|events/,
  );
  // What it was before there were default deadlines.
  expect(task({ name: "plain", run }).version).toBe("766d10929b3e2f9c32a45636fd449b41");
});

onBothStores((open) => {
  it("holds where a submission names none, with the code and without it", async () => {
    const clock = createFakeClock();
    const store = await open(clock.now);
    const jobbers = createJobbers({ store, feed: createFeed(store) });
    onTestFinished(() => jobbers.close());
    const api = createApi({ store });
    onTestFinished(() => api.close());
    // So that the store knows them; nobody works on what follows.
    const registering = jobbers.worker({ workflows: [quick, flow], log: silent });
    await registering.start();
    await registering.stop();
    const post = async (body: object) => {
      const answer = await api.fetch(
        new Request("http://localhost/v1/runs", {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: JSON.stringify({ input: {}, ...body }),
        }),
      );
      expect(answer.status).toBe(201);
      return ((await answer.json()) as { id: string }).id;
    };
    const { id } = await jobbers.submit(quick, {});
    const bare = await post({ task: "quick" });
    const own = await jobbers.submit(quick, {}, { deadline: "20m" });
    const later = await jobbers.submit(quick, {}, { delay: "1h" });
    const dags = [(await jobbers.submit(flow, {})).id, await post({ dag: "flow" })];
    const states = async (...ids: string[]) =>
      Promise.all(ids.map(async (each) => (await store.getRun(each))?.state));
    const pass = async (ms: number) => {
      clock.advance(ms);
      await store.promoteDue(100);
    };
    await pass(600_000 - 1);
    expect(await states(id, bare)).toEqual(["running", "running"]);
    await pass(1);
    expect(await states(id, bare, own.id, later.id)).toEqual(["failed", "failed", "running", "scheduled"]);
    await pass(600_000);
    expect(await states(own.id)).toEqual(["failed"]);
    await pass(2_400_000);
    expect(await states(...dags, later.id)).toEqual(["failed", "failed", "running"]);
    await pass(600_000);
    expect(await states(later.id)).toEqual(["failed"]);
  });
});
