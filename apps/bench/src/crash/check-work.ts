import type { Intent } from "./check-intake.js";
import type { RunVerdict } from "./check-runs.js";
import { type Evidence, executionsOf, kindAround, type Violation } from "./evidence.js";
import type { HandlerLine } from "./ledgers.js";
import { explain, type Repeated, type Repetition, repetitionsOf } from "./repetitions.js";

/** What is wrong with the handlers' ledger, and what of it was executed more than once. */
export interface WorkVerdict {
  readonly violations: readonly Violation[];
  readonly repeated: Repeated;
  /** How often somebody finished a step while another, who had taken it since, was still at it. */
  readonly contested: number;
}

/** Compares ledger B with what had to be executed, and with whose outputs the store has. */
export function checkWork(
  evidence: Evidence,
  intents: ReadonlyMap<string, Intent>,
  verdicts: ReadonlyMap<string, RunVerdict>,
): WorkVerdict {
  const violations: Violation[] = [];
  const repetitions: Repetition[] = [];
  const executions = executionsOf(evidence.work);
  for (const [run, steps] of executions) {
    const verdict = verdicts.get(run);
    if (!intents.has(run) || !verdict) {
      violations.push({ class: "other", what: "handlers were called for a run that nobody submitted", run });
      continue;
    }
    const lastAt = Math.max(...[...steps.values()].flat().map(({ at }) => at));
    const kind = kindAround(evidence.faults, lastAt);
    const blame = (what: string, clas: Violation["class"] = "other") =>
      violations.push({ class: clas, what, run, kind });
    for (const [step, lines] of steps) {
      const started = lines.filter(({ type }) => type === "started").sort((a, b) => a.fence - b.fence);
      const twice = started.find(({ fence }, i) => fence === started[i + 1]?.fence);
      if (twice) blame(`${step} was handed out twice under fence ${twice.fence}`);
      if (!verdict.quarantined && !verdict.expectation.steps.has(step))
        blame(`${step} was executed, but had not to be`);
      repetitions.push(...repetitionsOf(started));
    }
    if (!verdict.quarantined && verdict.state !== "missing") {
      for (const problem of missing(verdict, steps)) blame(problem);
      for (const problem of disagreements(verdict, steps)) blame(problem, "accepted twice");
    }
  }
  const repeated = explain(repetitions, evidence);
  const contested = [...executions.values()].flatMap((steps) => [...steps.values()].filter(isContested));
  return { violations: [...violations, ...repeated.violations], repeated, contested: contested.length };
}

/** True where a finished execution's report met a step that was under way under a newer fence. */
function isContested(lines: readonly HandlerLine[]): boolean {
  return lines.some(({ type, fence }, i) => {
    if (type !== "finished") return false;
    const past = lines.slice(0, i);
    const isOver = (newer: HandlerLine) =>
      past.some((line) => line.type !== "started" && line.fence === newer.fence);
    return past.some((line) => line.type === "started" && line.fence > fence && !isOver(line));
  });
}

function* missing({ expectation }: RunVerdict, steps: ReadonlyMap<string, HandlerLine[]>) {
  for (const [step, { executions }] of expectation.steps) {
    const tries = new Set(steps.get(step)?.map((line) => line.tries)).size;
    if (tries !== executions) yield `${step} was tried ${tries} times instead of ${executions}`;
  }
}

/** Everybody who read a step's output, and the store in the end, must have seen one and the same execution's. */
function* disagreements({ accepted }: RunVerdict, steps: ReadonlyMap<string, HandlerLine[]>) {
  const seen = new Map([...accepted].map(([step, by]) => [step, new Set([by])]));
  for (const { saw } of [...steps.values()].flat()) {
    for (const by of saw) {
      const step = by.slice(0, by.lastIndexOf("#"));
      seen.set(step, (seen.get(step) ?? new Set()).add(by));
    }
  }
  for (const [step, all] of seen) {
    if (all.size > 1) yield `${step} has more than one accepted result: ${[...all].join(", ")}`;
    for (const by of all) {
      if (isSuperseded(by, step, steps))
        yield `${step}: the result of ${by} was accepted after another had taken the step`;
      const isDone = steps
        .get(step)
        ?.some((line) => line.type === "finished" && by === `${step}#${line.fence}`);
      if (!isDone) yield `${step}: the result of ${by} was accepted, but that execution never finished`;
    }
  }
}

/** True when a newer execution had begun before this one ended: its report came too late, and must have been refused. */
function isSuperseded(by: string, step: string, steps: ReadonlyMap<string, HandlerLine[]>): boolean {
  const lines = steps.get(step) ?? [];
  const mine = Number(by.slice(by.lastIndexOf("#") + 1));
  const end = lines.find(({ type, fence }) => type === "finished" && fence === mine);
  return lines.some(({ type, fence, at }) => type === "started" && fence > mine && at < (end?.at ?? 0));
}
