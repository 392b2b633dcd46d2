import type { StepAddress } from "./address.js";
import type { FailureMode, JsonValue, Trigger } from "./plan.js";
import type { RunState, StepReason, StepState } from "./states.js";

/**
 * The Store port: every piece of state behind atomic transitions.
 *
 * Rules that hold for all verbs:
 * - A verb is one transition: it happens whole or not at all, and may be executed twice (a reply can be lost on the way) with
 *   the effect of once.
 * - Time is the store's time. Callers send durations, and read instants as milliseconds since 1970 by the store's clock.
 * - Values (inputs, outputs, items, errors) are JSON texts that the store never looks into.
 * - The store knows no plan beyond its text: who reports a step says what follows ({@link Follow}). What the store settles by
 *   itself (a skip, the end of a body, a quarantined step) it hands to some worker as an `advance`, to be told what follows.
 */
export interface Store extends Submitting, Working, Upkeep, Looking {
  /** What the adapter is and where, without secrets: `sqlite:./jobs.db`. */
  readonly url: string;
  /** How a thread of its own can renew sessions of this store; absent where sessions need no renewal (`memory:`). */
  readonly renewal?: RenewalModule | undefined;
  /** Releases files and connections. Waiting calls end; later calls reject with `store-closed`. */
  close(): Promise<void>;
}

/** A module (a file URL) that exports `openRenewer(data): Renewer`, for use in a worker thread. */
export interface RenewalModule {
  readonly module: string;
  readonly data: JsonValue;
}

/** The one verb of the store that a renewal thread needs, on a connection of its own. */
export interface Renewer {
  renew(session: string): Promise<Renewal>;
  close(): Promise<void>;
}

// ---------------------------------------------------------------------------------------------------------- submitting

export interface Submitting {
  /**
   * Creates runs; answers one result per submission, in order. A batch may hold any number; the adapter cuts it into
   * transactions of at most 500, each submission whole or not at all.
   */
  submit(batch: readonly Submission[]): Promise<SubmitResult[]>;
  /** Marks a run as cancelling; it ends when nothing of it runs. Costs O(running). */
  cancel(run: string): Promise<CancelResult>;
}

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
  /** Kept under `valueKey.input("")`: a dag's input parsed, a task's raw. */
  readonly input: string;
  readonly priority: number;
  /** The run stays `scheduled` until the delay has passed or, where given, until the instant (store time) has come. */
  readonly delayMs?: number | undefined;
  readonly runAtMs?: number | undefined;
  readonly tags?: readonly string[] | undefined;
  /** How long the run is kept after its end, instead of the store's retention; 0 keeps only its id. */
  readonly keepMs?: number | undefined;
  readonly traceparent?: string | undefined;
  readonly failure: FailureMode;
  /** How many steps stand at the top of the plan, and whether it has an onFailure body. */
  readonly members: number;
  readonly onFailure: boolean;
  /** The first page of entry steps (see {@link Page}). */
  readonly entries: Page<StepSpec>;
}

export type SubmitResult =
  | { readonly status: "created" | "existing"; readonly id: string; readonly state: RunState }
  | { readonly status: "conflict"; readonly id: string }
  | { readonly status: "plan-missing"; readonly id: string };

export type CancelResult = { readonly status: "cancelled" | "cancelling" | "ended" | "unknown" };

// ------------------------------------------------------------------------------------------- steps as the store sees them

/** At most 500 things, and the cursor at which the next page begins where there is one. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly next?: number | undefined;
}

/** The most things one page, report or expansion may carry. */
export const PAGE_LIMIT = 500;

/** All that the store needs in order to judge a step, hand it out and settle it; made from the plan by `graph.ts`. */
export interface StepSpec {
  readonly address: StepAddress;
  /** The plan name: the address without indices. Progress is counted under it. */
  readonly name: string;
  readonly kind: "task" | "map" | "dag";
  /** The address of the map or inlined dag whose body this step is in; "" is the run. */
  readonly owner: StepAddress;
  /** How many parents have to settle before it is judged; 0 for an entry step. */
  readonly parents: number;
  readonly trigger: Trigger;
  /** True when a failure elsewhere cancels it in mode `stop`. */
  readonly stoppable: boolean;
  /** What a session must have registered to be handed this step: a task's name, `dag:NAME`, or "" where any will do. */
  readonly needs: string;
  readonly queue: string;
  /** 0 to 9; absent: the run's. */
  readonly priority?: number | undefined;
  /** What it is handed out for first: `admit` (a `when` to judge), else `run`, `expand` or `enter` by kind. */
  readonly phase: Exclude<Phase, "advance">;
  /** Keys of the values that go with the step when it is handed out. */
  readonly reads: readonly string[];
  /** How many siblings wait for it. Where none do, the store can settle it without asking a worker what follows. */
  readonly dependents: number;
  /** How many siblings catch its failure (trigger `one_failed`). When all have succeeded, the failure is rescued. */
  readonly catchers: number;
  /** True when it is such a catcher itself. */
  readonly catches: boolean;
  /** True when its definite failure (one that nobody rescues) stops the run in mode `stop`: no owner of it has catchers. */
  readonly stops: boolean;
  /** Set on the only child of an only parent: the store may hand it straight to the session that reports the parent. */
  readonly inline: boolean;
}

/**
 * What a step is handed out for.
 * - `run`: execute the task. - `admit`: judge `when`. - `expand`: lay out a map. - `enter`: start an inlined dag's body.
 * - `advance`: the step has settled; say what follows.
 * All but `run` are control: they cost no try, go to every session that fits, and need no free slot.
 */
export type Phase = "run" | "admit" | "expand" | "enter" | "advance";

// --------------------------------------------------------------------------------------------------------------- working

export interface Working {
  openSession(opening: SessionOpening): Promise<Session>;
  /**
   * The heart: settles what is reported and takes new steps, in one round trip.
   *
   * A lane is one sequence of exchanges. Repeating the last number answers the same steps again and applies nothing twice;
   * the next number confirms. A number older than the last rejects with `session-lost`.
   */
  exchange(exchange: Exchange): Promise<ExchangeReply>;
  /**
   * Lays out the next instances of a map's body under the lease of its `expand`. Idempotent by its cursor: what lies before
   * the stored cursor is ignored. When the cursor reaches `count` the lease ends, and the map waits for its body.
   */
  expand(expansion: Expansion): Promise<ExpansionReply>;
  /** Prolongs the session; answers what the worker has to know. `lost` means that its steps were given to others. */
  renew(session: string): Promise<Renewal>;
  /** Gives steps back without costing a try. Stale leases are ignored. */
  release(session: string, leases: readonly Lease[]): Promise<void>;
  /** Gives everything back and ends the session. */
  closeSession(session: string): Promise<void>;
  /** The leases that the store believes the session holds, at most 10,000. */
  listHeld(session: string): Promise<Lease[]>;
  /**
   * Waits until there may be something for the session (work in its queues, control work, mail), or until the time is over or
   * the signal aborts. A hint: it may wake up for nothing.
   */
  listen(
    session: string,
    wait: { readonly queues: readonly string[]; readonly timeoutMs: number; readonly signal: AbortSignal },
  ): Promise<void>;
}

export interface SessionOpening {
  /** The worker's name; several sessions may share one. */
  readonly worker: string;
  /** Which machine (and pid namespace) and process this is, so that a neighbour can tell that it is gone. */
  readonly host: string;
  readonly pid: number;
  /** The session is lost when it was not renewed for so long. `Infinity`: never. */
  readonly leaseMs: number;
  /** The `needs` that it can serve: task names and `dag:NAME`s. */
  readonly serves: readonly string[];
  readonly queues: readonly string[];
  /** What it has registered; kept beyond the session, so that others can submit by name. */
  readonly registers: readonly Registration[];
}

export interface Registration {
  readonly kind: "dag" | "task";
  readonly name: string;
  readonly plan: string;
  readonly planText: string;
}

export interface Session {
  readonly id: string;
  readonly openedAtMs: number;
}

/** The right to report on a step: valid while nobody took the step since, that is, while the fence is the newest. */
export interface Lease {
  readonly run: string;
  readonly address: StepAddress;
  readonly fence: number;
}

export interface Exchange {
  readonly session: string;
  readonly lane: number;
  /** 1 on a lane's first exchange, then one more each time. */
  readonly seq: number;
  readonly reports: readonly Report[];
  readonly wants: Wants;
}

export interface Wants {
  /** How many `run` steps there is room for; may be 0. */
  readonly slots: number;
  /** How many control steps it would take. */
  readonly control: number;
  readonly queues: readonly string[];
  /** False when a 1:1 successor has to queue like any other step. */
  readonly inline: boolean;
}

export type Report =
  | { readonly type: "succeeded"; readonly lease: Lease; readonly output: string; readonly follow: Follow }
  | {
      readonly type: "failed";
      readonly lease: Lease;
      readonly error: string;
      readonly reason: StepReason;
      readonly follow: Follow;
    }
  /** Its `when` was false. */
  | { readonly type: "skipped"; readonly lease: Lease; readonly follow: Follow }
  /** Its `when` was true: from now on it is what its kind says. */
  | { readonly type: "admitted"; readonly lease: Lease }
  /** The try failed and another is due after the delay. Costs a try. */
  | {
      readonly type: "retry";
      readonly lease: Lease;
      readonly error: string;
      readonly reason: StepReason;
      readonly delayMs: number;
    }
  /** Given back: costs no try. */
  | { readonly type: "released"; readonly lease: Lease }
  /** An inlined dag begins: a page of its entry steps, and on the first page its input and figures. */
  | {
      readonly type: "entered";
      readonly lease: Lease;
      readonly input: string;
      readonly members: number;
      readonly onFailure: boolean;
      readonly entries: Page<StepSpec>;
    }
  /** What follows a step that the store settled, or the next page of it. */
  | { readonly type: "advanced"; readonly lease: Lease; readonly follow: Follow };

/**
 * What a settled step sets in motion: a page of the siblings that wait for it. Each page is applied once. A step counts for the
 * end of its owner's body when its last page has been applied; while there is a `next`, the store hands out an `advance`.
 */
export interface Follow {
  readonly successors: Page<StepSpec>;
  /** Where the step catches failures: the addresses of its parents, which its success rescues. On the first page only. */
  readonly rescues?: readonly StepAddress[] | undefined;
}

export interface ExchangeReply {
  /** One per report: `stale` changed nothing, because the step was taken by another or has settled. */
  readonly results: readonly ("accepted" | "stale")[];
  readonly grants: readonly Grant[];
  readonly mail: readonly Mail[];
  /** True when the call stopped at its cap of dropped entries: exchange again at once, there may be work behind them. */
  readonly more: boolean;
  /** False when the session is unknown or expired: its reports were judged by their fences, but it is granted nothing. */
  readonly alive: boolean;
  /** How long until the next timer of the store is due, where one is. */
  readonly nextDueMs?: number | undefined;
}

/** A step, handed out. */
export interface Grant {
  readonly lease: Lease;
  readonly phase: Phase;
  readonly needs: string;
  readonly plan: string;
  /** Tries spent on failures, and attempts lost with their worker, before this one. */
  readonly tries: number;
  readonly lost: number;
  readonly priority: number;
  readonly traceparent?: string | undefined;
  readonly tags: readonly string[];
  /**
   * The values that go with it. `null`: there is none (the parent did not succeed). A key that the spec reads but that is
   * absent here was too large: read it with `readValues`.
   */
  readonly values: Readonly<Record<string, string | null>>;
  /** For `expand`, `enter` and `advance`: where to go on. */
  readonly cursor: number;
  /** For `advance`: how it settled. */
  readonly outcome?: StepState | undefined;
}

/** What a worker is told between its exchanges. */
export type Mail =
  /** Abort what runs of this run. */
  { readonly type: "cancel"; readonly run: string };

export interface Expansion {
  readonly session: string;
  readonly lease: Lease;
  /** How many elements the list has, and how many steps stand in one instance of the body. */
  readonly count: number;
  readonly membersEach: number;
  readonly from: number;
  /** At most 500, the first for index `from`. Where one instance alone starts more steps than a page holds, one a call. */
  readonly items: readonly { readonly value: string; readonly entries: readonly StepSpec[] }[];
}

/** `cursor` is where to go on; `stale`: the lease is no longer the newest. */
export type ExpansionReply =
  | { readonly status: "accepted"; readonly cursor: number }
  | { readonly status: "stale" };

export interface Renewal {
  readonly status: "alive" | "lost";
  /** How many steps the store believes the session to hold. */
  readonly held: number;
  readonly mail: readonly Mail[];
}

// ---------------------------------------------------------------------------------------------------------------- upkeep

export interface Upkeep {
  /** Makes steps whose timer is due ready, at most `limit`; `nextDueMs` is the time until the next. */
  promoteDue(limit: number): Promise<{ readonly promoted: number; readonly nextDueMs?: number | undefined }>;
  /**
   * Takes the steps of lost sessions back, at most `limit` steps. A session is lost when two sweeps, at least `sweepMs` apart,
   * found it expired, or at once when it is listed in `gone`. After a pause of more than two sweeps (the store or everybody was
   * away) all leases are extended once instead. The third loss of a step quarantines it: it settles as failed.
   */
  reapSessions(sweep: {
    readonly sweepMs: number;
    readonly limit: number;
    readonly gone?: readonly string[];
  }): Promise<Reaped>;
  /** Deletes ended runs beyond their retention, at most `limit` rows of them; `more` says that it was not all. */
  purge(retention: Retention, limit: number): Promise<{ readonly purged: number; readonly more: boolean }>;
}

export interface Reaped {
  readonly sessions: readonly string[];
  readonly returned: number;
  readonly quarantined: number;
  readonly more: boolean;
}

/** How long, and how many, ended runs of each outcome are kept; whichever is reached first. Ids are remembered 24 h longer. */
export type Retention = Readonly<
  Record<"succeeded" | "failed" | "cancelled", { readonly ageMs: number; readonly count: number }>
>;

/** Attempts of one step that may be lost with their workers; the last of them quarantines it. */
export const MAX_LOST = 3;

// --------------------------------------------------------------------------------------------------------------- looking

export interface Looking {
  getRun(run: string): Promise<RunRecord | undefined>;
  /** Newest first by submission; `cursor` is the last page's `next`. */
  listRuns(query: RunQuery): Promise<{ readonly runs: RunRecord[]; readonly next?: string | undefined }>;
  getStep(run: string, address: StepAddress): Promise<StepRecord | undefined>;
  /** Steps that were touched so far, ordered by address; unstarted ones have no record. */
  listSteps(
    run: string,
    query: {
      readonly after?: StepAddress | undefined;
      readonly limit: number;
      readonly states?: readonly StepState[] | undefined;
    },
  ): Promise<{ readonly steps: StepRecord[]; readonly next?: StepAddress | undefined }>;
  /** Counts of a run's steps by plan name and state: O(plan), whatever the width of its maps. */
  countSteps(run: string): Promise<StepCounts[]>;
  /** Tries that did not succeed (failures, losses), oldest first, at most 100. */
  listAttempts(run: string, address: StepAddress): Promise<AttemptRecord[]>;
  /** JSON texts by key (see `valueKey`), `null` where there is none; at most 500 keys a call. */
  readValues(run: string, keys: readonly string[]): Promise<Record<string, string | null>>;
  getPlan(hash: string): Promise<string | undefined>;
  /** The newest registration under a name. */
  findRegistration(name: string): Promise<Registration | undefined>;
  listRegistrations(): Promise<Omit<Registration, "planText">[]>;
  listQueues(): Promise<QueueRecord[]>;
  listWorkers(): Promise<WorkerRecord[]>;
  /** The feed after a cursor (0: from what is left of its beginning); `gap` when events after the cursor were trimmed. */
  readEvents(
    after: number,
    limit: number,
  ): Promise<{ readonly events: EventRecord[]; readonly cursor: number; readonly gap: boolean }>;
  /** The cursor at the feed's end. */
  lastEvent(): Promise<number>;
  /** Waits until the feed may have grown beyond the cursor, or the time is over or the signal aborts. */
  awaitEvents(
    after: number,
    wait: { readonly timeoutMs: number; readonly signal: AbortSignal },
  ): Promise<void>;
}

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
  /** True when only the id is remembered. */
  readonly purged: boolean;
}

export interface RunQuery {
  readonly state?: RunState | undefined;
  readonly name?: string | undefined;
  readonly tag?: string | undefined;
  readonly limit: number;
  readonly cursor?: string | undefined;
}

export interface StepRecord {
  readonly run: string;
  readonly address: StepAddress;
  readonly name: string;
  readonly kind: "task" | "map" | "dag";
  readonly state: StepState;
  readonly reason?: StepReason | undefined;
  readonly phase: Phase;
  readonly queue: string;
  readonly fence: number;
  readonly tries: number;
  readonly lost: number;
  /** The worker that has it, or had it last. */
  readonly worker?: string | undefined;
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

export interface WorkerRecord {
  readonly session: string;
  readonly worker: string;
  readonly host: string;
  readonly pid: number;
  readonly queues: readonly string[];
  readonly serves: readonly string[];
  readonly openedAtMs: number;
  readonly expiresAtMs: number;
  readonly held: number;
}

/**
 * One line of the feed. `steps` sums up what one exchange did to the steps of one run: small tasks would drown the feed
 * otherwise. The feed is a hint, the record is the truth.
 */
export interface EventRecord {
  readonly cursor: number;
  readonly atMs: number;
  readonly run: string;
  readonly type: "run.created" | "run.ended" | "steps" | "step.retry" | "step.lost" | "step.quarantined";
  readonly step?: StepAddress | undefined;
  readonly detail?: JsonValue | undefined;
}
