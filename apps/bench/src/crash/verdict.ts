import type { Jobbers } from "jobbers";
import { percentile } from "../scenario.js";
import { checkIntake } from "./check-intake.js";
import { checkRecovery } from "./check-recovery.js";
import { checkRun, type RunVerdict } from "./check-runs.js";
import { checkWork } from "./check-work.js";
import type { Evidence, Violation } from "./evidence.js";
import { listAll } from "./settling.js";
import { workflowNames } from "./workflows.js";

/** One row of the table: a kind of fault, and what it cost. */
export interface Row {
  readonly kind: string;
  readonly injected: number;
  readonly lost: number;
  readonly executedAgain: number;
  readonly acceptedTwice: number;
  readonly recoverMedianMs?: number | undefined;
  readonly recoverMaxMs?: number | undefined;
}

/** What came of a crash run. */
export interface Verdict {
  readonly rows: readonly Row[];
  readonly total: Row;
  readonly runs: {
    readonly submitted: number;
    readonly acknowledged: number;
    readonly succeeded: number;
    readonly failed: number;
    readonly quarantined: number;
  };
  readonly executions: number;
  /** Steps that killed workers held. */
  readonly held: number;
  readonly violations: readonly Violation[];
}

/** What has to have happened so that a run proves anything. */
export interface Demands {
  readonly kinds: readonly string[];
  readonly succeeded: number;
}

/** Judges a crash run from the two ledgers and the store. */
export async function judge(jobbers: Jobbers, evidence: Evidence, demands: Demands): Promise<Verdict> {
  const { faults, work } = evidence;
  const { intents, violations: ofIntake } = checkIntake(evidence);
  const records = await listAll(jobbers.store);
  const strangers = [...records.keys()].filter((id) => !intents.has(id));
  const verdicts = new Map<string, RunVerdict>();
  for (const [id, intent] of intents)
    verdicts.set(id, await checkRun(jobbers, intent, records.get(id), evidence));
  const ofWork = checkWork(evidence, intents, verdicts);
  const recovery = checkRecovery(evidence);
  const all = [...verdicts.values()];
  const count = (state: RunVerdict["state"]) => all.filter((each) => each.state === state).length;
  const runs = {
    submitted: intents.size,
    acknowledged: [...intents.values()].filter(({ acknowledgedAt }) => acknowledgedAt !== undefined).length,
    succeeded: count("succeeded"),
    failed: count("failed"),
    quarantined: all.filter(({ quarantined }) => quarantined).length,
  };
  const violations: Violation[] = [
    ...ofIntake,
    ...strangers.map(
      (run): Violation => ({ class: "other", what: "a run that nobody submitted exists", run }),
    ),
    ...all.flatMap((each) => each.violations),
    ...ofWork.violations,
    ...recovery.violations,
    ...vacuous(evidence, demands, runs.succeeded, recovery.held, intents),
  ];
  const rowOf = (kind: string, isOfKind: (one: string | undefined) => boolean): Row => {
    const own = faults.filter((fault) => isOfKind(fault.kind));
    const bad = (clas: Violation["class"]) =>
      violations.filter((each) => each.class === clas && isOfKind(each.kind)).length;
    const times = own.flatMap((fault) => recovery.times.get(fault) ?? []);
    const again = own.reduce((sum, fault) => sum + (ofWork.again.get(fault) ?? 0), 0);
    return {
      ...{ kind, injected: own.length, lost: bad("lost"), acceptedTwice: bad("accepted twice") },
      executedAgain: again + violations.filter(isUncaused).filter((each) => isOfKind(each.kind)).length,
      ...(times.length > 0 && { recoverMedianMs: percentile(times, 50), recoverMaxMs: Math.max(...times) }),
    };
  };
  return {
    rows: kindsIn(demands.kinds, faults).map((kind) => rowOf(kind, (one) => one === kind)),
    total: rowOf("all", () => true),
    ...{ runs, violations, held: recovery.held },
    executions: work.filter(({ type }) => type === "started").length,
  };
}

/** Kinds that were asked for, and those that came by themselves. */
function kindsIn(asked: readonly string[], faults: Evidence["faults"]): string[] {
  return [...new Set([...asked, ...faults.map(({ kind }) => kind)])];
}

function isUncaused({ class: clas, kind }: Violation): boolean {
  return clas === "executed again" && kind === undefined;
}

/** A run in which too little happened proves nothing. */
function vacuous(
  { faults }: Evidence,
  { kinds, succeeded: least }: Demands,
  succeeded: number,
  held: number,
  intents: ReturnType<typeof checkIntake>["intents"],
): Violation[] {
  const idle: string[] = [];
  if (succeeded < least) idle.push(`only ${succeeded} runs succeeded; ${least} is the least`);
  for (const kind of kinds)
    if (!faults.some((fault) => fault.kind === kind)) idle.push(`no fault "${kind}" was injected`);
  if (kinds.includes("kill") && held === 0) idle.push("no killed worker held a step");
  for (const name of workflowNames)
    if (![...intents.values()].some(({ line }) => line.workflow === name))
      idle.push(`no "${name}" was submitted`);
  return idle.map((what) => ({ class: "other", what: `vacuous: ${what}` }));
}
