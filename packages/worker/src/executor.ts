import {
  type AnyTask,
  encodeJson,
  followOf,
  type Grant,
  JobbersError,
  parseSoon,
  type Report,
  resolveWiring,
  retryDelayMs,
  type StepReason,
  type TaskLog,
  type TaskStep,
} from "@jobbers/core";
import { Attempt, taskStepOf } from "./attempt.js";
import type { Bulletins } from "./bulletins.js";
import { createContext } from "./context.js";
import type { Observer } from "./events.js";
import { type Finder, type Found, Unfit } from "./finder.js";
import type { Ledger } from "./ledger.js";
import { GaveUp } from "./persistence.js";
import { errorText, type Reporter } from "./reporter.js";
import type { Slots } from "./slots.js";

/** The largest output that a step may have, in bytes of JSON. */
export const MAX_OUTPUT_BYTES = 16 * 1024 * 1024;

export interface ExecutorOptions {
  readonly tasks: ReadonlyMap<string, AnyTask>;
  readonly deps: unknown;
  readonly finder: Finder;
  readonly ledger: Ledger;
  readonly reporter: Reporter;
  readonly slots: Slots;
  readonly bulletins: Bulletins;
  readonly log: TaskLog;
  readonly random: () => number;
  readonly observe: Observer | undefined;
  /** A slot was freed without a report. */
  readonly onFreed: () => void;
}

const BEGINS = Promise.resolve();

/** A failure that another try would not change. */
class Final {
  constructor(
    readonly thrown: unknown,
    readonly reason: StepReason,
  ) {}
}

/** Runs attempts, each in a slot, and reports each once. */
export class Executor {
  readonly #options: ExecutorOptions;
  readonly #running = new Map<Attempt, Promise<void>>();

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

  /** Starts an attempt; never throws. */
  start(grant: Grant): void {
    const { tasks, ledger, slots } = this.#options;
    const attempt = new Attempt(grant, tasks.get(grant.needs), this.#onSign);
    ledger.add(attempt);
    slots.take();
    // It is noted before it begins: its handler may ask at once who runs.
    this.#running.set(attempt, BEGINS);
    this.#running.set(attempt, this.#run(attempt));
  }

  /** Aborts the attempts of a run that is being cancelled. */
  cancel(run: string): void {
    for (const attempt of this.#running.keys()) {
      if (attempt.lease.run === run) attempt.abort("cancelled", "the run was cancelled");
    }
  }

  /** Aborts every attempt; they are given back as they return. */
  abortAll(reason: "lost" | "released", message: string): void {
    for (const attempt of this.#running.keys()) attempt.abort(reason, message);
  }

  /** Gives back, without waiting for their handlers, all attempts that were not reported yet. */
  releaseAll(): void {
    for (const attempt of this.#running.keys()) this.#release(attempt);
  }

  /** Never rejects. Small handlers come by the thousand, so nothing is awaited that is at hand. */
  async #run(attempt: Attempt): Promise<void> {
    const { finder, slots, onFreed } = this.#options;
    let found: Found | undefined;
    try {
      const looked = finder.find(attempt.grant);
      found = looked instanceof Promise ? await looked : looked;
      await this.#execute(attempt, found);
    } catch (thrown) {
      await this.#heal(attempt, found, thrown);
    } finally {
      // Should anything of ours have thrown, the step still goes back.
      this.#release(attempt);
      this.#running.delete(attempt);
      slots.release();
      onFreed();
    }
  }

  async #heal(attempt: Attempt, found: Found | undefined, thrown: unknown): Promise<void> {
    if (thrown instanceof Unfit) await this.#giveUp(attempt, thrown);
    else if (found && !(thrown instanceof GaveUp)) this.#fail(attempt, found, thrown);
    else this.#options.log.debug("an attempt was not started", { error: String(thrown) });
  }

  async #execute(attempt: Attempt, found: Found): Promise<void> {
    const { deps, log } = this.#options;
    const { task, grant } = attempt;
    const step = taskStepOf(found.located);
    if (!step) throw new Unfit("never", `step "${grant.lease.address}" is not a task's`);
    if (!task) throw new Unfit("elsewhere", `no task "${grant.needs}" is registered here`);
    const resolved = resolveWiring(found.scene, step.input);
    const raw = resolved instanceof Promise ? await resolved : resolved;
    if (attempt.aborted || attempt.reported) return this.#release(attempt);
    attempt.watch(step, (reason, message) => this.#abandon(attempt, found, reason, message));
    const parsed = parseInput(task, raw);
    const input = parsed instanceof Promise ? await parsed : parsed;
    if (attempt.aborted) return this.#release(attempt);
    this.#tell("started", attempt, task);
    try {
      const output = await task.run(input, createContext(attempt, deps, log));
      this.#report(attempt, {
        type: "succeeded",
        lease: grant.lease,
        output: encodeOutput(output, task.name),
        follow: followOf(found.index, found.located),
      });
    } finally {
      this.#tell("returned", attempt, task);
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
    else this.#report(attempt, this.#failure(attempt, found, thrown));
  }

  #failure(attempt: Attempt, found: Found, thrown: unknown): Report {
    const { lease } = attempt.grant;
    const { retry } = found.located.step as TaskStep;
    const { random } = this.#options;
    const final = thrown instanceof Final;
    const reason = final ? thrown.reason : (attempt.aborted?.reason ?? reasonOf(thrown));
    const error = errorText(final ? thrown.thrown : thrown);
    if (final || attempt.tries >= retry.attempts) {
      return { type: "failed", lease, error, reason, follow: followOf(found.index, found.located) };
    }
    return { type: "retry", lease, error, reason, delayMs: retryDelayMs(retry, attempt.tries, random) };
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

  #release(attempt: Attempt): void {
    this.#report(attempt, { type: "released", lease: attempt.grant.lease });
  }

  #report(attempt: Attempt, report: Report): void {
    if (attempt.reported) return;
    attempt.reported = true;
    attempt.unwatch();
    const { bulletins, reporter } = this.#options;
    bulletins.forget(attempt);
    if (report.type === "succeeded")
      bulletins.took(attempt.grant.needs, performance.now() - attempt.startedMs);
    reporter.last(attempt, report);
  }

  #tell(type: "started" | "returned", { grant: { lease } }: Attempt, task: AnyTask): void {
    if (!this.#options.observe) return;
    const { run, address: step, fence: attempt } = lease;
    this.#options.observe?.({ type, run, step, task: task.name, attempt });
  }
}

/** What a task's own output schema refuses may pass at the next try; what is no JSON will not. */
function reasonOf(thrown: unknown): StepReason {
  return thrown instanceof JobbersError && thrown.code === "output-invalid" ? "invalid-output" : "error";
}

/** A promise where the schema's answer is one. */
function parseInput(task: AnyTask, raw: unknown): unknown {
  const refuse = (thrown: unknown) => {
    throw new Final(thrown, "invalid-input");
  };
  try {
    const parsed = parseSoon(task.input, raw, `input of ${task.name}`);
    return parsed instanceof Promise ? parsed.catch(refuse) : parsed;
  } catch (thrown) {
    return refuse(thrown);
  }
}

function encodeOutput(output: unknown, task: string): string {
  try {
    const text = encodeJson(output === undefined ? null : output, `output of ${task}`);
    if (text.length <= MAX_OUTPUT_BYTES / 3) return text;
    const bytes = Buffer.byteLength(text);
    if (bytes <= MAX_OUTPUT_BYTES) return text;
    const size = `${(bytes / 2 ** 20).toFixed(1)} MiB`;
    throw new JobbersError("value-too-large", `output of ${task} has ${size} of JSON; 16 MiB is the most`);
  } catch (thrown) {
    throw new Final(thrown, "invalid-output");
  }
}
