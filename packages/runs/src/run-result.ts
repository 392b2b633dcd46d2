import {
  createItems,
  type Items,
  JobbersError,
  PAGE_LIMIT,
  type ReadValues,
  RunCancelled,
  RunFailed,
  type RunRecord,
  readFrom,
  resolveItems,
  resolveWiring,
  runScene,
  type Scene,
  type Store,
} from "@jobbers/core";
import type { Plans } from "./plans.js";
import type { RunFailure, RunStatus } from "./run-types.js";

/** Reads the output of an ended run; throws what `result()` throws for other ends than success. */
export async function readResult(store: Store, plans: Plans, record: RunRecord): Promise<unknown> {
  const scene = await sceneOf(store, plans, record);
  const output = await resolveWiring(scene, scene.index.plan.output);
  // What is purged while it is read reads as missing: then the output is no output.
  if ((await store.getRun(record.id))?.purged !== false) throw goneRun(record);
  return output === undefined ? null : output;
}

/** The elements of the output of an ended run, read page by page; throws what {@link readResult} throws. */
export async function readItems(store: Store, plans: Plans, record: RunRecord): Promise<Items<unknown>> {
  const scene = await sceneOf(store, plans, record);
  const { output } = scene.index.plan;
  const items = await resolveItems(scene, output, () => {
    throw new JobbersError("output-invalid", `what run ${record.id} answers is no list; take its result()`);
  });
  if (!items) throw goneRun(record);
  return createItems(items.length, async function* (from) {
    for await (const each of readFrom(items, from)) {
      // What is purged while it is read reads as missing.
      if (each === undefined && (await store.getRun(record.id))?.purged !== false) throw goneRun(record);
      yield each === undefined ? null : each;
    }
  });
}

async function sceneOf(store: Store, plans: Plans, record: RunRecord): Promise<Scene> {
  const { id, state, replacedBy } = record;
  if (state === "cancelled")
    throw new RunCancelled(id, replacedBy === undefined ? undefined : `run ${replacedBy} took its place`);
  if (record.purged) throw goneRun(record);
  if (state === "failed") throw await failureOf(store, record);
  return runScene(await plans.read(record.plan), valuesOf(store, id));
}

function goneRun({ id, state }: RunRecord): JobbersError {
  return new JobbersError("run-unknown", `run ${id} ${state}, but nothing of it is kept beyond that`);
}

/** A record with its failure read. */
export function statusOf({ failure, ...record }: RunRecord): RunStatus {
  return { ...record, failure: failure === undefined ? undefined : (JSON.parse(failure) as RunFailure) };
}

async function failureOf(store: Store, record: RunRecord): Promise<RunFailed> {
  const failure = statusOf(record).failure ?? {
    step: "",
    error: { name: "Error", message: "the record does not say why" },
  };
  const attempts = await store.listAttempts(record.id, failure.step);
  // One that had succeeded before a rerun was no try of this failure.
  const tries = attempts.filter(({ reason }) => reason !== "rerun");
  return new RunFailed({ run: record.id, ...failure, attempts: Math.max(1, tries.length) });
}

/** Reads values of a run; a wiring may name more than a store answers at once. */
export function valuesOf(store: Store, run: string): ReadValues {
  return async (keys) => {
    const all: Record<string, string | null> = {};
    for (let at = 0; at < keys.length; at += PAGE_LIMIT) {
      Object.assign(all, await store.readValues(run, keys.slice(at, at + PAGE_LIMIT)));
    }
    return all;
  };
}
