import type {
  FailureMode,
  Phase,
  RetryScope,
  RunState,
  StepAddress,
  StepReason,
  StepSpec,
  StepState,
} from "@jobbers/core";
import type { SqlValue, Tuple } from "./driver.js";
import type { TakenBack } from "./rerun.js";
import { unpackSpec } from "./spec.js";

/** The members of a run, a map or an inlined dag, as they are counted. */
export interface Body {
  /** How many steps stand in it. */
  members: number;
  settled: number;
  /** Failures that nobody rescued. */
  failed: number;
  /** Members that `stop` cancelled. */
  halted: number;
  /** Its onFailure body: there is none, it has not begun, it runs. */
  epilogue: "none" | "waiting" | "running" | "over";
}

/** A run while a verb works on it. */
export interface Run extends Body {
  readonly seq: number;
  readonly id: string;
  readonly kind: "dag" | "task";
  readonly plan: string;
  readonly mode: FailureMode;
  readonly priority: number;
  readonly tags: string;
  readonly traceparent: string | null;
  readonly keep: number | null;
  purged: number;
  state: RunState;
  /** 0, 1, or `EXPIRED` where its deadline has passed. */
  cancelling: number;
  stopped: number;
  started: number | null;
  ended: number | null;
  /** How many leases there are on its steps. */
  held: number;
  input: string | null;
  /** The fence with which a new record begins: above those that a rerun has taken away. */
  fences: number;
  /** What a retry is about that is under way, where that is not everything. */
  only?: RetryScope | undefined;
  /** The bodies of which such a retry has noted why they fail all the same. */
  failures?: Set<StepAddress> | undefined;
  /** What it takes back, where it is a rerun; made of `only` when it is first asked for. */
  takenBack?: TakenBack | undefined;
  dirty: boolean;
  readonly steps: Map<StepAddress, Step>;
  /** What this verb did to its steps, for the feed. */
  readonly tally: Map<StepState, number>;
}

/** The body of a map or an inlined dag. */
export interface StepBody extends Body {
  count: number | null;
  dirty: boolean;
  fresh: boolean;
}

/** A step while a verb works on it. */
export interface Step {
  readonly run: Run;
  readonly address: StepAddress;
  state: StepState;
  phase: Phase;
  reason: StepReason | null;
  fence: number;
  tries: number;
  lost: number;
  /** The session that holds its lease. */
  session: number | null;
  /** The worker that has it, or had it last. */
  worker: string | null;
  /** The number of its entry in a line or among the timers; 0 when it stands in none, so that an old entry counts no more. */
  seq: number;
  ready: number | null;
  started: number | null;
  ended: number | null;
  /** When it is tried again; of a ready or running one, until when it has to be taken for its first try. */
  due: number | null;
  /** How its parents settled so far: succeeded, failed, skipped, cancelled. */
  marks: [number, number, number, number] | null;
  /** How many catchers have succeeded after its failure; -1 once the failure is definite. */
  rescued: number;
  cursor: number;
  readonly specText: string;
  readonly spec: StepSpec;
  output: string | null;
  /** The limits that its code has said for its input, as text; null where it has not (yet). */
  limits: string | null;
  dirty: boolean;
  fresh: boolean;
  /** Loaded where it is needed. */
  body: StepBody | undefined;
}

export const runColumns =
  "seq, id, kind, plan, mode, priority, tags, traceparent, keep, purged, state, cancelling, stopped, started, ended, held, " +
  "members, settled, failed, halted, epilogue, input, fences";

/** Makes a run of a row of `runColumns`. */
export function runOf(row: Tuple): Run {
  return {
    seq: row[0] as number,
    id: row[1] as string,
    kind: row[2] as Run["kind"],
    plan: row[3] as string,
    mode: row[4] as FailureMode,
    priority: row[5] as number,
    tags: row[6] as string,
    traceparent: row[7] as string | null,
    keep: row[8] as number | null,
    purged: row[9] as number,
    state: row[10] as RunState,
    cancelling: row[11] as number,
    stopped: row[12] as number,
    started: row[13] as number | null,
    ended: row[14] as number | null,
    held: row[15] as number,
    members: row[16] as number,
    settled: row[17] as number,
    failed: row[18] as number,
    halted: row[19] as number,
    epilogue: row[20] as Body["epilogue"],
    input: row[21] as string | null,
    fences: row[22] as number,
    dirty: false,
    steps: new Map(),
    tally: new Map(),
  };
}

export const stepColumns =
  "address, state, phase, reason, fence, tries, lost, session, worker, seq, ready, started, ended, due, marks, rescued, cursor, " +
  "spec, output, limits";

/** Makes a step of a row of `stepColumns`. */
export function stepOf(run: Run, row: Tuple): Step {
  const specText = row[17] as string;
  return {
    run,
    address: row[0] as StepAddress,
    state: row[1] as StepState,
    phase: row[2] as Phase,
    reason: row[3] as StepReason | null,
    fence: row[4] as number,
    tries: row[5] as number,
    lost: row[6] as number,
    session: row[7] as number | null,
    worker: row[8] as string | null,
    seq: row[9] as number,
    ready: row[10] as number | null,
    started: row[11] as number | null,
    ended: row[12] as number | null,
    due: row[13] as number | null,
    marks: row[14] === null ? null : (JSON.parse(row[14] as string) as Step["marks"]),
    rescued: row[15] as number,
    cursor: row[16] as number,
    specText,
    spec: unpackSpec(row[0] as StepAddress, specText),
    output: row[18] as string | null,
    limits: row[19] as string | null,
    dirty: false,
    fresh: false,
    body: undefined,
  };
}

/** A step that has no record yet. */
export function freshStep(run: Run, spec: StepSpec, specText: string): Step {
  return {
    run,
    address: spec.address,
    state: "blocked",
    phase: spec.phase,
    reason: null,
    fence: run.fences,
    tries: 0,
    lost: 0,
    session: null,
    worker: null,
    seq: 0,
    ready: null,
    started: null,
    ended: null,
    due: null,
    marks: null,
    rescued: 0,
    cursor: 0,
    specText,
    spec,
    output: null,
    limits: null,
    dirty: true,
    fresh: true,
    body: undefined,
  };
}

/** What changes in a step, in the order of `stepChanges`. */
export function stepValues(step: Step): SqlValue[] {
  return [
    step.state,
    step.phase,
    step.reason,
    step.fence,
    step.tries,
    step.lost,
    step.session,
    step.worker,
    step.seq,
    step.ready,
    step.started,
    step.ended,
    step.due,
    step.marks === null ? null : JSON.stringify(step.marks),
    step.rescued,
    step.cursor,
    step.output,
    step.limits,
  ];
}

const changing =
  "state phase reason fence tries lost session worker seq ready started ended due marks rescued cursor output limits".split(
    " ",
  );

export const updateStep = `UPDATE steps SET ${changing.map((each) => `${each} = ?`).join(", ")} WHERE run = ? AND address = ?`;

export const insertStep = `INSERT INTO steps (${changing.join(", ")}, run, address, spec) VALUES (${changing
  .map(() => "?")
  .join(", ")}, ?, ?, ?)`;
