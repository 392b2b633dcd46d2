import {
  isEnded,
  isOnFailure,
  JobbersError,
  type PlanIndex,
  type PlanStep,
  type RunRecord,
  type RunState,
  type StepRecord,
  type StepState,
  type Store,
  valueKey,
} from "@jobbers/core";
import { type Plans, readLiveness, readProgress } from "@jobbers/runs";
import { placesOf, readPlaced } from "./blob-places.js";
import { planView, runView, spreadView, stepView } from "./views.js";
import type { RunDetail } from "./wire/run.js";
import type { PlanStepProgress } from "./wire/step.js";

/** How many records one page of steps has, and up to how many are read as pages, those inside of maps included. */
const PAGE = 500;

/** A run's record. Throws `run-unknown`. */
export async function readRun(store: Pick<Store, "getRun">, id: string): Promise<RunRecord> {
  const record = await store.getRun(id);
  if (record) return record;
  throw new JobbersError("run-unknown", `there is no run ${id}`);
}

/** A run with its input and its steps in the order of the plan, as JSON text: the input goes through as it is kept. */
export async function readRunDetail(store: Store, plans: Plans, record: RunRecord): Promise<string> {
  const key = valueKey.input("");
  const [steps, { text: input, place: inputPlace }] = record.purged
    ? [[], {}]
    : await Promise.all([readSteps(store, plans, record), readPlaced(store, record.id, key)]);
  const detail: Omit<RunDetail, "input"> = { ...runView(record), ...(inputPlace && { inputPlace }), steps };
  const text = JSON.stringify(detail);
  return input === undefined ? text : `${text.slice(0, -1)},"input":${input}}`;
}

async function readSteps(store: Store, plans: Plans, record: RunRecord): Promise<PlanStepProgress[]> {
  const index = await planOf(plans, record);
  if (!index) return [];
  const progress = await readProgress(store, record, index);
  const outside = index.plan.steps.filter((step) => index.maps(step).length === 0);
  const touched = new Map(progress.map(({ name, counts }) => [name, sum(Object.values(counts))]));
  const records = await readRecords(
    store,
    record.id,
    outside.map(({ name }) => name),
    touched,
  );
  const shown = outside.flatMap(({ name }) => records.get(name) ?? []);
  const liveness = await readLiveness(store, index, shown);
  const answered = shown.filter(({ kind, state }) => kind === "task" && state === "succeeded");
  const places = await placesOf(
    store,
    record.id,
    answered.slice(0, PAGE).map(({ address }) => address),
  );
  return progress.map(({ name, depth, total, settled, counts, spread }) => {
    const step = index.step(name);
    const found = records.get(name);
    return {
      ...planView(step),
      ...{ depth, total, settled, counts },
      ...(spread && { spread: spreadView(spread) }),
      ...(depth === 0 && { state: found?.state ?? unstarted(index, step, record.state) }),
      ...(found && { record: stepView(found, liveness.get(found.address)) }),
      ...(places[name] && { outputPlace: places[name] }),
    };
  });
}

/** The plan of a run; none when the run was purged since, and its plan with it. */
export async function planOf(plans: Plans, { plan }: RunRecord): Promise<PlanIndex | undefined> {
  try {
    return await plans.read(plan);
  } catch (error) {
    if (error instanceof JobbersError && error.code === "plan-missing") return undefined;
    throw error;
  }
}

/** The records of the steps outside of maps: in pages, unless maps have so many that one by one is quicker. */
async function readRecords(
  store: Store,
  run: string,
  names: readonly string[],
  touched: ReadonlyMap<string, number>,
): Promise<Map<string, StepRecord>> {
  const wanted = names.filter((name) => (touched.get(name) ?? 0) > 0);
  const found = new Map<string, StepRecord>();
  if (sum([...touched.values()]) <= PAGE + wanted.length) {
    let after: string | undefined;
    do {
      const page = await store.listSteps(run, { after, limit: PAGE });
      for (const each of page.steps) found.set(each.address, each);
      after = page.next;
    } while (after !== undefined);
    return found;
  }
  for (let at = 0; at < wanted.length; at += PAGE) {
    const page = await Promise.all(wanted.slice(at, at + PAGE).map((name) => store.getStep(run, name)));
    for (const each of page) if (each) found.set(each.address, each);
  }
  return found;
}

/** Where a step is that has no record: it waits, or its run has ended without it. */
function unstarted(index: PlanIndex, step: PlanStep, state: RunState): StepState | undefined {
  if (!isEnded(state)) return "blocked";
  // What is for failures only was not left out: there was nothing for it to do.
  for (let each: PlanStep | undefined = step; each; each = index.owner(each))
    if (isOnFailure(each)) return "skipped";
  return state === "succeeded" ? "skipped" : "cancelled";
}

function sum(numbers: readonly (number | undefined)[]): number {
  return numbers.reduce<number>((all, each) => all + (each ?? 0), 0);
}
