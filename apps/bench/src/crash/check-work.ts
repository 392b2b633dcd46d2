import type { Intent } from "./check-intake.js";
import type { RunVerdict } from "./check-runs.js";
import { causeOf, type Evidence, executionsOf, type Violation } from "./evidence.js";
import type { Fault } from "./fault.js";
import type { HandlerLine } from "./ledgers.js";

/** What was executed more than once, by the fault that made it so. */
export interface WorkVerdict {
  readonly violations: readonly Violation[];
  readonly again: ReadonlyMap<Fault, number>;
}

/** Compares ledger B with what had to be executed, and with whose outputs the store has. */
export function checkWork(
  evidence: Evidence,
  intents: ReadonlyMap<string, Intent>,
  verdicts: ReadonlyMap<string, RunVerdict>,
): WorkVerdict {
  const violations: Violation[] = [];
  const again = new Map<Fault, number>();
  const byWorker = new Map<number, number>();
  const executions = executionsOf(evidence.work);
  for (const [run, steps] of executions) {
    const verdict = verdicts.get(run);
    if (!intents.has(run) || !verdict) {
      violations.push({ class: "other", what: "handlers were called for a run that nobody submitted", run });
      continue;
    }
    const blame = (what: string, clas: Violation["class"] = "other", fault?: Fault) =>
      violations.push({ class: clas, what, run, kind: fault?.kind });
    for (const [step, lines] of steps) {
      const started = lines.filter(({ type }) => type === "started").sort((a, b) => a.fence - b.fence);
      const twice = started.find(({ fence }, i) => fence === started[i + 1]?.fence);
      if (twice) blame(`${step} was handed out twice under fence ${twice.fence}`);
      if (!verdict.quarantined && !verdict.expectation.steps.has(step))
        blame(`${step} was executed, but had not to be`);
      for (const [before, repeated] of repetitions(started)) {
        const cause = causeOf(evidence.faults, before, repeated);
        byWorker.set(before.pid, (byWorker.get(before.pid) ?? 0) + 1);
        if (cause) again.set(cause, (again.get(cause) ?? 0) + 1);
        else {
          const who = `pid ${before.pid} under fence ${before.fence}, then pid ${repeated.pid} under ${repeated.fence}`;
          blame(`${step} was executed again without a fault (${who})`, "executed again");
        }
      }
    }
    if (!verdict.quarantined && verdict.state !== "missing") {
      for (const problem of missing(verdict, steps)) blame(problem);
      for (const problem of disagreements(verdict, steps)) blame(problem, "accepted twice");
    }
  }
  return { violations: [...violations, ...excesses(evidence, again, byWorker)], again };
}

/** A worker loses what is in its slots with each fault, and no more; one that drains loses nothing. */
function* excesses(
  { terms, faults }: Evidence,
  again: ReadonlyMap<Fault, number>,
  byWorker: ReadonlyMap<number, number>,
): Iterable<Violation> {
  for (const [{ kind, reach }, count] of again) {
    if (reach === "nobody")
      yield { class: "executed again", kind, what: `a "${kind}" made ${count} steps be executed again` };
  }
  // Faults of one worker may follow each other so closely that nobody can say which of them cost a step: they are summed up.
  for (const [pid, count] of byWorker) {
    const borne = faults.filter(({ reach, pids }) => reach === "everybody" || pids.includes(pid));
    const most = terms.slots * borne.length;
    if (count <= most) continue;
    const what = `${count} executions of pid ${pid} were repeated; with ${borne.length} faults ${most} is the most`;
    yield { class: "executed again", what, kind: borne[0]?.kind };
  }
}

/** A declared retry counts a try; an execution with the same count is the same try once more. */
function repetitions(started: readonly HandlerLine[]): (readonly [HandlerLine, HandlerLine])[] {
  return started.flatMap((line, i) => {
    const before = started[i - 1];
    return before && before.tries === line.tries ? [[before, line] as const] : [];
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
