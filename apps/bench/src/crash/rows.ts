import { percentile } from "../scenario.js";
import type { Intent } from "./check-intake.js";
import type { RecoveryVerdict } from "./check-recovery.js";
import type { WorkVerdict } from "./check-work.js";
import type { Evidence, Violation } from "./evidence.js";
import { isOfHandler } from "./ledgers.js";
import { mostRepeated } from "./repetitions.js";

/** One row of the table: a kind of fault, and what it cost. */
export interface Row {
  readonly kind: string;
  readonly injected: number;
  /** Those that were under way while one of these faults was. */
  readonly runs: number;
  readonly lost: number;
  readonly executedAgain: number;
  /** The most that may be: what was in the slots of those who bore a fault. */
  readonly mostAgain: number;
  readonly acceptedTwice: number;
  readonly recoverMedianMs?: number | undefined;
  readonly recoverMaxMs?: number | undefined;
}

/** What rows are counted from. */
export interface Findings {
  readonly evidence: Evidence;
  readonly intents: ReadonlyMap<string, Intent>;
  readonly work: WorkVerdict;
  readonly recovery: RecoveryVerdict;
  readonly violations: readonly Violation[];
}

/** A row for each kind that was asked for, and for those that came by themselves. */
export function rowsOf(asked: readonly string[], findings: Findings): Row[] {
  const { evidence, work, recovery, violations } = findings;
  const spans = spansOf(findings);
  return [...new Set([...asked, ...evidence.faults.map(({ kind }) => kind)])].map((kind) => {
    const own = evidence.faults.filter((fault) => fault.kind === kind);
    const isUnderWay = ({ from, to }: Span) => own.some(({ at, until }) => from <= until && to >= at);
    return {
      ...{ kind, injected: own.length, runs: spans.filter(isUnderWay).length },
      ...badOf(violations.filter((each) => each.kind === kind)),
      executedAgain: work.repeated.counts.get(kind) ?? 0,
      mostAgain: mostRepeated(kind, evidence),
      ...timesOf(own.flatMap((fault) => recovery.times.get(fault) ?? [])),
    };
  });
}

/** All kinds together, and what befell although there was no fault. */
export function totalOf(rows: readonly Row[], { intents, work, recovery, violations }: Findings): Row {
  const sum = (of: (row: Row) => number) => rows.reduce((all, row) => all + of(row), 0);
  return {
    ...{ kind: "all", injected: sum(({ injected }) => injected), runs: intents.size },
    ...badOf(violations),
    executedAgain: sum(({ executedAgain }) => executedAgain) + work.repeated.uncaused,
    mostAgain: sum(({ mostAgain }) => mostAgain),
    ...timesOf([...recovery.times.values()]),
  };
}

function badOf(violations: readonly Violation[]): Pick<Row, "lost" | "acceptedTwice"> {
  const count = (clas: Violation["class"]) => violations.filter((each) => each.class === clas).length;
  return { lost: count("lost"), acceptedTwice: count("accepted twice") };
}

function timesOf(times: readonly number[]): Pick<Row, "recoverMedianMs" | "recoverMaxMs"> {
  return times.length === 0
    ? {}
    : { recoverMedianMs: percentile(times, 50), recoverMaxMs: Math.max(...times) };
}

interface Span {
  readonly from: number;
  readonly to: number;
}

/** From when to when each run was under way, as the ledgers have it. */
function spansOf({ evidence, intents }: Findings): Span[] {
  const last = new Map<string, number>();
  for (const line of evidence.work) if (isOfHandler(line)) last.set(line.run, line.at);
  return [...intents].map(([id, { line, acknowledgedAt = line.at }]) => ({
    from: line.at,
    to: last.get(id) ?? acknowledgedAt,
  }));
}
