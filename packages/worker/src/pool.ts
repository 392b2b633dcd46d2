import { setMaxListeners } from "node:events";
import {
  type ExchangeReply,
  type Grant,
  JobbersError,
  type Mail,
  type RoleRecord,
  type StepSpec,
} from "@jobbers/core";
import { Asks } from "./asks.js";
import { AttemptLogs } from "./attempt-logs.js";
import { Backlog } from "./backlog.js";
import { Batches } from "./batches.js";
import { Bulkheads, type Granted } from "./bulkheads.js";
import { Bulletins } from "./bulletins.js";
import type { Throttle } from "./context.js";
import { Control } from "./control.js";
import { Doorway } from "./doorway.js";
import { Executor } from "./executor.js";
import { Expander } from "./expander.js";
import { Finder } from "./finder.js";
import { createHookCalls, type HookCalls } from "./hooks.js";
import { Lane } from "./lane.js";
import { Ledger } from "./ledger.js";
import { openKeeper } from "./open-keeper.js";
import type { Settings } from "./options.js";
import { Outbox } from "./outbox.js";
import { Pace } from "./pace.js";
import { type Asker, untilAnswered } from "./persistence.js";
import { Plans } from "./plans.js";
import { Reporter } from "./reporter.js";
import { followRole, readRole } from "./role.js";
import { Runners } from "./runners.js";
import { Serving } from "./serving.js";
import type { SessionKeeper } from "./session.js";
import { Slots } from "./slots.js";
import { Spreader } from "./spreader.js";
import { guardStrays } from "./stray.js";
import { Usual } from "./usual.js";
import { valueAccess } from "./value-access.js";
import { Values } from "./values.js";

/** The most control steps that are worked on at a time. */
const MAX_CONTROL = 64;

/** The most steps that one exchange asks for. */
const MAX_SLOTS = 500;

/** One life of a worker, from its session's opening to its closing: the parts, and how they are wired. */
export class Pool {
  readonly ledger = new Ledger();
  readonly serving: Serving;
  readonly bulletins = new Bulletins(() => {
    const { capacity: slots, taken: running, waiting } = this.slots;
    return { slots, running, waiting };
  });
  readonly pace = new Pace();
  readonly slots: Slots;
  readonly bulkheads: Bulkheads;
  readonly asks: Asks;
  readonly batches: Batches;
  readonly logs: AttemptLogs;
  readonly backlog: Backlog;
  readonly outbox: Outbox;
  readonly #doorway = new Doorway();
  readonly reporter: Reporter;
  readonly usual = new Usual();
  readonly hooks: HookCalls | undefined;
  readonly runners: Runners;
  readonly executor: Executor;
  readonly control: Control;
  readonly lanes: readonly Lane[];
  readonly keeper: SessionKeeper;
  /** Aborts when nothing new is taken any more. */
  readonly stopping = new AbortController();
  readonly #settings: Settings;
  readonly #ending: AbortController;
  readonly #running: Promise<unknown>;
  readonly #unguard: () => void;

  private constructor(
    settings: Settings,
    ending: AbortController,
    { serving, role, keeper }: { serving: Serving; role: RoleRecord | undefined; keeper: SessionKeeper },
  ) {
    const { store, registry, random, log, deps, observe, abandonAfterMs, environment } = settings;
    this.#settings = settings;
    this.#ending = ending;
    this.serving = serving;
    const asker: Asker = { random, log, signal: ending.signal };
    // Every step that waits for the store listens to these.
    setMaxListeners(0, ending.signal, this.stopping.signal);
    const onFreed = () => this.#wakeOne();
    const { concurrency } = settings;
    this.slots = new Slots(concurrency, () =>
      this.backlog.closed ? -concurrency : this.pace.ahead + this.batches.room,
    );
    this.bulkheads = new Bulkheads(this.slots, registry.tasks, settings.bulkheads);
    this.asks = new Asks({
      ...{ slots: this.slots, bulkheads: this.bulkheads, queues: () => serving.queues, onRoom: onFreed },
      queuesOf: (task) => registry.queuesOf.get(task) ?? [],
      maxSlots: () => Math.min(MAX_SLOTS, Math.ceil(this.slots.limit / settings.lanes)),
    });
    const onReturned = (steps: number) => {
      this.pace.returned(steps);
      this.backlog.next();
      onFreed();
    };
    const { keepLogs } = settings;
    this.logs = new AttemptLogs({ store, log, keepLogs, asker });
    this.batches = new Batches({ bulkheads: this.bulkheads, deps, log, logs: this.logs, onReturned });
    this.outbox = new Outbox(onFreed);
    this.reporter = new Reporter(this.outbox, this.ledger, log, observe);
    this.backlog = new Backlog({
      ...{ slots: this.slots, pace: this.pace, ledger: this.ledger, reporter: this.reporter },
      bulkheads: this.bulkheads,
      asks: () => this.asks,
      executor: () => this.executor,
      onRoom: onFreed,
    });
    const plans = new Plans(settings.workflows, store);
    const values = new Values(valueAccess(store, asker));
    const shared = {
      ...{ ledger: this.ledger, reporter: this.reporter, bulletins: this.bulletins, logs: this.logs, log },
      finder: new Finder(plans, values, asker, this.stopping.signal, settings.maxOutputBytes),
      values,
    };
    const expander = new Expander({
      ...asker,
      store,
      values,
      spreader: new Spreader({ ...asker, store, dags: registry.dags }),
      session: () => this.keeper.id,
      stopping: this.stopping.signal,
    });
    const throttle: Throttle = (throttling) =>
      untilAnswered("throttle", () => store.throttle(throttling), asker);
    this.hooks = createHookCalls(registry.tasks.values(), settings.hooks, log);
    const capacity = settings.concurrency;
    const { maxOutputBytes } = settings;
    this.runners = new Runners({
      ...{ deps, log, logs: this.logs, capacity, abandonAfterMs, maxOutputBytes, environment, throttle },
    });
    this.executor = new Executor({
      ...{ ...shared, hooks: this.hooks, slots: this.slots, runner: this.runners },
      ...{ tasks: registry.tasks, random, abandonAfterMs, observe },
      maxOutputBytes,
      usual: this.usual,
      hops: (successor, { inline }) => inline !== "always" && this.#isHeldUp(successor),
      ...{ batches: this.batches, onReturned, onEnded: (attempt) => this.backlog.ended(attempt) },
    });
    this.control = new Control({
      ...{ ...shared, dags: registry.dags, tasks: registry.tasks, expander, asker, onFreed },
      fairQueues: registry.fairQueues,
    });
    this.lanes = Array.from({ length: settings.lanes }, (_, i) => this.#lane(i, asker));
    this.keeper = keeper;
    this.#unguard = guardStrays(log);
    const learning = settings.inline && this.usual.keepAsking(store, [...registry.tasks.keys()], asker);
    const following = role && this.#follow(role, asker);
    this.#running = Promise.all([learning, following, ...this.lanes.map((lane) => lane.run())]);
  }

  /** Opens a session and starts taking steps; rejects when the store does not answer. */
  static async open(settings: Settings, signal: AbortSignal): Promise<Pool> {
    const ending = new AbortController();
    let pool: Pool | undefined;
    const serving = new Serving(settings.queues);
    const role = settings.role === undefined ? undefined : await readRole(settings.store, settings.role);
    if (role) serving.play(role.queues);
    const signals = { stopping: signal, ending: ending.signal };
    const keeper = await openKeeper(settings, serving, signals, () => pool);
    pool = new Pool(settings, ending, { serving, role, keeper });
    settings.observe?.({ type: "session", what: "opened", session: keeper.id });
    return pool;
  }

  /** True when the pool ended by itself, because the store was closed. */
  get ended(): boolean {
    return this.#ending.signal.aborted;
  }

  /** Takes nothing new; what runs goes on. */
  quiet(): void {
    this.stopping.abort();
    this.backlog.giveBack();
    this.batches.hurry();
    this.wakeAll();
  }

  /** Ends the exchanges, and what runs outside of this thread; resolves when nothing of it is under way any more. */
  async end(): Promise<void> {
    this.quiet();
    this.#ending.abort();
    await Promise.all([this.#running, this.keeper.stop(), this.runners.close()]);
    // Handlers that ran on may leave something behind yet.
    void this.executor.whenIdle().then(this.#unguard);
  }

  wakeAll(): void {
    for (const lane of this.lanes) lane.wake();
  }

  hearMail(mail: readonly Mail[]): void {
    for (const { type, run } of mail) {
      if (type !== "cancel") continue;
      this.backlog.giveBack(run);
      this.executor.cancel(run);
    }
  }

  /** What this worker holds may be another's. */
  disown(message: string): void {
    this.backlog.giveBack();
    this.executor.abortAll("lost", message);
  }

  /** True for a step that would keep its parent's slot for long, or whose place is another. */
  #isHeldUp({ needs, queue }: StepSpec): boolean {
    return this.usual.isLong(needs) || this.bulkheads.concerns(needs, queue);
  }

  #follow(role: RoleRecord, asker: Asker): Promise<void> {
    const { store } = this.#settings;
    const options = {
      ...{ store, asker, name: role.name, serving: this.serving },
      session: () => this.keeper.id,
      onChange: () => this.wakeAll(),
    };
    return followRole(options, role);
  }

  #wakeOne(): void {
    const lane = this.lanes.find(({ inFlight }) => !inFlight) ?? this.lanes[0];
    lane?.wake();
  }

  #lane(number: number, asker: Asker): Lane {
    const { store, inline } = this.#settings;
    return new Lane(number, {
      ...{
        store,
        outbox: this.outbox,
        doorway: this.#doorway,
        slots: this.slots,
        asks: this.asks,
        serving: this.serving,
        inline,
        asker,
      },
      session: () => this.keeper.id,
      sessionLost: (session, surely) => this.keeper.lost(session, surely),
      controlRoom: () => Math.max(0, MAX_CONTROL - this.control.busy),
      closed: () => this.stopping.signal.aborted || !this.keeper.trusted,
      onPlenty: () => this.lanes.find(({ idle }) => idle)?.wake(),
      beforeReports: () => this.logs.beforeReports(),
      receive: (reply, queue) => this.#receive(reply, queue),
      broken: (error) => this.#broken(error),
    });
  }

  #receive({ mail, grants }: ExchangeReply, queue: string | undefined): void {
    // Those that were on their way when the worker was told to stop go back, the oldest last, so that it is the first again. So do those that
    // lay there while all of it stood still: others may have them by now.
    if (this.stopping.signal.aborted || !this.keeper.vouches)
      for (const grant of grants.toReversed()) this.#giveBack(grant);
    else for (const grant of grants) this.#start(queue === undefined ? grant : { ...grant, queue });
    this.hearMail(mail);
  }

  #start(grant: Granted): void {
    if (grant.phase === "run") this.batches.note(this.#settings.registry.tasks.get(grant.needs));
    if (grant.phase === "run") this.backlog.receive(grant);
    else this.control.start(grant);
  }

  #giveBack({ lease }: Grant): void {
    const holding = { lease, place: -1, disown: () => {} };
    this.ledger.add(holding);
    this.reporter.last(holding, { type: "released", lease, first: true });
  }

  #broken(error: Error): void {
    const { log } = this.#settings;
    log.error("the store refuses this worker's exchanges", { error: error.message });
    if (!(error instanceof JobbersError && error.code === "store-closed")) return;
    this.disown("the store was closed");
    void this.end();
  }
}
