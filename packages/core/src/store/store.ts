import type { StepAddress } from "../plan/address.js";
import type { JsonValue } from "../plan/plan.js";
import type { DeadLetterCount, DeadLetterQuery, DeadLetterRecord, DeadLetterRef } from "./dead-letters.js";
import type { DurationSummary } from "./durations.js";
import type { EventRecord, WorkerStart } from "./events.js";
import type { Exchange, ExchangeReply, Expansion, ExpansionReply, Lease } from "./exchange.js";
import type { CheckPage, CheckRequest, Diagnosis } from "./inspection.js";
import type { LargeValues } from "./large-values.js";
import type { Limiting } from "./limits.js";
import type { RunQuery } from "./listing.js";
import type { LogPage, LogPart, LogQuery } from "./logs.js";
import type { Steering } from "./queues.js";
import type {
  AttemptRecord,
  QueueRecord,
  RunRecord,
  StepCounts,
  StepRecord,
  WorkerQuery,
  WorkerRecord,
} from "./records.js";
import type { RegistrationHead, RegistrationRecord, VersionRecord } from "./registration.js";
import type { Casting } from "./roles.js";
import type { Reaped, Renewal, Retention, Session, SessionOpening, Sweep } from "./session.js";
import type { StepState } from "./states.js";
import type {
  CancelResult,
  RetryOptions,
  RetryResult,
  Submission,
  SubmitCall,
  SubmitResult,
} from "./submission.js";
import type { Vitals } from "./vitals.js";
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
export interface Store extends Submitting, Working, Limiting, Steering, Casting, Upkeep, Looking, Inspecting {
  /** What the adapter is and where, without secrets: `sqlite:./jobs.db`. */
  readonly url: string;
  /** How many exchanges a worker should have under way at a time, so that both sides are busy; absent: 1. */
  readonly lanes?: number | undefined;
  /** How a thread of its own can renew sessions of this store; absent where sessions need no renewal (`memory:`). */
  readonly renewal?: RenewalModule | undefined;
  /** Values that lie elsewhere because they are too large; absent: the store keeps all of them itself. See `withBlobs`. */
  readonly large?: LargeValues | undefined;
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
  renew(session: string, vitals?: Vitals): Promise<Renewal>;
  close(): Promise<void>;
}

export interface Submitting {
  /**
   * Creates runs; answers one result per submission, in order. A batch may hold any number; the adapter cuts it into
   * transactions of at most 500, each submission whole or not at all.
   *
   * A submission's id is looked for first, then its key, and only then is it judged whether it could be created. So who sends a
   * submission again is answered with the run that there is, though its `runAtMs` may have passed meanwhile.
   *
   * A key is claimed and judged in the transition that creates the run; of two items of a batch with one key the second meets the
   * first. The holder of a key is told for as long as it holds it, also when no more than the key is left of the run.
   *
   * A submission whose entry steps stand in a queue that is full (`queue-full`) or drained (`queue-draining`) is refused whole. Of one that
   * is scheduled only the latter holds: when it is due it goes in, full or not. What runs lead to later is never refused.
   *
   * With durability `replica`, a submission that answers `created` or `existing` has been confirmed by a replica, whoever wrote it
   * and when. A store that can have no replica rejects with `flag-invalid` and writes nothing.
   */
  submit(batch: readonly Submission[], call?: SubmitCall): Promise<SubmitResult[]>;
  /**
   * Notes that blobs of these runs may be written, whether or not the runs are there yet. To be called before the first is. Noting
   * a run again is no change, but that what may never be submitted is waited for anew.
   */
  noteBlobs(runs: readonly string[]): Promise<void>;
  /** Marks a run as cancelling; it ends when nothing of it runs. Costs O(running). */
  cancel(run: string): Promise<CancelResult>;
  /**
   * Has a failed or cancelled run go on: what failed runs again, then what depends on it; all other results are kept.
   *
   * - A step that failed for good, or was cancelled, is ready again; where a parent of it runs again or has to say again how it
   *   ended, it is blocked until then, and its trigger is judged anew. Its fence grows, `tries` and `lost` begin at 0, its error is
   *   taken from the record and stays in the attempt history. A report under its old fence is stale.
   * - A step that succeeded is kept, catch, finally and onFailure steps among them: it does not run a second time. A catcher that
   *   has succeeded rescues its parent also when that fails again.
   * - A failure that was rescued is kept with all that lies in its body, and so is a step that its `when` has skipped, unless a
   *   parent of it runs again. A step that was skipped because of a parent that runs again is judged anew.
   * - A map or an inlined dag whose body failed or was cancelled goes on with the elements or the input that it had; in its body
   *   only what did not succeed runs again.
   * - An onFailure body that has begun does not begin again, whatever happens after the retry.
   * - The run is running, without the marks of its failure, its cancel and its end, and retention has it no longer. A run that was
   *   cancelled while it was scheduled begins at once. What succeeded while it was being cancelled now has its followers.
   * - A run that was submitted with a key until its end takes it again; where another run holds that by now, nothing happens, and the
   *   holder is told. The same goes for a key held for a time that is not over. A run that was replaced is `replacedBy` none any more.
   * - The run reads as ended until all its steps are prepared, in transitions of at most 500 steps. Should the caller vanish in
   *   between, whoever retries next or promotes timers completes it.
   *
   * With `only`, of the steps that failed by themselves only those run again, and those that ran because a parent had failed: these
   * are judged anew. Every other failure is kept, and still counts: unless somebody catches it, the run fails again. What was
   * cancelled goes on in any case. An `input` is kept with the step, and goes with each of its attempts in place of what its wiring says.
   *
   * With a `rerun`, a step that has succeeded, or whose body has ended, runs again, also in a run that succeeded. Failures are kept as with
   * `only`, and what was cancelled goes on.
   *
   * - All that comes after it waits again: its output, error and dead letter are gone, `tries` and `lost` begin at 0, and its fence
   *   grows. It counts as told by its parents that are kept and have succeeded; those that ended otherwise say so again.
   * - The bodies of these steps are taken away with all that lies in them. A record that is made anew begins with a fence above all that
   *   were taken away, so no report of an attempt before the rerun is accepted.
   * - A success of a task that is taken back stays in the attempt history of its step, with the reason `rerun`.
   * - An inlined dag around the step goes on, with the input that it had.
   * - A failure of which a catcher runs again is kept, but not decided until that has settled.
   * - The run reads as running from the first transition on, and nothing of it moves before the last. Cancelled in between, it ends as
   *   cancelled when all is prepared.
   */
  retry(run: string, options?: RetryOptions): Promise<RetryResult>;
  /** Forgets dead letters, at most {@link PURGE_LIMIT} a call; answers how many there were. Their steps and runs stay as they are. */
  purgeDeadLetters(letters: readonly DeadLetterRef[]): Promise<number>;
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
   * An exchange without reports that is held back until there may be something for the session, some seconds have passed, or the signal
   * aborts: what {@link listen} and then an exchange do. Only a store has it to which each call is a trip, and that can save one so.
   *
   * It may be executed some time after it was given up; then its number tells whether it counts. Repeat it by `exchange`, which does not wait.
   */
  standBy?(exchange: Exchange, signal: AbortSignal): Promise<ExchangeReply>;
  /**
   * Lays out the next instances of a map's body under the lease of its `expand`. Idempotent by its cursor: what lies before
   * the stored cursor is ignored. When the cursor reaches `count` the lease ends, and the map waits for its body.
   */
  expand(expansion: Expansion): Promise<ExpansionReply>;
  /**
   * Prolongs the session; answers what the worker has to know. `lost` means that its steps were given to others.
   *
   * The vitals are kept with it: the beats with the steps that they are of, until these run no more. A beat whose lease is not the
   * newest changes nothing, and is told as `stale`. Of a lost session nothing is kept. What is new in a beat is a `step.progress` event.
   */
  renew(session: string, vitals?: Vitals): Promise<Renewal>;
  /** Writes `worker.started` on the feed, once a session, while that is open. */
  announce(session: string, start: Omit<WorkerStart, "session">): Promise<void>;
  /**
   * Keeps lines that attempts have logged, as long as their run, and tells of each part with a `step.logged` event. A part that comes
   * again changes nothing; one of a run that is gone is ignored. At most {@link LOG_CALL_PARTS} parts, {@link LOG_CALL_BYTES} bytes.
   *
   * The fence says whose lines they are, and is not compared with the newest: lines of an attempt that timed out, or whose worker was
   * thought lost, are the history of that attempt, and change nothing else.
   */
  appendLogs(parts: readonly LogPart[]): Promise<void>;
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

/** What became due. */
export interface Promoted {
  readonly promoted: number;
  /** The time until the next timer. */
  readonly nextDueMs?: number | undefined;
  /** As {@link ExchangeReply.opensInMs}, where it opened a limit. */
  readonly opensInMs?: number | undefined;
}

export interface Upkeep {
  /** Makes steps whose timer is due ready, at most `limit`, and opens limits that nobody has asked. */
  promoteDue(limit: number): Promise<Promoted>;
  /**
   * Takes the steps of lost sessions back, at most `limit` steps. A session is lost when two sweeps, at least `sweepMs` apart,
   * found it expired, or at once when it is listed in `gone`, or in `unheard` and not renewed since. After a pause of more than two sweeps (the store or everybody was
   * away) all leases are extended once instead. The third loss of a step quarantines it: it settles as failed.
   */
  reapSessions(sweep: Sweep): Promise<Reaped>;
  /**
   * Looks which queues have ready steps and no open session that serves them, at most once in {@link WATCH_QUEUES_MS}, whoever asks.
   * Of one that has been so for {@link ORPHANED_AFTER_MS} it writes `queue.orphaned` on the feed, once, and `queue.served` when that is
   * over. Where nobody looked for longer than that, nobody knows what was meanwhile: what was not told yet begins anew.
   */
  watchQueues(): Promise<void>;
  /**
   * Deletes ended runs and dead letters beyond their retention, at most `limit` rows of them; `more` says that it was not all.
   * `purged` counts the runs. A run that is kept because of its dead letters goes with the last of them.
   */
  purge(retention: Retention, limit: number): Promise<{ readonly purged: number; readonly more: boolean }>;
  /**
   * Of the runs that were noted, at most `limit` of which nothing is kept (any more), and a day after they were noted those that
   * were never submitted: their blobs are to be deleted. They are told again and again until they are forgotten.
   */
  dueBlobs(limit: number): Promise<{ readonly runs: readonly string[]; readonly more: boolean }>;
  /**
   * Says that the blobs of runs are deleted. A run whose id is still remembered is told once more when that ends: an attempt that
   * knew nothing of the end may have written another.
   */
  forgetBlobs(runs: readonly string[]): Promise<void>;
}

export interface Looking {
  getRun(run: string): Promise<RunRecord | undefined>;
  /**
   * Newest first by submission. A call examines at most {@link EXAMINED_LIMIT} runs, so with a filter that few fit a page may be
   * short, or empty, and still have a `next`. Of scheduled, failed and cancelled runs it examines no others where it is asked for
   * them by state, and of a span of time none outside. Rejects with `cursor-invalid` for a `cursor` that is none of its own.
   */
  listRuns(query: RunQuery): Promise<{ readonly runs: RunRecord[]; readonly next?: string | undefined }>;
  /**
   * Dead letters, newest first. A call examines at most {@link EXAMINED_LIMIT}, and of a span of time none outside, so with a filter
   * a page may be short, or empty, and still have a `next`. Rejects with `cursor-invalid` for a `cursor` that is none of its own.
   */
  listDeadLetters(
    query: DeadLetterQuery,
  ): Promise<{ readonly letters: DeadLetterRecord[]; readonly next?: string | undefined }>;
  getDeadLetter(run: string, step: StepAddress): Promise<DeadLetterRecord | undefined>;
  /** How many dead letters each task has; tasks without are left out. O(tasks). */
  countDeadLetters(): Promise<DeadLetterCount[]>;
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
  /**
   * What attempts have logged, oldest first, across the steps of a run. A page may be short, or empty, and have `more`. Rejects with
   * `cursor-invalid` for an `after` that is none of its own.
   */
  readLogs(run: string, query: LogQuery): Promise<LogPage>;
  /** JSON texts by key (see `valueKey`), `null` where there is none; at most 500 keys a call. */
  readValues(run: string, keys: readonly string[]): Promise<Record<string, string | null>>;
  getPlan(hash: string): Promise<string | undefined>;
  /** The newest registration under a name, or that of one version, as long as the store has its plan. */
  findRegistration(name: string, plan?: string): Promise<RegistrationRecord | undefined>;
  /** The newest registration of each name, by name. */
  listRegistrations(): Promise<RegistrationHead[]>;
  /**
   * The versions of a name, newest first, at most {@link VERSIONS_KEPT}. One that is registered again is the newest again. Of the
   * newest the store has the plan in any case, of an older one as long as it keeps runs of it.
   */
  listVersions(name: string): Promise<VersionRecord[]>;
  listQueues(): Promise<QueueRecord[]>;
  /** The open sessions, the oldest first, at most 10,000; with a query it costs what that finds, however many others there are. */
  listWorkers(query?: WorkerQuery): Promise<WorkerRecord[]>;
  /** How long successful attempts of some tasks took lately; tasks that nobody has told of are left out. At most 500 a call. */
  readDurations(tasks: readonly string[]): Promise<Record<string, DurationSummary>>;
  /** The store's time, in milliseconds since 1970. */
  readTime(): Promise<number>;
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
