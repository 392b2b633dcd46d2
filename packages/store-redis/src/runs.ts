import { isEnded, type RunRecord, type RunState, valueKey } from "@jobbers/core";
import type { Redis } from "ioredis";
import { readKey } from "./claims.js";
import type { Keys } from "./keys.js";
import { kindOf, runStateOf } from "./letters.js";
import { readPacked } from "./packed.js";
import type { Server } from "./server.js";
import { unpackHash, unpackText } from "./text.js";

const failureField = `=${valueKey.failure("")}`;

/** The fields of a run's hash that say what it is. */
const fields = ["h", "s", "p", "n", "g", "x", failureField, "k", "y"] as const;

type Found = readonly (string | null)[];

/** What never changes in a run, and what does, as scripts/shared/runs.lua writes them. */
export interface RunHead {
  readonly kind: "dag" | "task";
  readonly number: number;
  readonly priority: number;
  readonly createdMs: number;
  readonly state: RunState;
  readonly cancelling: boolean;
  readonly startedMs: number | undefined;
  readonly endedMs: number | undefined;
  readonly failed: number;
  readonly purged: boolean;
  readonly isEnded: boolean;
}

export function headOf(head: string, status: string): RunHead {
  const [created, kind, number, , priority] = head.split(",") as [string, string, string, string, string];
  const [state, cancelling, , started, ended, , failed, , , purged] = status.split(",") as string[];
  const createdMs = Number(created);
  const at = (offset: string | undefined) => (offset ? createdMs + Number(offset) : undefined);
  const runState = runStateOf(state as string);
  return {
    kind: kindOf(kind) as "dag" | "task",
    number: Number(number),
    priority: Number(priority),
    createdMs,
    state: runState,
    cancelling: cancelling === "1",
    startedMs: at(started),
    // One that is being prepared for a rerun still has the instant at which it ended.
    endedMs: isEnded(runState) ? at(ended) : undefined,
    failed: Number(failed),
    purged: purged === "1",
    isEnded: isEnded(runState),
  };
}

export function getRun(server: Server, id: string): Promise<RunRecord | undefined> {
  return server.look(async (redis) => (await readRuns(redis, server.keys, [id]))[0]?.record);
}

export interface ReadRun {
  readonly record: RunRecord;
  readonly number: number;
}

/** The runs with some ids; `undefined` where there is none. */
export async function readRuns(
  redis: Redis,
  keys: Keys,
  ids: readonly string[],
): Promise<(ReadRun | undefined)[]> {
  const packed = await readPacked(redis, keys, ids);
  const others = ids.filter((_, i) => !packed[i]);
  const pipeline = redis.pipeline();
  for (const id of others) pipeline.hmget(keys.run(id), ...fields);
  const replies = others.length === 0 ? [] : ((await pipeline.exec()) ?? []);
  const found = replies.map(([error, reply]) => {
    if (error) throw error;
    return reply as Found;
  });
  let next = 0;
  const runs = ids.map((id, i) => {
    const own = packed[i];
    return recordOf(id, own ? fields.map((name) => own.get(name) ?? null) : (found[next++] as Found));
  });
  await readLargeFailures(redis, keys, runs);
  return runs;
}

/** What failed may be too large for the run's own hash. */
async function readLargeFailures(redis: Redis, keys: Keys, runs: (ReadRun | undefined)[]): Promise<void> {
  for (const [i, run] of runs.entries()) {
    if (run?.record.failure !== "") continue;
    const text = await redis.hget(keys.more(run.record.id), failureField);
    runs[i] = { ...run, record: { ...run.record, failure: text ?? undefined } };
  }
}

/** `failure` is an empty text where there is one that stands elsewhere. */
function recordOf(
  id: string,
  [head, status, plan, name, tags, traceparent, failure, key, replacedBy]: Found,
): ReadRun | undefined {
  if (!head || !status) return undefined;
  const run = headOf(head, status);
  const hasFailure = (run.failed > 0 || run.state === "failed") && !run.purged;
  const record: RunRecord = {
    id,
    kind: run.kind,
    name: unpackText(name ?? ""),
    plan: unpackHash(plan ?? ""),
    state: run.state,
    cancelling: run.cancelling,
    priority: run.priority,
    tags: tags ? (JSON.parse(tags) as string[]) : [],
    createdAtMs: run.createdMs,
    startedAtMs: run.startedMs,
    endedAtMs: run.endedMs,
    failure: hasFailure ? (failure ?? "") : undefined,
    traceparent: traceparent ? unpackText(traceparent) : undefined,
    key: key ? readKey(key, run.createdMs) : undefined,
    replacedBy: replacedBy ?? undefined,
    purged: run.purged,
  };
  return { record, number: run.number };
}
