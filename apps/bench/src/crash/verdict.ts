import type { Jobbers } from "jobbers";
import { checkIntake } from "./check-intake.js";
import { checkRecovery } from "./check-recovery.js";
import { checkRun, type RunVerdict } from "./check-runs.js";
import { checkWork } from "./check-work.js";
import type { Evidence, Violation } from "./evidence.js";
import { type Row, rowsOf, totalOf } from "./rows.js";
import { listAll } from "./settling.js";
import { type Demands, vacuous } from "./vacuity.js";

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
  /** How often two were at one step, and the first one's report came while the second was. */
  readonly contested: number;
  readonly violations: readonly Violation[];
}

/** Judges a crash run from the two ledgers and the store. */
export async function judge(jobbers: Jobbers, evidence: Evidence, demands: Demands): Promise<Verdict> {
  const { intents, violations: ofIntake } = checkIntake(evidence);
  const records = await listAll(jobbers.store);
  const strangers = [...records.keys()].filter((id) => !intents.has(id));
  const verdicts = new Map<string, RunVerdict>();
  for (const [id, intent] of intents)
    verdicts.set(id, await checkRun(jobbers, intent, records.get(id), evidence));
  const work = checkWork(evidence, intents, verdicts);
  const recovery = checkRecovery(evidence);
  const found = { evidence, intents, work, recovery };
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
    ...work.violations,
    ...recovery.violations,
    ...vacuous(demands, runs.succeeded, found),
  ];
  const rows = rowsOf(demands.kinds, { ...found, violations });
  return {
    rows,
    total: totalOf(rows, { ...found, violations }),
    ...{ runs, violations, held: recovery.held, contested: work.contested },
    executions: evidence.work.filter(({ type }) => type === "started").length,
  };
}
