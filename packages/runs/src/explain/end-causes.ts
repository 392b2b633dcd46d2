import { isSettled, type StepRecord, valueKey } from "@jobbers/core";
import { statusOf } from "../run-result.js";
import type { RunFailure } from "../run-types.js";
import type { Cause } from "./cause.js";
import { errorLine, many, shortened, showError, span } from "./figures.js";
import { find, parentsOf, type Scene, titleOf } from "./scene.js";
import { causesOf } from "./step-causes.js";

/** How a run ended, and of a failed one why. */
export async function endedRun(scene: Scene, depth = 0): Promise<Cause> {
  const { record, nowMs, look } = scene;
  const { id, state, endedAtMs, startedAtMs, purged } = record;
  const failure = shortFailure(statusOf(record).failure);
  const ago = endedAtMs === undefined ? "" : ` ${span(nowMs - endedAtMs)} ago`;
  const took =
    endedAtMs !== undefined && startedAtMs !== undefined ? `, after ${span(endedAtMs - startedAtMs)}` : "";
  const word = state === "cancelled" ? "was cancelled" : state;
  const failed = failure && !purged && (await look.step(failure.step)) ? failure.step : undefined;
  // The step's own sentence has the error.
  const error = failure && failed === undefined ? `, with ${showError(failure.error)}` : "";
  // What the run itself failed of has no step.
  const why = failure?.step ? `, because of step ${failure.step}${error}` : error;
  return {
    ...{ type: "ended", state, endedAtMs, failure },
    sentence: `Run ${id} ${word}${ago}${took}${why}.${purged ? " Nothing but this is kept of it." : ""}`,
    because: failed === undefined ? undefined : await causesOf(scene, failed, depth + 1),
  };
}

/** How a step ended, and why. */
export async function endedStep(scene: Scene, record: StepRecord): Promise<Cause> {
  const { address, kind, state, reason, endedAtMs, worker, lost, tries } = record;
  const title = titleOf(kind, address);
  if (state === "failed" && reason === "quarantined") {
    const who = worker === undefined ? "" : ` (the last was ${worker})`;
    const remedy = "Find out why the process dies on this input, then retry the step";
    const sentence = `${title} took ${many(lost, "worker")} down with it${who} and is tried no more. ${remedy}.`;
    return { type: "quarantined", step: address, lost, worker, endedAtMs, sentence };
  }
  const error = state === "failed" ? errorLine(record.error) : undefined;
  const ago = endedAtMs === undefined ? "" : ` ${span(scene.nowMs - endedAtMs)} ago`;
  const spent = state === "failed" && tries > 0 ? ` after ${tries === 1 ? "1 try" : `${tries} tries`}` : "";
  const word = state === "skipped" || state === "cancelled" ? `was ${state}` : state;
  const why = error ? `: ${showError(error)}` : reasonOf(record);
  return {
    ...{ type: "ended", step: address, state, reason, endedAtMs, error },
    sentence: `${title} ${word}${ago}${spent}${why}.`,
    because: await behindEnd(scene, record),
  };
}

function reasonOf({ reason, state }: StepRecord): string {
  switch (reason) {
    case "expired":
      return ", because it was not started in time";
    case "condition":
      return ", because its condition was false";
    case "parent":
      return ", because of how the steps before it ended";
    case "body":
      return `, because a step of its body ${state === "cancelled" ? "was cancelled" : "failed"}`;
    case "stopped":
      return ", because another step failed and the run stopped";
    case "obliterated":
      return ", because its queue was obliterated";
    case "cancelled":
      return ", because the run was cancelled";
    default:
      return "";
  }
}

/** What made a step end that had no error of its own. */
async function behindEnd(
  scene: Scene,
  { address, reason }: StepRecord,
): Promise<readonly Cause[] | undefined> {
  if (reason === "stopped") return failedStep(scene, statusOf(scene.record).failure);
  if (reason === "body") {
    const text = await scene.look.value(valueKey.failure(address));
    return failedStep(scene, text === null ? undefined : (JSON.parse(text) as RunFailure));
  }
  const located = reason === "parent" ? find(scene.index, address) : undefined;
  if (!located) return undefined;
  const parents = await parentsOf(scene, located);
  const broken = parents.find(
    ({ state }) => state !== undefined && isSettled(state) && state !== "succeeded",
  );
  return broken && causesOf(scene, broken.address);
}

async function failedStep(
  scene: Scene,
  failure: RunFailure | undefined,
): Promise<readonly Cause[] | undefined> {
  const record = failure && (await scene.look.step(failure.step));
  return record && causesOf(scene, record.address);
}

/** What failed first, in short. */
export function shortFailure(failure: RunFailure | undefined): RunFailure | undefined {
  return failure && { step: failure.step, error: shortened(failure.error) };
}
