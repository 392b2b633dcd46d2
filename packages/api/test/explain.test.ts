import { durationBucket, type Grant, type Store } from "@jobbers/core";
import { openDriver, submissionOf } from "@jobbers/testing";
import { expect, it } from "vitest";
import type { Cause, Explanation, RunDetail, Step, StepPage, WorkerList } from "../src/index.js";
import { apiOver, chain, problemIn } from "./bench.js";
import { onEachStore } from "./each-store.js";

/** Instants in answers are texts like this one. */
const instant = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);

/** A worker that has taken the first step of a run of `chain`, and has told of it. */
async function atWork(store: Store) {
  const worker = await openDriver(store, { worker: "w1", serves: ["double"] });
  const [grant] = (await worker.take()) as [Grant];
  const { lease } = grant;
  const rest = JSON.stringify({ done: 340, total: 1000, detail: { sinceMs: 7 } });
  const beats = [{ lease, at: "parsing", rest, agoMs: 0, forMs: 3_000 }];
  const durations = [{ task: "double", counts: { [durationBucket(60_000)]: 30 } }];
  const renew = (lagMs: number, seq: number) =>
    store.renew(worker.session.id, { lagMs, bulletin: { seq, slots: 4, running: 1, beats, durations } });
  await renew(2, 1);
  return { worker, renew, grant };
}

onEachStore("why a run is not further", (open) => {
  const start = async () => {
    const api = apiOver(await open());
    const submission = submissionOf(chain.plan, { n: 1 });
    await api.store.submit([submission]);
    const { id } = submission;
    const explained = async (query = "") =>
      (await (await api.get(`/v1/runs/${id}/explain${query}`)).json()) as Explanation;
    return { api, id, explained };
  };
  const first = ({ causes }: { causes?: readonly Cause[] }) => causes?.[0] as Cause;

  it("is a sentence and causes, of a run and of a step", async () => {
    const { id, explained } = await start();
    const sentence = expect.stringMatching(
      /^Step first waits in queue default, first in line\. No live worker/,
    );
    expect(await explained()).toMatchObject({ run: id, state: "running", at: instant, sentence, left: 0 });
    const answer = await explained("?step=second");
    expect(answer).toMatchObject({ run: id, step: "second", state: "unstarted" });
    expect(first(answer)).toMatchObject({ type: "not-started", step: "second", open: ["first"] });
  });

  it("has instants as texts, and what a running step said", async () => {
    const { api, explained } = await start();
    const { renew } = await atWork(api.store);
    const cause = first(await explained());
    expect(cause).toMatchObject({
      ...{ type: "running", step: "first", worker: "w1", since: instant },
      ...{ attempt: 1, liveness: "running", likelyEnd: instant, usual: { count: 30 } },
      progress: { at: "parsing", done: 340, total: 1000, since: instant, detail: { sinceMs: 7 } },
    });
    expect(cause.sentence).toMatch(
      /^Step first runs on worker w1 .*, at "parsing" for 3 s, 340 of 1,000(?:; its lease .*)?\. It likely ends within .* 19 of 20 lately took .* at most\.$/,
    );
    await renew(4_000, 2);
    const blocked = first(await explained());
    expect(blocked).toMatchObject({ liveness: "blocked-loop" });
    expect(blocked.sentence).toMatch(/main loop of its worker is late by 4 s/);
  });

  it("is 404 for a run or step that is not there, and 400 for a query that it does not take", async () => {
    const { api, id } = await start();
    const at = (path: string) => api.get(`/v1/runs/${path}`);
    const unknown = await problemIn(await at("01ARZ3NDEKTSV4RRFFQ69G5FAV/explain"));
    expect(unknown).toMatchObject({ status: 404, code: "run-unknown" });
    const step = await problemIn(await at(`${id}/explain?step=nope`));
    expect(step).toMatchObject({
      status: 404,
      code: "step-unknown",
      detail: expect.stringMatching(/There is no step nope/),
    });
    expect(await problemIn(await at(`${id}/explain?stap=first`))).toMatchObject({ status: 400 });
  });

  it("is told of steps, too: how they are and how far", async () => {
    const { api, id } = await start();
    const { worker, renew, grant } = await atWork(api.store);
    const at = async <T>(path: string) => (await (await api.get(`/v1/runs/${id}${path}`)).json()) as T;
    const running = {
      ...{ address: "first", state: "running", liveness: "running", session: worker.session.id },
      progress: { at: "parsing", done: 340, total: 1000, since: instant, heardAt: instant },
    };
    expect(await at<StepPage>("/steps")).toMatchObject({ steps: [running] });
    expect(await at<Step>("/steps/first")).toMatchObject({ ...running, attempts: [] });
    const { steps } = await at<RunDetail>("");
    expect(steps[0]).toMatchObject({ name: "first", record: running });
    expect(steps[1]?.record).toBeUndefined();
    await renew(4_000, 2);
    expect(await at<Step>("/steps/first")).toMatchObject({ liveness: "blocked-loop" });
    await worker.succeed(grant);
    const settled = await at<Step>("/steps/first");
    expect(settled).toMatchObject({ state: "succeeded" });
    expect([settled.liveness, settled.progress]).toEqual([undefined, undefined]);
  });

  it("is told of workers: their slots, and how late they are", async () => {
    const { api } = await start();
    await openDriver(api.store, { worker: "w0" });
    await atWork(api.store);
    const { workers } = (await (await api.get("/v1/workers")).json()) as WorkerList;
    const byName = Object.fromEntries(workers.map((each) => [each.name, each]));
    expect(byName.w1).toMatchObject({ slots: 4, running: 1, free: 3, lagMs: 2, heardAt: instant });
    expect(byName.w0).not.toHaveProperty("slots");
  });
});
