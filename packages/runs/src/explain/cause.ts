import type {
  DurationSummary,
  Liveness,
  Phase,
  ProgressRecord,
  RunState,
  StepReason,
  StepState,
} from "@jobbers/core";
import type { RunFailure } from "../run-types.js";

/** Why a run or a step is not further: the answer of `explain`, a sentence for people and data for programs. */
export interface Explanation {
  readonly run: string;
  /** The step's address; absent where the run was asked about. */
  readonly step?: string | undefined;
  /** `unstarted`: a step that has no record yet. `unknown`: there is no such run or step. */
  readonly state: RunState | StepState | "unstarted" | "unknown";
  /** The store's time of the look, in milliseconds since 1970, as all instants in here. */
  readonly atMs: number;
  /** The first chain of causes, told from the top to its root. */
  readonly sentence: string;
  /** At least one; what needs somebody's help comes first. */
  readonly causes: readonly Cause[];
  /** How many causes beside these are not listed. */
  readonly left: number;
}

/** What every cause tells. */
export interface Told {
  readonly sentence: string;
  /** What is behind it. A cause that was told before in the same explanation has its own only there. */
  readonly because?: readonly Cause[] | undefined;
  /** How many causes beside those in `because` are not listed. */
  readonly left?: number | undefined;
}

/** How an error reads in short. */
export interface ErrorLine {
  readonly name: string;
  readonly message: string;
}

/** What stands in a line or is in some worker's hands; `step` is "" for the run's own opening. */
export interface Work {
  readonly step: string;
  readonly work: Phase;
}

/** One reason why a run or a step is not further. */
export type Cause = Told &
  (
    | ScheduledCause
    | RunningCause
    | InLineCause
    | LimitedCause
    | UnservedCause
    | PausedCause
    | RoleFullCause
    | { readonly type: "no-worker" }
    | UnknownTaskCause
    | RetryCause
    | WaitingCause
    | ExpandingCause
    | BodyCause
    | LostCause
    | { readonly type: "advancing"; readonly step?: string | undefined }
    | NotStartedCause
    | { readonly type: "cancelling"; readonly running: number }
    | { readonly type: "stopping"; readonly failure: RunFailure }
    | EndedCause
    | QuarantinedCause
    | { readonly type: "plan-missing"; readonly plan: string }
    | { readonly type: "run-unknown" }
    | { readonly type: "step-unknown"; readonly step: string; readonly known: readonly string[] }
  );

/** The run begins at an instant; absent where none of its steps says when. */
export interface ScheduledCause {
  readonly type: "scheduled";
  readonly dueAtMs?: number | undefined;
}

/** A worker has it. */
export interface RunningCause extends Work {
  readonly type: "running";
  readonly worker?: string | undefined;
  readonly sinceMs?: number | undefined;
  /** Which try this is, of how many; absent for control work. */
  readonly attempt?: number | undefined;
  readonly attempts?: number | undefined;
  /** How long the worker may be silent; absent where sessions never expire. */
  readonly leaseUntilMs?: number | undefined;
  /** How it is; absent where that moved while it was looked at. */
  readonly liveness?: Liveness | undefined;
  /** How far it is, as its handler said last. */
  readonly progress?: ProgressRecord | undefined;
  /** How long successful attempts of its task took lately; absent where too few are known. */
  readonly usual?: DurationSummary | undefined;
  /** By when 19 of 20 such attempts would have ended; absent where `usual` is, and once it has run for longer than half of them did. */
  readonly likelyEndMs?: number | undefined;
}

/** It is ready, and stands in a line. */
export interface InLineCause extends Work {
  readonly type: "in-line";
  /** Absent for control work, which has a line of its own. */
  readonly queue?: string | undefined;
  readonly priority: number;
  readonly before: number;
  /** True where the priorities of the queue share what is taken: then only those of its own are counted in `before`. */
  readonly weighted?: boolean | undefined;
  /** True when `before` is the least, since nobody counts further. */
  readonly atLeast: boolean;
  readonly depth: number;
  /** How many live sessions serve the queue, and how many of these can do what it needs. */
  readonly serving: number;
  readonly able: number;
}

/** No live worker serves its queue. */
export interface UnservedCause {
  readonly type: "unserved-queue";
  readonly queue: string;
  /** The worker that had the step before. */
  readonly last?: string | undefined;
  /** The roles that have the queue, which no live worker has. */
  readonly roles?: readonly string[] | undefined;
}

/** Somebody has paused its queue. */
export interface PausedCause {
  readonly type: "paused-queue";
  readonly queue: string;
  readonly by?: string | undefined;
  /** When the queue was edited last. */
  readonly sinceMs?: number | undefined;
}

/** All workers that could take it have roles that run as many steps as they may at once; this is one of these roles. */
export interface RoleFullCause {
  readonly type: "role-full";
  readonly role: string;
  readonly concurrency: number;
  readonly running: number;
  /** Who runs them, those first that run most; the first of them. */
  readonly heldBy: readonly RoleUser[];
}

/** Who runs steps of a role. */
export interface RoleUser {
  readonly worker: string;
  readonly running: number;
}

/** A limit lets it not start yet. */
export interface LimitedCause {
  readonly type: "limited";
  readonly step: string;
  readonly limit: string;
  /** "" where all share it. */
  readonly key: string;
  /** What it lets through: starts per time, or attempts at once. */
  readonly rate?: number | undefined;
  readonly perMs?: number | undefined;
  readonly burst?: number | undefined;
  readonly concurrency?: number | undefined;
  /** How many attempts have its slots, and the first of them. */
  readonly used: number;
  readonly holders?: readonly SlotUser[] | undefined;
  /** When it lets the next one start by itself. */
  readonly opensAtMs?: number | undefined;
  /** Until when a task asked for no start. */
  readonly throttledUntilMs?: number | undefined;
}

/** Who has a slot of a limit. */
export interface SlotUser {
  readonly run: string;
  readonly step: string;
  readonly worker?: string | undefined;
}

/** Workers serve the queue, but none of them has what it needs: a task, or `dag:NAME`. */
export interface UnknownTaskCause {
  readonly type: "unknown-task";
  readonly needs: string;
  readonly queue?: string | undefined;
  /** The first of those who serve the queue. */
  readonly workers: readonly string[];
}

/** A try failed, and another is due. */
export interface RetryCause {
  readonly type: "retry-due";
  readonly step: string;
  readonly dueAtMs?: number | undefined;
  readonly reason?: StepReason | undefined;
  readonly error?: ErrorLine | undefined;
  /** Tries spent so far, of how many. */
  readonly tries: number;
  readonly attempts?: number | undefined;
}

/** Steps before it have not settled. */
export interface WaitingCause {
  readonly type: "waiting-for";
  readonly step: string;
  /** The first of the parents that have not settled, how many there are of them, and how many parents in all. */
  readonly open: readonly string[];
  readonly openCount: number;
  readonly parents: number;
}

/** A step has no record yet; what has to happen first is behind it, and here, as far as that is for siblings to settle. */
export interface NotStartedCause {
  readonly type: "not-started";
  readonly step: string;
  readonly open?: readonly string[] | undefined;
  readonly openCount?: number | undefined;
  readonly parents?: number | undefined;
}

/** A map is being laid out: so many of its elements have their steps. `count` is unknown before the first page. */
export interface ExpandingCause {
  readonly type: "expanding";
  readonly step: string;
  readonly laidOut: number;
  readonly count?: number | undefined;
}

/** The body of a map or an inlined dag goes on. */
export interface BodyCause {
  readonly type: "body-open";
  readonly step: string;
  readonly kind: "map" | "dag";
  readonly settled: number;
  readonly members: number;
  /** Of a map: how many elements it has. */
  readonly count?: number | undefined;
  /** How many steps of its body are in each state that is no end, deeper bodies apart; absent inside of maps. */
  readonly open?: Readonly<Partial<Record<StepState, number>>> | undefined;
}

/** Its worker is silent beyond its lease, or is known to be gone. */
export interface LostCause extends Work {
  readonly type: "session-lost";
  readonly worker: string;
  readonly session: string;
  readonly expiredAtMs?: number | undefined;
  /** By when it is given to others if workers sweep as often as they do by default; absent where none lives. */
  readonly takenBackByMs?: number | undefined;
}

/** It has ended; `step` is absent for the run. */
export interface EndedCause {
  readonly type: "ended";
  readonly step?: string | undefined;
  readonly state: RunState | StepState;
  readonly reason?: StepReason | undefined;
  readonly endedAtMs?: number | undefined;
  readonly error?: ErrorLine | undefined;
  /** Of a run: what failed first. */
  readonly failure?: RunFailure | undefined;
}

/** It took its worker down so often that it is tried no more. */
export interface QuarantinedCause {
  readonly type: "quarantined";
  readonly step: string;
  readonly lost: number;
  readonly worker?: string | undefined;
  readonly endedAtMs?: number | undefined;
}
