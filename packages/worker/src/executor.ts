import {
  type AnyTask,
  type Follow,
  followOf,
  type Report,
  resolveEdited,
  resolveWiring,
  type StepSpec,
  type TaskLog,
  type TaskStep,
} from "@jobbers/core";
import { Attempt, type OnOver, taskStepOf } from "./attempt.js";
import type { AttemptLogs } from "./attempt-logs.js";
import type { Batches, Seat } from "./batches.js";
import { Berth, type Bulkheads, type Granted } from "./bulkheads.js";
import type { Bulletins } from "./bulletins.js";
import { Clocks } from "./clocks.js";
import type { Observer } from "./events.js";
import { failureOf } from "./failure.js";
import { type Finder, type Found, Unfit } from "./finder.js";
import type { HookCalls } from "./hooks.js";
import type { Ledger } from "./ledger.js";
import { GaveUp } from "./persistence.js";
import { errorText, type Reporter } from "./reporter.js";
import { type Runner, Written, withInput } from "./runner.js";
import type { Slots } from "./slots.js";
import { encodeOutput, refuseInput } from "./task-io.js";
import type { Usual } from "./usual.js";
import type { Values } from "./values.js";

export interface ExecutorOptions {
  readonly tasks: ReadonlyMap<string, AnyTask>;
  readonly runner: Runner;
  readonly finder: Finder;
  readonly ledger: Ledger;
  readonly reporter: Reporter;
  readonly slots: Slots;
  readonly bulkheads: Bulkheads;
  readonly batches: Batches;
  readonly bulletins: Bulletins;
  readonly logs: Pick<AttemptLogs, "urge">;
  readonly log: TaskLog;
  readonly random: () => number;
  readonly values: Pick<Values, "keep">;
  readonly usual: Usual;
  /** True where a step's only child is not handed straight on. */
  readonly hops: (successor: StepSpec, step: TaskStep) => boolean;
  /** How large an output may be, in bytes of JSON. */
  readonly maxOutputBytes: number;
  /** How long a handler whose run was cancelled may go on before its step ends without it, in milliseconds. */
  readonly abandonAfterMs: number;
  /** None where no task and no worker option declares one. */
  readonly hooks: HookCalls | undefined;
  readonly observe: Observer | undefined;
  /** An attempt has ended, and its handler has returned. */
  readonly onEnded: (attempt: Attempt) => void;
  /** A handler has returned, with so many steps, and its slot is free. */
  readonly onReturned: (steps: number) => void;
}

const BEGINS = Promise.resolve();

/** Runs attempts, each in a slot, and reports each once. */
export class Executor {
  readonly #options: ExecutorOptions;
  readonly #running = new Map<Attempt, Promise<void>>();
  readonly #clocks = new Clocks(this.#running);

  readonly #onSign: (attempt: Attempt) => void;

  constructor(options: ExecutorOptions) {
    this.#options = options;
    this.#onSign = (attempt) => options.bulletins.note(attempt);
  }

  /** Every attempt whose handler has not returned. */
  get running(): Iterable<Attempt> {
    return this.#running.keys();
  }

  /** Resolves when the handlers of this moment have all returned. */
  async whenIdle(): Promise<void> {
    await Promise.all(this.#running.values());
  }

  /** True where there is room for some step to begin. */
  get mayAdmit(): boolean {
    return this.#options.slots.free > 0 || this.#options.batches.isOpen;
  }

  /** True where a step may begin now; one that would overtake others only where it needs no slot of its own. */
  admits(grant: Granted, overtakes = false): boolean {
    const { batches, tasks, bulkheads } = this.#options;
    return (
      batches.admits(tasks.get(grant.needs)) || (!overtakes && bulkheads.berthOf(grant).full === undefined)
    );
  }

  /** Starts an attempt; never throws. */
  start(grant: Granted): void {
    const { tasks, ledger, batches, bulkheads } = this.#options;
    const task = tasks.get(grant.needs);
    const attempt = new Attempt(grant, task, this.#onSign);
    ledger.add(attempt);
    const seat = task?.batch && batches.seat(attempt, task);
    const berth = seat ?? bulkheads.berthOf(grant);
    if (berth instanceof Berth) berth.take();
    // It is noted before it begins: its handler may ask at once who runs.
    this.#running.set(attempt, BEGINS);
    this.#running.set(attempt, this.#run(attempt, berth));
  }

  /** Aborts the attempts of a run that is being cancelled, which may be told again and again. */
  cancel(run: string): void {
    const { abandonAfterMs } = this.#options;
    for (const attempt of this.#running.keys()) {
      if (attempt.lease.run === run) attempt.cancel(abandonAfterMs, () => this.#leave(attempt));
    }
    this.#options.batches.sweep();
  }

  /** Aborts every attempt; they are given back as they return. */
  abortAll(reason: "lost" | "released", message: string): void {
    for (const attempt of this.#running.keys()) attempt.abort(reason, message);
    this.#options.batches.sweep();
  }

  /** Gives back, without waiting for their handlers, all attempts that were not reported yet. */
  releaseAll(): void {
    // Of those that come first again, the one given back last is the first.
    for (const attempt of [...this.#running.keys()].toReversed()) this.#release(attempt);
  }

  /** Never rejects. Small handlers come by the thousand, so nothing is awaited that is at hand. */
  async #run(attempt: Attempt, place: Seat | Berth): Promise<void> {
    const { finder, onReturned, onEnded } = this.#options;
    const seat = place instanceof Berth ? undefined : place;
    let found: Found | undefined;
    try {
      const looked = finder.find(attempt.grant);
      found = looked instanceof Promise ? await looked : looked;
      await this.#execute(attempt, found, seat);
    } catch (thrown) {
      await this.#heal(attempt, found, thrown);
    } finally {
      // Should anything of ours have thrown, the step still goes back.
      this.#release(attempt);
      this.#running.delete(attempt);
      seat?.leave();
      onEnded(attempt);
      if (place instanceof Berth) {
        place.release();
        onReturned(1);
      }
    }
  }

  async #heal(attempt: Attempt, found: Found | undefined, thrown: unknown): Promise<void> {
    if (thrown instanceof Unfit) await this.#giveUp(attempt, thrown);
    else if (found && !(thrown instanceof GaveUp)) this.#fail(attempt, found, thrown);
    else this.#options.log.debug("an attempt was not started", { error: String(thrown) });
  }

  async #execute(attempt: Attempt, found: Found, seat: Seat | undefined): Promise<void> {
    const { runner, hooks } = this.#options;
    const { task, grant } = attempt;
    const step = taskStepOf(found.located);
    if (!step) throw new Unfit("never", `step "${grant.lease.address}" is not a task's`);
    if (!task) throw new Unfit("elsewhere", `no task "${grant.needs}" is registered here`);
    const resolved = grant.edited
      ? resolveEdited(found.scene, grant.lease.address)
      : resolveWiring(found.scene, step.input);
    const raw = resolved instanceof Promise ? await resolved.catch(refuseInput) : resolved;
    if (attempt.aborted || attempt.reported) return this.#release(attempt);
    const onOver: OnOver = (reason, message) => this.#abandon(attempt, found, reason, message);
    // The time of a batch begins with its call.
    if (!seat) attempt.watchTime(step, onOver);
    this.#clocks.note(attempt);
    let hasBegun = false;
    const begins = () => {
      if (attempt.reported) return;
      hasBegun = true;
      if (seat) attempt.watchTime(step, onOver);
      attempt.watchSilence(step, onOver);
      this.#clocks.note(attempt);
      this.#tell("started", attempt, task);
      hooks?.started(attempt, task, step);
    };
    try {
      const call = { attempt, task, raw, begins };
      const answer: unknown = await (seat
        ? withInput(call, (input) => seat.join(input, begins))
        : runner.run(call));
      const text =
        answer instanceof Written
          ? answer.text
          : encodeOutput(answer, task.name, this.#options.maxOutputBytes);
      const kept = this.#options.values.keep(grant.lease.run, grant.lease.address, text);
      const isFirst = this.#report(attempt, {
        type: "succeeded",
        lease: grant.lease,
        output: kept instanceof Promise ? await kept : kept,
        follow: this.#follow(found),
      });
      if (isFirst)
        hooks?.succeeded(attempt, task, answer instanceof Written ? JSON.parse(answer.text) : answer);
    } finally {
      if (hasBegun) this.#tell("returned", attempt, task);
    }
  }

  /** The time of an attempt is over: its handler has to see for itself, the step goes on without it. */
  #abandon(attempt: Attempt, found: Found, reason: "timeout" | "frozen", message: string): void {
    // One that was cancelled or disowned before, and does not heed it, is no longer waited for.
    if (attempt.aborted) this.#release(attempt);
    attempt.abort(reason, message);
    this.#fail(attempt, found, attempt.aborted);
  }

  #fail(attempt: Attempt, found: Found, thrown: unknown): void {
    if (attempt.reported) return;
    // Given up because the run was cancelled, the lease has ended or the worker stops: that is no failure of the step.
    if (attempt.aborted && !attempt.isOver) this.#release(attempt);
    else this.#reportFailure(attempt, found, thrown);
  }

  #reportFailure(attempt: Attempt, found: Found, thrown: unknown): void {
    const step = found.located.step as TaskStep;
    const { report, ...told } = failureOf(attempt, step, thrown, {
      ...this.#options,
      follow: () => this.#follow(found),
    });
    this.#report(attempt, report);
    if (attempt.task) this.#options.hooks?.failed(attempt, attempt.task, step, told);
  }

  /** What follows; an only child may have to stand in its line. */
  #follow({ index, located }: Found): Follow {
    const follow = followOf(index, located);
    const [only, ...others] = follow.successors.items;
    if (!only?.inline || others.length > 0) return follow;
    return this.#options.hops(only, index.step(only.name) as TaskStep) ? { ...follow, hop: true } : follow;
  }

  async #giveUp(attempt: Attempt, unfit: Unfit): Promise<void> {
    if (unfit.fate === "elsewhere") {
      await this.#options.finder.park(unfit, attempt.grant);
      return this.#release(attempt);
    }
    const { lease } = attempt.grant;
    this.#options.log.error("a step does not fit its plan", {
      run: lease.run,
      step: lease.address,
      error: unfit.message,
    });
    const follow = { successors: { items: [] } };
    this.#report(attempt, { type: "failed", lease, error: errorText(unfit), reason: "error", follow });
  }

  /** A handler is deaf to its signal: the run is to end all the same. */
  #leave(attempt: Attempt): void {
    const { run, address: step } = attempt.lease;
    this.#options.log.warn("a handler goes on although its run was cancelled; its step ends without it", {
      ...{ run, step, forMs: this.#options.abandonAfterMs },
    });
    this.#release(attempt);
  }

  #release(attempt: Attempt): void {
    const first = attempt.aborted?.reason === "released";
    if (this.#report(attempt, { type: "released", lease: attempt.grant.lease, first }))
      this.#options.hooks?.released(attempt);
  }

  /** False where the attempt has been reported already. */
  #report(attempt: Attempt, report: Report): boolean {
    if (attempt.reported) return false;
    attempt.reported = true;
    attempt.unwatch();
    const { bulletins, logs, reporter, usual } = this.#options;
    bulletins.forget(attempt);
    logs.urge(attempt);
    if (report.type === "succeeded") {
      const tookMs = performance.now() - attempt.startedMs;
      bulletins.took(attempt.grant.needs, tookMs);
      usual.took(attempt.grant.needs, tookMs);
    }
    reporter.last(attempt, report);
    return true;
  }

  #tell(type: "started" | "returned", { grant: { lease } }: Attempt, task: AnyTask): void {
    if (!this.#options.observe) return;
    const { run, address: step, fence: attempt } = lease;
    this.#options.observe?.({ type, run, step, task: task.name, attempt });
  }
}
