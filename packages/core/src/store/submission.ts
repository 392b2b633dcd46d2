import type { StepAddress } from "../plan/address.js";
import type { FailureMode } from "../plan/plan.js";
import type { DeadLetterFilter } from "./dead-letters.js";
import type { KeyClaim } from "./key-claim.js";
import type { LimitUse } from "./limits.js";
import type { RunState } from "./states.js";
import type { Page, StepSpec } from "./step-spec.js";

export interface Submission {
  /** A canonical ULID. */
  readonly id: string;
  readonly kind: "dag" | "task";
  readonly name: string;
  /** The plan's hash, and its text where the store has answered `plan-missing`. */
  readonly plan: string;
  readonly planText?: string | undefined;
  /** Hash over name, raw input and options. The same id with the same fingerprint is the same run. */
  readonly fingerprint: string;
  /** Kept under `valueKey.input("")`: a dag's input parsed (but see `needs`), a task's raw. */
  readonly input: string;
  readonly priority: number;
  /**
   * The run stays `scheduled` until the delay has passed or, where given, until the instant (store time) has come, of which a new run
   * is refused as `run-at-invalid` unless `isTimely` says that it is one to wait for.
   */
  readonly delayMs?: number | undefined;
  readonly runAtMs?: number | undefined;
  readonly tags?: readonly string[] | undefined;
  /** How long the run is kept after its end, instead of the store's retention; 0 keeps only its id. */
  readonly keepMs?: number | undefined;
  /**
   * So long after its submission a run that has not ended is cancelled, and ends as `failed` with `DeadlineExceeded` as its failure. A
   * retry by hand takes it away.
   */
  readonly deadlineMs?: number | undefined;
  /** `start`: the deadline counts from when the run is due to start, which the store knows. */
  readonly deadlineFrom?: "start" | undefined;
  readonly traceparent?: string | undefined;
  /** The key that the run is to hold; without one it is created whatever other runs there are. */
  readonly claim?: KeyClaim | undefined;
  readonly failure: FailureMode;
  /** How many steps stand at the top of the plan, and whether it has an onFailure body. */
  readonly members: number;
  readonly onFailure: boolean;
  /**
   * The first page of entry steps (see {@link Page}). Where there is a `next`, the store hands the rest out as an `enter` at
   * address "" with that cursor, which is answered by `entered` pages like that of an inlined dag.
   */
  readonly entries: Page<StepSpec>;
  /**
   * Set where the input is still to be parsed, because the submitter lacks the dag's code: what a session has to serve in order to
   * do so, `dag:NAME`. `entries` then have no items, and 0 as `next`. The `enter` is answered by `entered` with the parsed input,
   * which takes the raw one's place, or by `failed`, which ends the run before any step of it.
   */
  readonly needs?: string | undefined;
  /**
   * Of a run of one step alone: the limits of that step which depend on its input. Where they are left out, some worker is asked for
   * them (phase `admit`).
   */
  readonly limits?: readonly LimitUse[] | undefined;
}

/**
 * Who has to have a run before its submission is confirmed: `local`, the store itself, by the settings that it has; `replica`,
 * at least one replica of it besides. It says nothing about the run, so it is no part of its content.
 */
export type Durability = "local" | "replica";

/** What one call of `submit` asks for, whatever it submits. */
export interface SubmitCall {
  /** Default: `local`. */
  readonly durability?: Durability | undefined;
}

export type SubmitResult =
  /** `existing` under another id than the submission's: that run holds its key, and is the answer. */
  | { readonly status: "created" | "existing"; readonly id: string; readonly state: RunState }
  /** Only with durability `replica`: the store has the run, new or not, but no replica confirmed it within `waitedMs`. */
  | {
      readonly status: "not-replicated";
      readonly id: string;
      readonly state: RunState;
      readonly waitedMs: number;
    }
  | { readonly status: "conflict"; readonly id: string }
  /** Its key is held by another run, with other content (`key-conflict`) or in a mode that refuses (`key-taken`). */
  | { readonly status: "key-conflict" | "key-taken"; readonly id: string; readonly holder: string }
  /** Its `runAtMs` is past, or too far off, by the store's clock. */
  | { readonly status: "run-at-invalid"; readonly id: string; readonly nowMs: number }
  /** A queue of its entry steps has as many ready steps as it may have, or would have more. */
  | { readonly status: "queue-full"; readonly id: string; readonly queue: string; readonly max: number }
  | { readonly status: "queue-draining"; readonly id: string; readonly queue: string }
  | { readonly status: "plan-missing"; readonly id: string };

export type CancelResult = { readonly status: "cancelled" | "cancelling" | "ended" | "unknown" };

/** What a retry by hand is about. */
export interface RetryOptions {
  /** The failures that run again, or the step that does though it succeeded; all other results are kept as they are. Left out: whatever failed. */
  readonly only?: RetryScope | undefined;
  /** JSON text of another input for the one step whose address `only` has. It holds for all its attempts from now on. */
  readonly input?: string | undefined;
}

/**
 * Some of a run's failures: that of the step at an address, or of all steps of a plan name, or those whose dead letters a filter fits. Or a
 * step that has succeeded.
 */
export type RetryScope =
  | { readonly step: StepAddress }
  | { readonly letters: Omit<DeadLetterFilter, "run"> }
  | { readonly rerun: Rerun };

/**
 * What a rerun takes back, as the run's plan has it: see `rerunOf`. All steps but those inside stand outside of maps, so that their names
 * are addresses.
 */
export interface Rerun {
  /** The step that runs again. */
  readonly step: StepAddress;
  /** Its fence, as the caller has read it: where it has grown since, the rerun has been done, and is not done again. */
  readonly fence: number;
  /** The inlined dags around it, which go on with it; innermost first. */
  readonly around: readonly StepAddress[];
  /** What depends on it, or on one of those around it, however far: these wait again. */
  readonly after: readonly RerunFollower[];
  /** Plan names of all that lies in the bodies of the step and of what comes after it: their records are taken away. */
  readonly inside: readonly string[];
  /** Steps that are kept, but whose failure is to be decided anew, because catchers of theirs run again. */
  readonly caught: readonly StepAddress[];
}

/** A step that waits again. */
export interface RerunFollower {
  readonly step: StepAddress;
  /** Its parents that are kept, and at which place it stands among those that wait for each. */
  readonly kept: readonly { readonly step: StepAddress; readonly place: number }[];
}

/**
 * What came of a retry by hand: the run goes on (`retried`); it has not ended, perhaps because it was retried before (`running`);
 * it has succeeded, so there is nothing to do again; its key is held by another run, so that it may not go on (`key-taken`); it is not
 * known; or only its id is remembered (`purged`). Where only one step was to run again: there is no such step that anything has come of
 * (`step-unknown`), it has not failed for good by itself (`step-not-failed`), or it lies in a body whose end is kept, because that was
 * rescued or is an onFailure body (`step-kept`). Of a rerun: the step has neither succeeded nor come to an end with its body
 * (`step-not-succeeded`).
 */
export type RetryResult =
  | { readonly status: "retried" | "running" | "succeeded" | "unknown" | "purged" }
  | { readonly status: "step-unknown" | "step-not-failed" | "step-kept" | "step-not-succeeded" }
  | { readonly status: "key-taken"; readonly holder: string };
