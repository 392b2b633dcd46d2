import type { StepAddress } from "../plan/address.js";
import type { RunKey } from "./key-claim.js";
import type { ProgressRecord } from "./progress.js";
import type { RunState, StepReason, StepState } from "./states.js";
import type { Phase } from "./step-spec.js";

export interface RunRecord {
  readonly id: string;
  readonly kind: "dag" | "task";
  readonly name: string;
  readonly plan: string;
  readonly state: RunState;
  readonly cancelling: boolean;
  readonly priority: number;
  readonly tags: readonly string[];
  readonly createdAtMs: number;
  readonly startedAtMs?: number | undefined;
  readonly endedAtMs?: number | undefined;
  /** What failed first and was not rescued: the JSON text under `valueKey.failure("")`, `{ step, error }`. */
  readonly failure?: string | undefined;
  readonly traceparent?: string | undefined;
  /** The key that it was submitted with. Whether it still holds it, the next submission finds out. */
  readonly key?: RunKey | undefined;
  /** The run that took its place before any step of it was taken; it is cancelled therefore. */
  readonly replacedBy?: string | undefined;
  /** True when only the id is remembered. */
  readonly purged: boolean;
}

export interface StepRecord {
  readonly run: string;
  readonly address: StepAddress;
  readonly name: string;
  readonly kind: "task" | "map" | "dag";
  readonly state: StepState;
  readonly reason?: StepReason | undefined;
  readonly phase: Phase;
  /** True when a retry by hand has given it another input than its wiring says: see `valueKey.edited`. */
  readonly edited?: boolean | undefined;
  readonly queue: string;
  /** True when its newest attempt began past the queue, because its only parent ended in the same worker; then there is no `readyAtMs`. */
  readonly inlined?: boolean | undefined;
  readonly fence: number;
  readonly tries: number;
  readonly lost: number;
  /** The worker that has it, or had it last. */
  readonly worker?: string | undefined;
  /** The session that holds it; absent while none does. */
  readonly session?: string | undefined;
  /** How far it is: only while it runs, and when its handler has said so. */
  readonly progress?: ProgressRecord | undefined;
  readonly readyAtMs?: number | undefined;
  readonly startedAtMs?: number | undefined;
  readonly endedAtMs?: number | undefined;
  readonly dueAtMs?: number | undefined;
  /** JSON text of the last error. */
  readonly error?: string | undefined;
  /** For maps and inlined dags: members of the body in all, and settled so far. */
  readonly members?: number | undefined;
  readonly settled?: number | undefined;
  /** For maps: how many instances there are. */
  readonly count?: number | undefined;
}

export interface StepCounts {
  readonly name: string;
  readonly counts: Readonly<Partial<Record<StepState, number>>>;
}

export interface AttemptRecord {
  readonly fence: number;
  readonly reason: StepReason;
  readonly worker?: string | undefined;
  readonly startedAtMs: number;
  readonly endedAtMs: number;
  readonly error?: string | undefined;
}

export interface QueueRecord {
  readonly name: string;
  readonly ready: number;
  readonly running: number;
}

/** Which sessions `listWorkers` tells of: those of one host, and those whose workers have one of these names. */
export interface WorkerQuery {
  readonly host: string;
  readonly workers: readonly string[];
}

export interface WorkerRecord {
  readonly session: string;
  readonly worker: string;
  readonly host: string;
  readonly pid: number;
  readonly birth?: string | undefined;
  readonly queues: readonly string[];
  readonly serves: readonly string[];
  readonly openedAtMs: number;
  readonly expiresAtMs: number;
  /** How long it lives without a renewal, in milliseconds; `Infinity`: for ever. */
  readonly leaseMs: number;
  readonly held: number;
  /** How late its main loop was at its last renewal, in milliseconds; absent before that. */
  readonly lagMs?: number | undefined;
  /** When its main loop told the following last; absent before that. */
  readonly heardAtMs?: number | undefined;
  /** How many handlers may run in it at a time. */
  readonly slots?: number | undefined;
  /** How many do, those included whose attempt was given up but who have not returned. */
  readonly running?: number | undefined;
  /** How many slots the steps take that it has taken ahead, and that had not begun then; absent where it did not say. */
  readonly waiting?: number | undefined;
  /** How many more may. */
  readonly free?: number | undefined;
}
