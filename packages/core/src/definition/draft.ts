import type { FailureMode, Inlining, JsonValue, Path, RetryPlan, Trigger } from "../plan/plan.js";
import type { AnyDag, AnyTask, MapOptions } from "./face.js";
import type { Ref } from "./ref-types.js";
import type { Spread } from "./spread.js";

/**
 * A plan while it is being defined. It refers to steps as objects, because a map has no name before its body has returned;
 * `plan-writing.ts` turns it into a plan.
 */

/** The steps of one body: of the dag itself, of a map, or of an onFailure function. */
export interface Body {
  /** The step that owns the body; none: the dag itself. */
  readonly owner: StepDraft | undefined;
  /** The body whose steps may be used in this one, lifted to the owner; none for the dag and for onFailure. */
  readonly around: Body | undefined;
  /** The steps that stand in this body itself, in call order. */
  readonly members: StepDraft[];
  output: WiringDraft;
  /** The members whose outputs the body's output takes without `orElse`. */
  readonly bare: Set<StepDraft>;
}

interface StepDraftBase {
  name: string;
  readonly body: Body;
  readonly parents: Set<StepDraft>;
  /** The parents whose outputs are taken without `orElse`, so that they have to be there. */
  readonly bare: Set<StepDraft>;
  readonly trigger: Trigger;
  readonly when: RefData | undefined;
}

export interface TaskDraft extends StepDraftBase {
  readonly kind: "task";
  readonly task: AnyTask;
  readonly queue: string;
  /** True when the call names its queue. */
  readonly namesQueue: boolean;
  readonly priority: number | undefined;
  readonly retry: RetryPlan;
  readonly timeoutMs: number | undefined;
  readonly startWithinMs: number | undefined;
  readonly inline: Inlining | undefined;
  readonly stickyMs: number | undefined;
  input: WiringDraft;
}

export interface MapDraft extends StepDraftBase {
  readonly kind: "map";
  readonly over: RefData;
  readonly inside: Body;
  readonly spread: Spread<never> | undefined;
  readonly stickyMs: number | undefined;
}

export interface DagDraft extends StepDraftBase {
  readonly kind: "dag";
  readonly dag: AnyDag;
  input: WiringDraft;
}

export interface FailureDraft extends StepDraftBase {
  readonly kind: "failure";
  readonly inside: Body;
}

export type StepDraft = TaskDraft | MapDraft | DagDraft | FailureDraft;

/** Where a ref's value comes from. */
export type Origin =
  | { readonly from: "input" }
  | { readonly from: "step"; readonly step: StepDraft }
  | { readonly from: "item" | "index" | "failure"; readonly body: Body }
  | Operation;

export interface Operation {
  readonly from: "or" | "eq" | "not" | "items";
  readonly args: readonly WiringDraft[];
  /** How deep operations are nested, and how many there are with all that they contain. */
  readonly depth: number;
  readonly size: number;
}

/** What is behind a ref. */
export interface RefData {
  readonly definition: DefinitionInProgress;
  readonly origin: Origin;
  readonly path: Path;
}

export interface WiringDraft {
  readonly value: JsonValue;
  readonly wires: readonly { readonly at: Path; readonly ref: RefData }[];
}

/** What refs, tasks and dags need of the definition in progress, which may come from another copy of this package. */
export interface DefinitionInProgress {
  readonly dagName: string;
  readonly failure: FailureMode;
  addTask(task: AnyTask, input: unknown, options: unknown): Ref<unknown>;
  addDag(dag: AnyDag, input: unknown, options: unknown): Ref<unknown>;
  addMap(over: RefData, body: unknown, options: MapOptions<unknown> | undefined): Ref<unknown>;
  addOperation(from: Operation["from"], args: readonly unknown[]): Ref<unknown>;
}

/** A body without steps, which answers null. */
export function createBody(owner: StepDraft | undefined, around: Body | undefined): Body {
  return { owner, around, members: [], output: { value: null, wires: [] }, bare: new Set() };
}
