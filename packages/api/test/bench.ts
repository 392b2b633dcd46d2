import {
  type AnyWorkflow,
  canonicalJson,
  createRunIds,
  dag,
  type JsonValue,
  jsonSchemaText,
  type Store,
  type TaskLog,
  task,
} from "@jobbers/core";
import { createUpkeep, watchTimers } from "@jobbers/upkeep";
import { createWorker } from "@jobbers/worker";
import { onTestFinished } from "vitest";
import { z } from "zod";
import { type Api, type ApiDeps, createApi, type Problem } from "../src/index.js";

/** Ids of runs, ever growing. */
export const newId = createRunIds(Date.now);

const silent: TaskLog = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

export const double = task({
  name: "double",
  input: z.object({ n: z.number() }),
  run: async ({ n }) => n * 2,
});
export const broken = task({
  name: "broken",
  retry: { attempts: 2, delay: "1ms", backoff: "fixed", jitter: false },
  run: async (): Promise<string> => {
    throw new RangeError("out of luck");
  },
});
/** Ends when it is cancelled, not before. */
export const endless = task({
  name: "endless",
  run: (_input, ctx) =>
    new Promise<null>((_, reject) => {
      ctx.signal.addEventListener("abort", () => reject(ctx.signal.reason), { once: true });
    }),
});
export const chain = dag(
  "chain",
  { input: z.object({ n: z.number(), site: z.url().optional() }) },
  ({ n }) => {
    const first = double({ n }, { name: "first" });
    return double({ n: first }, { name: "second" });
  },
);
export const wide = dag("wide", { input: z.object({ list: z.array(z.number()) }) }, ({ list }) => {
  const each = list.map((n) => double({ n }));
  return { each };
});
export const doomed = dag("doomed", { input: z.object({}) }, () => {
  const bad = broken({});
  return double({ n: 1 }, { name: "after", after: [bad] });
});
export const workflows: readonly AnyWorkflow[] = [double, broken, endless, chain, wide, doomed];

/** An API, with what tests do to it. */
export interface TestApi extends Api {
  readonly store: Store;
  get(path: string, headers?: Record<string, string>): Promise<Response>;
  post(path: string, body?: unknown, headers?: Record<string, string>): Promise<Response>;
  /** Submits a run that has to be taken; answers its id. */
  submit(body: Record<string, unknown>): Promise<string>;
  /** The result of a run once it has ended. */
  result(id: string): Promise<Response>;
}

/** Makes an API over a store; it is closed when the test is over. */
export function apiOver(store: Store, deps: Partial<ApiDeps> = {}): TestApi {
  const api = createApi({
    store,
    onFault: (error) => {
      throw error;
    },
    ...deps,
  });
  onTestFinished(() => api.close());
  const post = async (path: string, body?: unknown, headers: Record<string, string> = {}) =>
    api.request(path, {
      method: "POST",
      ...(body !== undefined && { body: typeof body === "string" ? body : JSON.stringify(body) }),
      headers: { ...(body !== undefined && { "content-type": "application/json" }), ...headers },
    });
  return {
    ...api,
    store,
    post,
    get: async (path, headers = {}) => api.request(path, { headers }),
    async submit(body) {
      const answer = await post("/v1/runs", body);
      const { id } = (await answer.json()) as { id: string };
      if (answer.status !== 201) throw new Error(`submit answered ${answer.status}`);
      return id;
    },
    result: async (id) => api.request(`/v1/runs/${id}/result?wait=15s`),
  };
}

/** Registers the workflows without a worker that works: what a deploy gap looks like. */
export async function register(store: Store, these = workflows): Promise<void> {
  const registers = these.map(({ kind, name, version, plan, input, tags }) => ({
    ...{ kind, name, plan: version, tags },
    planText: canonicalJson(plan as unknown as JsonValue),
    inputSchema: jsonSchemaText(input, "input"),
  }));
  const opening = { worker: "gone", host: "elsewhere", pid: 1, leaseMs: 10_000, serves: [], queues: [] };
  const { id } = await store.openSession({ ...opening, registers });
  await store.closeSession(id);
}

/** Starts a worker, with upkeep, that is stopped when the test is over. */
export async function work(store: Store, these = workflows): Promise<void> {
  const upkeep = createUpkeep({ store, pollMs: 20, log: silent });
  const watched = watchTimers(store, upkeep.due);
  const worker = createWorker({ store: watched, workflows: these, log: silent, concurrency: 10 });
  await upkeep.start();
  await worker.start();
  onTestFinished(async () => {
    await worker.stop({ giveBack: true });
    await upkeep.stop();
  });
}

/** The problem of an answer, which must look like one. */
export async function problemIn(answer: Response): Promise<Problem> {
  if (answer.headers.get("content-type") !== "application/problem+json")
    throw new Error(`${answer.status} is no problem: ${await answer.text()}`);
  const problem = (await answer.json()) as Problem;
  if (problem.status !== answer.status)
    throw new Error(`status ${problem.status} in an answer ${answer.status}`);
  return problem;
}
