import { type AnyTask, resolveEdited, resolveWiring, type TaskStep } from "@jobbers/core";
import { Attempt, type AttemptMinder, taskStepOf } from "./attempt.js";
import { type Batches, joinBatch } from "./batches.js";
import type { Berth, Granted } from "./bulkheads.js";
import { Clocks } from "./clocks.js";
import type { Observer } from "./events.js";
import { type Finder, type Found, Unfit } from "./finder.js";
import type { Ledger } from "./ledger.js";
import { Outcomes, type OutcomesOptions } from "./outcomes.js";
import { GaveUp } from "./persistence.js";
import { type Runner, Written } from "./runner.js";
import type { Slots } from "./slots.js";
import { encodeOutput, refuseInput } from "./task-io.js";
import { UnderWay } from "./under-way.js";
import type { Values } from "./values.js";

export interface ExecutorOptions extends OutcomesOptions {
  readonly tasks: ReadonlyMap<string, AnyTask>;
  readonly runner: Runner;
  readonly finder: Finder;
  readonly ledger: Ledger;
  readonly slots: Slots;
  readonly batches: Batches;
  readonly values: Pick<Values, "keep">;
  /** How large an output may be, in bytes of JSON. */
  readonly maxOutputBytes: number;
  /** How long a handler whose run was cancelled may go on before its step ends without it, in milliseconds. */
  readonly abandonAfterMs: number;
  readonly observe: Observer | undefined;
  /** An attempt has ended, and its handler has returned. */
  readonly onEnded: (attempt: Attempt) => void;
  /** A handler has returned, with so many steps, and its slot is free. */
  readonly onReturned: (steps: number) => void;
}

/** Runs attempts, each in a slot. */
export class Executor {
  readonly #options: ExecutorOptions;
  readonly #outcomes: Outcomes;
  readonly #underWay: UnderWay;
  readonly #clocks: Clocks;
  readonly #minder: AttemptMinder;

  constructor(options: ExecutorOptions) {
    this.#options = options;
    this.#outcomes = new Outcomes(options);
    this.#underWay = new UnderWay(options.ledger);
    this.#clocks = new Clocks(options.ledger);
    this.#minder = {
      began: (attempt) => this.#began(attempt),
      signed: (attempt) => options.bulletins.note(attempt),
      over: (attempt, reason, message) => this.#abandon(attempt, reason, message),
    };
  }

  /** Every attempt whose handler has not returned, the oldest first. */
  get running(): Attempt[] {
    return this.#underWay.all;
  }

  /** Resolves when the handlers of this moment have all returned. */
  whenIdle(): Promise<void> {
    return this.#underWay.whenIdle();
  }

  /** True where there is room for some step to begin. */
  get mayAdmit(): boolean {
    return this.#options.slots.free > 0 || this.#options.batches.isOpen;
  }

  /** True where a step may begin now; one that would overtake others only where it needs no slot of its own. */
  admits({ needs }: Granted, berth: Berth, overtakes = false): boolean {
    const { batches, tasks } = this.#options;
    return batches.admits(tasks.get(needs)) || (!overtakes && berth.full === undefined);
  }

  /** Starts an attempt; never throws. */
  start(grant: Granted, berth: Berth): void {
    const { tasks, ledger, batches } = this.#options;
    const task = tasks.get(grant.needs);
    const attempt = new Attempt(grant, task, this.#minder);
    // It is noted before it begins: its handler may ask at once who runs.
    ledger.add(attempt);
    if (task?.batch) attempt.seat = batches.seat(attempt, task);
    else {
      attempt.berth = berth;
      berth.take();
    }
    this.#run(attempt);
  }

  /** Aborts the attempts of a run that is being cancelled, which may be told again and again. */
  cancel(run: string): void {
    const { abandonAfterMs } = this.#options;
    for (const attempt of this.running) {
      if (attempt.lease.run === run) attempt.cancel(abandonAfterMs, () => this.#leave(attempt));
    }
    this.#options.batches.sweep();
  }

  /** Aborts every attempt; they are given back as they return. */
  abortAll(reason: "lost" | "released", message: string): void {
    for (const attempt of this.running) attempt.abort(reason, message);
    this.#options.batches.sweep();
  }

  /** Gives back, without waiting for their handlers, all attempts that were not reported yet. */
  releaseAll(): void {
    // Of those that come first again, the one given back last is the first.
    for (const attempt of this.running.reverse()) {
      this.#underWay.abandon(attempt);
      this.#outcomes.release(attempt);
    }
  }

  /**
   * Small handlers come by the thousand: nothing is awaited here that is at hand, and the handler's promise is the only one. What is
   * thrown at once is told later all the same, for who starts attempts is not to find them ended.
   */
  #run(attempt: Attempt): void {
    let answer: unknown;
    try {
      const found = this.#options.finder.find(attempt.grant);
      answer = found instanceof Promise ? this.#prepareLater(attempt, found) : this.#prepare(attempt, found);
    } catch (thrown) {
      answer = Promise.reject(thrown);
    }
    Promise.resolve(answer).then(
      (output) => this.#returned(attempt, output),
      (thrown) => this.#threw(attempt, thrown),
    );
  }

  async #prepareLater(attempt: Attempt, found: Promise<Found>): Promise<unknown> {
    return this.#prepare(attempt, await found);
  }

  /** Puts the input together and calls the handler. */
  #prepare(attempt: Attempt, found: Found): unknown {
    const { grant, task } = attempt;
    const step = taskStepOf(found.located);
    attempt.found = found;
    if (!step) throw new Unfit("never", `step "${grant.lease.address}" is not a task's`);
    if (!task) throw new Unfit("elsewhere", `no task "${grant.needs}" is registered here`);
    const raw = grant.edited ? resolveEdited(found, grant.lease.address) : resolveWiring(found, step.input);
    return raw instanceof Promise
      ? this.#callLater(attempt, task, step, raw)
      : this.#call(attempt, task, step, raw);
  }

  async #callLater(attempt: Attempt, task: AnyTask, step: TaskStep, raw: Promise<unknown>): Promise<unknown> {
    return this.#call(attempt, task, step, await raw.catch(refuseInput));
  }

  #call(attempt: Attempt, task: AnyTask, step: TaskStep, raw: unknown): unknown {
    if (attempt.aborted || attempt.reported) return this.#outcomes.release(attempt);
    const call = { attempt, task, raw };
    // The time of a batch begins with its call.
    if (attempt.seat) return joinBatch(attempt.seat, call);
    attempt.watchTime(step);
    this.#clocks.note(attempt);
    return this.#options.runner.run(call);
  }

  /** The handler of an attempt begins. */
  #began(attempt: Attempt): void {
    const { task, found } = attempt;
    if (!task || !found) return;
    const step = found.located.step as TaskStep;
    if (attempt.seat) attempt.watchTime(step);
    attempt.watchSilence(step);
    this.#clocks.note(attempt);
    this.#tell("started", attempt, task);
    this.#options.hooks?.started(attempt, task, step);
  }

  /** A handler has answered. */
  #returned(attempt: Attempt, answer: unknown): void {
    try {
      if (!attempt.reported) {
        const output = this.#kept(attempt, answer);
        if (output instanceof Promise) {
          void this.#succeedLater(attempt, answer, output);
          return;
        }
        this.#outcomes.succeed(attempt, answer, output);
      }
    } catch (thrown) {
      this.#threw(attempt, thrown);
      return;
    }
    this.#end(attempt);
  }

  /** The text to report for an answer. */
  #kept({ grant, task }: Attempt, answer: unknown): string | Promise<string> {
    const { values, maxOutputBytes } = this.#options;
    const { run, address } = grant.lease;
    const text =
      answer instanceof Written
        ? answer.text
        : encodeOutput(answer, task?.name ?? grant.needs, maxOutputBytes);
    return values.keep(run, address, text);
  }

  async #succeedLater(attempt: Attempt, answer: unknown, output: Promise<string>): Promise<void> {
    try {
      this.#outcomes.succeed(attempt, answer, await output);
    } catch (thrown) {
      this.#threw(attempt, thrown);
      return;
    }
    this.#end(attempt);
  }

  /** A handler has thrown, or could not be called. */
  #threw(attempt: Attempt, thrown: unknown): void {
    if (thrown instanceof Unfit && thrown.fate === "elsewhere") {
      void this.#park(attempt, thrown);
      return;
    }
    try {
      if (thrown instanceof Unfit) this.#outcomes.misfit(attempt, thrown);
      else if (attempt.found && !(thrown instanceof GaveUp))
        this.#outcomes.fail(attempt, attempt.found, thrown);
      else this.#options.log.debug("an attempt was not started", { error: String(thrown) });
    } finally {
      this.#end(attempt);
    }
  }

  async #park(attempt: Attempt, unfit: Unfit): Promise<void> {
    try {
      await this.#options.finder.park(unfit, attempt.grant);
    } finally {
      this.#end(attempt);
    }
  }

  /** Nothing of an attempt runs any more. */
  #end(attempt: Attempt): void {
    const { onEnded, onReturned } = this.#options;
    const { task, berth, seat } = attempt;
    if (attempt.hasBegun && task) this.#tell("returned", attempt, task);
    // It was not called, or something of ours has thrown: the step goes back.
    this.#outcomes.release(attempt);
    this.#underWay.end(attempt);
    seat?.leave();
    onEnded(attempt);
    if (!berth) return;
    berth.release();
    onReturned(1);
  }

  /** The time of an attempt is over: its handler has to see for itself, the step goes on without it. */
  #abandon(attempt: Attempt, reason: "timeout" | "frozen", message: string): void {
    this.#underWay.abandon(attempt);
    // One that was cancelled or disowned before, and does not heed it, is no longer waited for.
    if (attempt.aborted) this.#outcomes.release(attempt);
    attempt.abort(reason, message);
    this.#outcomes.fail(attempt, attempt.found as Found, attempt.aborted);
  }

  /** A handler is deaf to its signal: the run is to end all the same. */
  #leave(attempt: Attempt): void {
    const { run, address: step } = attempt.lease;
    this.#underWay.abandon(attempt);
    this.#options.log.warn("a handler goes on although its run was cancelled; its step ends without it", {
      ...{ run, step, forMs: this.#options.abandonAfterMs },
    });
    this.#outcomes.release(attempt);
  }

  #tell(type: "started" | "returned", { grant: { lease } }: Attempt, task: AnyTask): void {
    if (!this.#options.observe) return;
    const { run, address: step, fence: attempt } = lease;
    this.#options.observe?.({ type, run, step, task: task.name, attempt });
  }
}
