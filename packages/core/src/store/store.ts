import type { StepAddress } from "../plan/address.js";
import type { JsonValue } from "../plan/plan.js";
import type { Exchange, ExchangeReply, Expansion, ExpansionReply, Lease } from "./exchange.js";
import type { CheckPage, CheckRequest, Diagnosis } from "./inspection.js";
import type {
  AttemptRecord,
  EventRecord,
  QueueRecord,
  RunQuery,
  RunRecord,
  StepCounts,
  StepRecord,
  WorkerRecord,
} from "./records.js";
import type { Reaped, Registration, Renewal, Retention, Session, SessionOpening } from "./session.js";
import type { StepState } from "./states.js";
import type { CancelResult, Submission, SubmitCall, SubmitResult } from "./submission.js";
import type { Whereabouts } from "./whereabouts.js";

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
export interface Store extends Submitting, Working, Upkeep, Looking, Inspecting {
  /** What the adapter is and where, without secrets: `sqlite:./jobs.db`. */
  readonly url: string;
  /** How many exchanges a worker should have under way at a time, so that both sides are busy; absent: 1. */
  readonly lanes?: number | undefined;
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

export interface Submitting {
  /**
   * Creates runs; answers one result per submission, in order. A batch may hold any number; the adapter cuts it into
   * transactions of at most 500, each submission whole or not at all.
   *
   * With durability `replica`, a submission that answers `created` or `existing` has been confirmed by a replica, whoever wrote it
   * and when. A store that can have no replica rejects with `flag-invalid` and writes nothing.
   */
  submit(batch: readonly Submission[], call?: SubmitCall): Promise<SubmitResult[]>;
  /** Marks a run as cancelling; it ends when nothing of it runs. Costs O(running). */
  cancel(run: string): Promise<CancelResult>;
}

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
   * the signal aborts. A run that is scheduled before all others wakes up one of those who wait, so that its exchange says when
   * that is due. A hint: it may wake up for nothing.
   */
  listen(
    session: string,
    wait: { readonly queues: readonly string[]; readonly timeoutMs: number; readonly signal: AbortSignal },
  ): Promise<void>;
}

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
  /** Where a step is: its place in a line, who holds it. Bounded, however long the line; `RUN_ADDRESS` is the run's own opening. */
  whereIs(run: string, address: StepAddress): Promise<Whereabouts>;
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

export interface Inspecting {
  /** Looks at the place where the store lives: whether it can be relied on. Changes nothing. */
  diagnose(): Promise<Diagnosis>;
  /**
   * Looks for what breaks the store's own rules, a page at a time, while everything goes on; what looks wrong is looked at again,
   * or in one transition. A repair may be repeated.
   */
  check(request: CheckRequest): Promise<CheckPage>;
}
