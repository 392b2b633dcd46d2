import {
  indexPlan,
  isEnded,
  isSettled,
  type JobbersError,
  type PlanIndex,
  type RunRecord,
  type StepAddress,
} from "@jobbers/core";
import type { Plans } from "../plans.js";
import type { Cause, Explanation } from "./cause.js";
import { endedRun, endedStep } from "./end-causes.js";
import { many } from "./figures.js";
import { createLook, type ExplainStore } from "./look.js";
import { cancelling, openRun } from "./run-causes.js";
import type { Causes, Scene } from "./scene.js";
import { causesOf } from "./step-causes.js";

/** What explaining needs. */
export interface ExplainDeps {
  readonly store: ExplainStore;
  readonly plans: Plans;
}

/**
 * Says why a run, or one step of it, is not further: the whole chain of what it waits for, each with its figures.
 *
 * It costs as many calls of the store as the plan has steps at most, whatever the width of its maps: some 200, but for large bodies
 * inside of maps. Everything goes on meanwhile, so what is told of two steps may be of two moments.
 *
 * @param address the step, such as `fetch[3]`; left out: the run
 * @throws what the store throws; a run or step that is not there is an answer too
 * @example
 * const { sentence, causes } = await explain({ store, plans: createPlans(store) }, id);
 */
export async function explain(deps: ExplainDeps, run: string, address?: StepAddress): Promise<Explanation> {
  const look = createLook(deps.store, run);
  const [record, { nowMs }] = await Promise.all([deps.store.getRun(run), look.where("")]);
  const about = { run, step: address, atMs: nowMs };
  const answer = (state: Explanation["state"], { because, left }: Causes): Explanation => ({
    ...{ ...about, state, sentence: tell(because, left), causes: because, left },
  });
  if (!record) return answer("unknown", alone(unknownRun(run)));
  const index = await indexOf(deps.plans, record);
  if (!index) return answer(record.state, alone(planMissing(record)));
  const scene: Scene = { look, record, index, nowMs, told: new Map() };
  if (address === undefined) return answer(record.state, await runCauses(scene));
  const found = await stepCauses(scene, address);
  const state = (await look.step(address))?.state;
  const isUnknown = found.because[0]?.type === "step-unknown";
  return answer(state ?? (isUnknown ? "unknown" : "unstarted"), found);
}

async function runCauses(scene: Scene): Promise<Causes> {
  return isEnded(scene.record.state) ? alone(await endedRun(scene)) : openRun(scene);
}

async function stepCauses(scene: Scene, address: StepAddress): Promise<Causes> {
  const { look, record } = scene;
  if (record.purged) return alone(await endedRun(scene));
  const step = await look.step(address);
  if (step && isSettled(step.state) && step.phase !== "advance") return alone(await endedStep(scene, step));
  const because = await causesOf(scene, address);
  if (step === undefined && isEnded(record.state) && because[0]?.type !== "step-unknown")
    return alone(await neverBegun(scene, address));
  if (!record.cancelling || isEnded(record.state) || step?.state === "running") return { because, left: 0 };
  return alone(await cancelling(scene));
}

const alone = (cause: Cause): Causes => ({ because: [cause], left: 0 });

/** The plan of a run; an ended run has no need of it to say how it ended, so one that is gone is as good as an empty one. */
async function indexOf(plans: Plans, { plan, kind, name, state }: RunRecord): Promise<PlanIndex | undefined> {
  try {
    return await plans.read(plan);
  } catch (error) {
    if ((error as JobbersError).code !== "plan-missing") throw error;
    if (!isEnded(state)) return undefined;
    return indexPlan({
      format: 1,
      kind,
      name,
      failure: "stop",
      steps: [],
      output: { value: null, wires: [] },
    });
  }
}

function unknownRun(run: string): Cause {
  const sentence = `There is no run ${run}. Check the id and the store; ended runs are deleted when their retention is over.`;
  return { type: "run-unknown", sentence };
}

function planMissing({ plan, id, name }: RunRecord): Cause {
  const remedy = `Start a worker that has this very version of ${name}, or cancel the run`;
  const sentence = `The plan ${plan} of run ${id} is gone from the store, so nobody can say what its steps are. ${remedy}.`;
  return { type: "plan-missing", plan, sentence };
}

async function neverBegun(scene: Scene, step: StepAddress): Promise<Cause> {
  const sentence = `Step ${step} never began: the run ended before.`;
  return { type: "not-started", step, sentence, because: [await endedRun(scene)] };
}

/** The most sentences of one chain that are told together. */
const MAX_TOLD = 4;

/** The first chain of causes as one text, from the top to its root. */
function tell(causes: readonly Cause[], left: number): string {
  const chain: string[] = [];
  for (let cause = causes[0]; cause; cause = cause.because?.[0]) chain.push(cause.sentence);
  const told = chain.length > MAX_TOLD ? [chain[0], "In the end:", ...chain.slice(-2)] : chain;
  const others = causes.length - 1 + left;
  const beside =
    others > 0 ? [`Beside this, ${many(others, "other step")} ${others === 1 ? "is" : "are"} open.`] : [];
  return [...told, ...beside].join(" ");
}
