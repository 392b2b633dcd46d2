import {
  isEnded,
  isSettled,
  JobbersError,
  mayRerun,
  type PlanIndex,
  type PlanStep,
  parseAddress,
  quoted,
  type RetryScope,
  type RunRecord,
  rerunOf,
  type StepRecord,
  type Store,
} from "@jobbers/core";
import type { Plans } from "./plans.js";
import { type Restarted, restart } from "./redrive.js";

/** What a retry from some step needs. */
export interface RetryDeps {
  readonly store: Pick<Store, "retry" | "getRun" | "getStep">;
  readonly plans: Plans;
}

/** From where a run goes on. */
export interface RetryFrom {
  /** `failed`, an address, or a name of the plan; default `failed`. */
  readonly from?: string | undefined;
  /** The step's fence, as the caller has seen it: where it has grown since, the retry has been done, and is not done again. */
  readonly fence?: number | undefined;
}

/**
 * Has an ended run go on: whatever failed, one failure, or a step that succeeded with all that comes after it.
 *
 * @throws JobbersError `run-unknown`, `key-taken`, `step-unknown`, `step-not-retryable`, `plan-missing`
 */
export async function retryFrom(
  deps: RetryDeps,
  id: string,
  { from = "failed", fence }: RetryFrom,
): Promise<Restarted> {
  const { store } = deps;
  if (from === "failed") return restart(store, id, {});
  const run = await store.getRun(id);
  // The store says by itself that there is no such run, or that it goes on.
  if (!run || run.purged || !isEnded(run.state)) return restart(store, id, { only: { step: from } });
  const record = await store.getStep(id, from);
  if (record && fence !== undefined && record.fence > fence) return "retried";
  return restart(store, id, { only: await scopeOf(deps, run, from, record) });
}

/** What runs again. */
async function scopeOf(
  { plans }: RetryDeps,
  run: RunRecord,
  from: string,
  record: StepRecord | undefined,
): Promise<RetryScope> {
  const { id } = run;
  if (record && mayBeFailure(record)) return { step: from };
  const index = await plans.read(run.plan);
  const { name } = parseAddress(from);
  const step = index.plan.steps.find((each) => each.name === name);
  if (!step) throw new JobbersError("step-unknown", `run ${id} has no step ${quoted(from)}`);
  if (!record) return scopeWithoutRecord(run, index, step, from);
  const problem = problemOf(record, index, step);
  if (problem !== undefined) throw refusal(id, from, problem);
  return { rerun: rerunOf(index, step, record.fence) };
}

/** A failure by itself: the store knows whether it was caught. */
function mayBeFailure({ state, reason }: StepRecord): boolean {
  return state === "failed" && reason !== "body";
}

/** The name of a step inside a map stands for all that failed under it. */
function scopeWithoutRecord(run: RunRecord, index: PlanIndex, step: PlanStep, from: string): RetryScope {
  const map = index.maps(step)[0];
  if (!map)
    throw refusal(run.id, from, "was never reached; retry the run, or rerun it from a step before that");
  if (run.state !== "succeeded" && from === step.name) return { step: from };
  throw refusal(run.id, from, insideOf(map));
}

/** Why a step cannot run again with what comes after it. */
function problemOf({ state, reason }: StepRecord, index: PlanIndex, step: PlanStep): string | undefined {
  const map = index.maps(step)[0];
  if (map) return insideOf(map);
  if (!mayRerun(index, step)) return "lies in an onFailure body, which runs once";
  if (state === "succeeded" || (isSettled(state) && reason === "body")) return undefined;
  if (state === "skipped") return "was skipped, so it has no result; rerun the run from a step before it";
  return "was cancelled before it came to an end; retry the run, which goes on with all that was cancelled";
}

const insideOf = ({ name }: PlanStep): string =>
  `is one of many inside a map, and has not failed; rerun the run from the map, ${quoted(name)}`;

function refusal(run: string, step: string, why: string): JobbersError {
  return new JobbersError("step-not-retryable", `step ${quoted(step)} of run ${run} ${why}`);
}
