import {
  type FailureMode,
  type JsonValue,
  ON_FAILURE,
  type ParentCounts,
  type Phase,
  type PlanIndex,
  type RunState,
  type StepAddress,
  type StepReason,
  type StepSpec,
  type StepState,
} from "@jobbers/core";

/**
 * A run in memory: what a store keeps of it, without lines, sessions and values. The transitions are in `transitions.ts`. It is the
 * model that stores are compared with, and the engine of `runDag`.
 */
export interface MachineRun {
  readonly index: PlanIndex;
  readonly mode: FailureMode;
  state: RunState;
  cancelling: boolean;
  /** In mode `stop`, something failed for good. */
  stopped: boolean;
  readonly body: Body;
  /** With which fence new steps begin: above those that a rerun has taken away. */
  fences: number;
  readonly steps: Map<StepAddress, MachineStep>;
  /** Those that are to be handed out, in order; entries whose step is no longer in place "line" are void. */
  readonly line: MachineStep[];
}

/** What is counted of a body: the run's own, a map's, or an inlined dag's. */
export interface Body {
  members: number;
  settled: number;
  /** Members that failed for good, and members that a stop has cancelled. */
  failed: number;
  halted: number;
  failure?: Failing | undefined;
  /** Whether there is an onFailure body, and whether it had its turn. */
  epilogue: "none" | "due" | "begun";
}

/** What failed first. */
export interface Failing {
  readonly step: StepAddress;
  readonly error: JsonValue;
}

/** One step that was touched. */
export interface MachineStep {
  readonly spec: StepSpec;
  state: StepState;
  reason?: StepReason | undefined;
  phase: Phase;
  /** Where it is, unfinished: each such step is in exactly one place. */
  place: "nowhere" | "line" | "worker" | "timer";
  fence: number;
  tries: number;
  lost: number;
  /** Where to go on: with its successors, a map's elements, or a dag's entries. */
  cursor: number;
  readonly marks: { -readonly [outcome in keyof ParentCounts]: number };
  /** How many of its catchers have rescued it, and whether its failure is for good. */
  rescued: number;
  definite: boolean;
  /** True once all that follows it has been told, so that it counts for its owner. */
  counted: boolean;
  /** Its body, once it is being laid out, and how many elements the map is over. */
  body?: Body;
  count?: number;
  error?: JsonValue | undefined;
}

/** Makes a run that has not begun. */
export function createMachineRun(index: PlanIndex): MachineRun {
  return {
    index,
    mode: index.plan.failure,
    state: "running",
    cancelling: false,
    stopped: false,
    body: createBody(index.members(undefined).length, index.onFailure(undefined) !== undefined),
    fences: 0,
    steps: new Map(),
    line: [],
  };
}

export function createBody(members: number, onFailure: boolean): Body {
  return { members, settled: 0, failed: 0, halted: 0, epilogue: onFailure ? "due" : "none" };
}

export function createStep(spec: StepSpec, fence: number): MachineStep {
  return {
    ...{ spec, state: "blocked", phase: spec.phase, place: "nowhere" },
    ...{ fence, tries: 0, lost: 0, cursor: 0, rescued: 0 },
    ...{ definite: false, counted: false },
    marks: { succeeded: 0, failed: 0, skipped: 0, cancelled: 0 },
  };
}

/** The body in which a step stands. */
export function bodyAround(run: MachineRun, step: MachineStep): Body {
  const { owner } = step.spec;
  return owner === "" ? run.body : ((run.steps.get(owner) as MachineStep).body as Body);
}

/** The address of the onFailure body of the run, or of an inlined dag. */
export function epilogueOf(owner: StepAddress): StepAddress {
  return owner === "" ? ON_FAILURE : `${owner}/${ON_FAILURE}`;
}

export const isEpilogue = (step: MachineStep): boolean => step.spec.address === epilogueOf(step.spec.owner);
