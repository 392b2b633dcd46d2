import { z } from "@hono/zod-openapi";
import {
  addressOf,
  JobbersError,
  type Liveness,
  locate,
  type PlanIndex,
  parseAddress,
  quoted,
  resolveSource,
  runScene,
  type StepRecord,
} from "@jobbers/core";
import { readLiveness, readSpread, valuesOf } from "@jobbers/runs";
import { json, jsonText } from "../answers.js";
import { readPlaced } from "../blob-places.js";
import type { ApiContext } from "../context.js";
import { defineRoute } from "../route.js";
import { planOf, readRun } from "../run-detail.js";
import { attemptView, spreadView, stepView } from "../views.js";
import { stepState } from "../wire/basics.js";
import { type StepDetail, type StepPage, stepDetail, stepPage } from "../wire/step.js";
import { cursor, limit, runPath, stepAddress, wordsParam } from "./parameters.js";

/** `GET /v1/runs/{id}/steps` */
export const listSteps = defineRoute(
  {
    method: "get",
    path: "/v1/runs/{id}/steps",
    operationId: "listSteps",
    tag: "runs",
    summary: "The steps of a run that were touched so far, by address",
    params: runPath,
    query: z.strictObject({
      state: wordsParam(stepState.options, "Only steps in these states."),
      limit: limit(500, 100),
      cursor,
    }),
    answers: { 200: { description: "A page of steps.", schema: stepPage } },
    problems: ["run-unknown", "cursor-invalid", "store-busy", "store-closed"],
  },
  async ({ store, plans }, { params, query }) => {
    const run = await readRun(store, params.id);
    const { state: states, limit, cursor: after } = query;
    const index = await planOf(plans, run);
    if (after !== undefined && index) checkCursor(index, after);
    const page = await store.listSteps(params.id, { after, limit, states });
    const liveness = await readLiveness(store, index, page.steps);
    const steps = page.steps.map((step) => stepView(step, liveness.get(step.address)));
    const body: StepPage = { steps, next: page.next };
    return json(body);
  },
);

/** A cursor is the address of a step, told or not: one that the plan cannot have is none. */
function checkCursor(index: PlanIndex, cursor: string): void {
  const { name, indices } = parseAddress(cursor);
  const step = index.plan.steps.find((each) => each.name === name);
  if (step && indices.length === index.maps(step).length && addressOf(index, step, indices) === cursor)
    return;
  const advice = "give the `next` of the page before as it came, or none to begin with the first step";
  throw new JobbersError(
    "cursor-invalid",
    `the cursor ${quoted(cursor)} is no place among these steps; ${advice}`,
  );
}

/** `GET /v1/runs/{id}/steps/{address}` */
export const getStep = defineRoute(
  {
    method: "get",
    path: "/v1/runs/{id}/steps/{address}",
    // Addresses have slashes: they may come encoded or not.
    found: "/v1/runs/:id/steps/:address{.+}",
    operationId: "getStep",
    tag: "runs",
    summary: "One step with its attempts and output",
    params: runPath.extend({ address: stepAddress }),
    answers: { 200: { description: "The step.", schema: stepDetail } },
    problems: ["run-unknown", "step-unknown", "store-busy", "store-closed"],
  },
  async (context, { params: { id, address } }) => {
    const { store } = context;
    const step = await store.getStep(id, address);
    if (!step) {
      await readRun(store, id);
      throw new JobbersError("step-unknown", `run ${id} has no record of a step ${quoted(address)}`);
    }
    const [attempts, { text: output, place: outputPlace }, liveness, spread] = await Promise.all([
      store.listAttempts(id, address),
      outputOf(context, step),
      livenessOfOne(context, step),
      spreadOf(context, step),
    ]);
    const detail: Omit<StepDetail, "output"> = {
      ...stepView(step, liveness),
      attempts: attempts.map(attemptView),
      ...(spread && { spread: spreadView(spread) }),
      ...(outputPlace && { outputPlace }),
    };
    const text = JSON.stringify(detail);
    return jsonText(output === undefined ? text : `${text.slice(0, -1)},"output":${output}}`);
  },
);

async function livenessOfOne({ store, plans }: ApiContext, step: StepRecord): Promise<Liveness | undefined> {
  if (step.state !== "running") return undefined;
  const index = await planOf(plans, await readRun(store, step.run));
  return (await readLiveness(store, index, [step])).get(step.address);
}

/** How a map was spread, inside of other maps as well. */
async function spreadOf({ store, plans }: ApiContext, { run, address, kind, name }: StepRecord) {
  if (kind !== "map") return undefined;
  const index = await planOf(plans, await readRun(store, run));
  const step = index?.step(name);
  return step?.kind === "map" ? readSpread(store, run, step, address) : undefined;
}

/** What a step answers, as JSON text: of a task as it is kept, of an inlined dag put together; a map's may have no end. */
async function outputOf({ store, plans }: ApiContext, step: StepRecord): ReturnType<typeof readPlaced> {
  const { run, address, kind, state, name } = step;
  if (state !== "succeeded" || kind === "map") return {};
  if (kind === "task") return readPlaced(store, run, address);
  const index = await plans.read((await readRun(store, run)).plan);
  const scene = { ...runScene(index, valuesOf(store, run)), indices: locate(index, address).indices };
  const output = await resolveSource(scene, { from: "step", step: name, path: [] });
  return { text: output === undefined ? undefined : JSON.stringify(output) };
}
