import { isEnded, MAX_LOST, type RunRecord, type StepRecord } from "@jobbers/core";
import { type Jobbers, RunFailed } from "jobbers";
import type { Intent } from "./check-intake.js";
import { type Evidence, kindAround, type Violation } from "./evidence.js";
import { type Expectation, expectationOf } from "./expectation.js";
import type { Said } from "./performing.js";
import { saidIn, workflows } from "./workflows.js";

/** What the store says of one run, and what of that is wrong. */
export interface RunVerdict {
  readonly violations: readonly Violation[];
  readonly expectation: Expectation;
  readonly state: RunRecord["state"] | "missing";
  /** True where a step took three workers with it, which is a right end of its own. */
  readonly quarantined: boolean;
  /** Whose output the store holds, by step: `STEP#FENCE`. */
  readonly accepted: ReadonlyMap<string, string>;
}

/** Compares one run in the store with what its workflow's definition demands. */
export async function checkRun(
  jobbers: Jobbers,
  { line: intent, acknowledgedAt }: Intent,
  record: RunRecord | undefined,
  evidence: Evidence,
): Promise<RunVerdict> {
  const { id, workflow, input } = intent;
  const expectation = expectationOf(workflow, input);
  const violations: Violation[] = [];
  const verdict = { violations, expectation, quarantined: false, accepted: new Map<string, string>() };
  const kind = kindAround(evidence.faults, acknowledgedAt ?? intent.at);
  const blame = (what: string, clas: Violation["class"] = "lost") =>
    violations.push({ class: clas, what: `${workflow}: ${what}`, run: id, kind });

  if (!record) {
    if (acknowledgedAt !== undefined) blame("it was acknowledged, but the store does not have it");
    return { ...verdict, state: "missing" };
  }
  const state = record.state;
  if (!isEnded(state)) {
    blame(`it is still ${state}`);
    return { ...verdict, state };
  }
  const ends = evidence.ends?.get(id) ?? 0;
  if (evidence.ends && ends !== 1)
    blame(`the feed told ${ends} times that it ended`, ends > 1 ? "accepted twice" : "other");

  const steps: StepRecord[] = [];
  for await (const step of jobbers.run(id).steps()) steps.push(step);
  const poisoned = steps.find(({ reason }) => reason === "quarantined");
  if (poisoned) {
    if (poisoned.lost < MAX_LOST)
      blame(`${poisoned.address} is quarantined after ${poisoned.lost} losses`, "other");
    return { ...verdict, state, quarantined: true };
  }
  if (state !== expectation.state) {
    blame(`it ${state}, but has to be ${expectation.state} (${JSON.stringify(record.failure)})`);
    return { ...verdict, state };
  }
  for (const problem of await outputProblems(jobbers, id, intent.workflow, expectation)) blame(problem);
  for (const { address, state: ended } of steps)
    if (ended === "running" || ended === "ready" || ended === "waiting")
      blame(`it ended, but ${address} is ${ended}`);
  const stored = await jobbers.store.readValues(id, [...expectation.steps.keys()]);
  for (const [step, { v }] of expectation.steps) {
    const text = stored[step];
    const said = text == null ? undefined : (JSON.parse(text) as Said);
    if (said?.v !== v) blame(`${step} says ${said?.v}, but has to say ${v}`);
    if (said) verdict.accepted.set(step, said.by);
  }
  return { ...verdict, state };
}

/** Reads the result through the public face. */
async function outputProblems(
  jobbers: Jobbers,
  id: string,
  workflow: Intent["line"]["workflow"],
  { failing, output }: Expectation,
): Promise<string[]> {
  try {
    const result = await jobbers.run(id, workflows[workflow]).result({ signal: AbortSignal.timeout(10_000) });
    const values = saidIn(result).map(({ v }) => v);
    return String(values) === String(output) ? [] : [`its output is ${values}, but has to be ${output}`];
  } catch (error) {
    if (!(error instanceof RunFailed)) return [`its result cannot be read: ${error}`];
    const { step } = error;
    return failing.includes(step)
      ? []
      : [`${step} is named as what failed, instead of ${failing.join(" or ")}`];
  }
}
