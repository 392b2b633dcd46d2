import {
  type AnyWorkflow,
  entriesOf,
  indexPlan,
  type JsonValue,
  type Plan,
  resolveWiring,
  runScene,
  type Schema,
  type Store,
  type Submission,
  type TaskLog,
} from "@jobbers/core";
import { openSqliteStore } from "@jobbers/store-sqlite";
import { newRunId, submissionOf, until } from "@jobbers/testing";
import { onTestFinished } from "vitest";
import { createWorker, type Worker, type WorkerEvent, type WorkerOptions } from "../src/index.js";

/** A schema by hand; what `parse` throws is its issue. */
export function schema<I, O = I>(parse: (value: I) => O = (value) => value as unknown as O): Schema<I, O> {
  const validate = (value: unknown) => {
    try {
      return { value: parse(value as I) };
    } catch (error) {
      const { message, path = [] } = error as Error & { path?: string[] };
      return { issues: [{ message, path }] };
    }
  };
  return { "~standard": { version: 1, vendor: "test", validate } };
}

/** Says nothing: what a worker logs is looked at by the tests that want it. */
export const silent: TaskLog = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** Remembers events, and lets tests wait for one. */
export interface Recorder {
  readonly events: WorkerEvent[];
  readonly observe: (event: WorkerEvent) => void;
  /** Resolves with the first event that matches, past ones included. */
  seen(match: Partial<WorkerEvent>, count?: number): Promise<WorkerEvent>;
  count(match: Partial<WorkerEvent>): number;
}

export function recorder(): Recorder {
  const events: WorkerEvent[] = [];
  let waiting: (() => void)[] = [];
  const matching = (match: Partial<WorkerEvent>) =>
    events.filter((event) =>
      Object.entries(match).every(([key, value]) => event[key as keyof WorkerEvent] === value),
    );
  return {
    events,
    observe: (event) => {
      events.push(event);
      const told = waiting;
      waiting = [];
      for (const tell of told) tell();
    },
    async seen(match, count = 1) {
      for (;;) {
        const found = matching(match);
        if (found.length >= count) return found[count - 1] as WorkerEvent;
        await new Promise<void>((resolve) => waiting.push(resolve));
      }
    },
    count: (match) => matching(match).length,
  };
}

/** Opens a store that is closed when the test is over. */
export async function openStore(
  url = "memory:",
  options: Parameters<typeof openSqliteStore>[1] = {},
): Promise<Store> {
  const store = await openSqliteStore(url, options);
  onTestFinished(() => store.close());
  return store;
}

/** Starts a worker that is stopped, at once, when the test is over. */
export async function startWorker(options: WorkerOptions): Promise<Worker> {
  const worker = createWorker({ log: silent, random: () => 0.5, ...options });
  await worker.start();
  onTestFinished(() => worker.stop({ giveBack: true }));
  return worker;
}

/** Submits a run; answers its id. */
export async function submit(
  store: Store,
  workflow: AnyWorkflow,
  input: JsonValue = {},
  parts: Parameters<typeof submissionOf>[2] = {},
): Promise<string> {
  const [result] = await store.submit([submissionOf(workflow.plan, input, parts)]);
  if (result?.status !== "created") throw new Error(`submit: ${result?.status}`);
  return result.id;
}

/** Submits many runs of one workflow. */
export async function submitMany(store: Store, workflow: AnyWorkflow, count: number): Promise<string[]> {
  const index = indexPlan(workflow.plan);
  const first = submissionOf(workflow.plan, {});
  const batch: Submission[] = Array.from({ length: count }, () => ({
    ...first,
    id: newRunId(),
    entries: entriesOf(index, undefined, []),
  }));
  return (await store.submit(batch)).map(({ id }) => id);
}

/** Waits until a run has ended; answers its state. */
export async function ended(store: Store, run: string): Promise<string> {
  let state = "";
  await until(store, async () => {
    const record = await store.getRun(run);
    state = record?.state ?? "unknown";
    return record?.endedAtMs !== undefined;
  });
  return state;
}

/** What a run answers. */
export async function outputOf(store: Store, run: string, plan: Plan): Promise<unknown> {
  const scene = runScene(indexPlan(plan), (keys) => store.readValues(run, keys));
  return resolveWiring(scene, plan.output);
}

/** Waits for a run that is to succeed; answers its output. */
export async function result(store: Store, run: string, workflow: AnyWorkflow): Promise<unknown> {
  const state = await ended(store, run);
  if (state !== "succeeded") throw new Error(`the run ${state}: ${(await store.getRun(run))?.failure}`);
  return outputOf(store, run, workflow.plan);
}

/** A promise that a test settles. */
export function gate<T = void>(): { readonly promise: Promise<T>; readonly open: (value: T) => void } {
  let open!: (value: T) => void;
  const promise = new Promise<T>((resolve) => {
    open = resolve;
  });
  return { promise, open };
}

/** A store whose calls go through `around`, the ones that only read too. */
export function around(
  store: Store,
  through: (verb: keyof Store, call: () => Promise<unknown>, args: readonly unknown[]) => Promise<unknown>,
): Store {
  return new Proxy(store, {
    get(target, key) {
      const member: unknown = Reflect.get(target, key, target);
      if (typeof member !== "function") return member;
      return (...args: unknown[]) =>
        through(key as keyof Store, async () => member.apply(target, args), args);
    },
  });
}
