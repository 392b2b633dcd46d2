import {
  type AnyTask,
  errorShape,
  type HookedAttempt,
  type Hooks,
  type StepReason,
  type TaskLog,
  type TaskStep,
} from "@jobbers/core";
import type { Attempt } from "./attempt.js";

/** How an attempt failed, for its hooks. */
export interface HookedFailure {
  readonly error: unknown;
  readonly reason: StepReason;
  readonly retryInMs: number | undefined;
}

/**
 * Calls hooks, beside the attempts that they are told of: each call is a plain one at the moment of its cause, and what it
 * leaves open goes on by itself. Nobody waits for it but a worker that stops.
 */
export class HookCalls {
  #failures = 0;
  readonly #open = new Set<Promise<void>>();

  constructor(
    private readonly ofWorker: Hooks | undefined,
    private readonly log: TaskLog,
  ) {}

  /** How many hooks threw or rejected. */
  get failures(): number {
    return this.#failures;
  }

  /** Resolves when no hook is under way. */
  async whenIdle(): Promise<void> {
    while (this.#open.size > 0) await Promise.all(this.#open);
  }

  started(attempt: Attempt, task: AnyTask, step: TaskStep): void {
    if (!this.#wants(task)) return;
    this.#tell(task, "onStart", this.#toldOf(attempt, task, step), copyOf);
  }

  succeeded(attempt: Attempt, task: AnyTask, output: unknown): void {
    const { told } = attempt;
    if (!told) return;
    const tookMs = tookOf(attempt);
    const event = ({ run, step, task, queue, attempt, tries }: HookedAttempt) =>
      ({ run, step, task, queue, attempt, tries, outcome: "succeeded", output, tookMs }) as const;
    this.#tell(task, "onSuccess", told, event);
    this.#tell(task, "onSettled", told, event);
  }

  failed(attempt: Attempt, task: AnyTask, step: TaskStep, failure: HookedFailure): void {
    if (!this.#wants(task)) return;
    const told = this.#toldOf(attempt, task, step);
    const how = { outcome: "failed", ...failure, tookMs: tookOf(attempt) } as const;
    const event = (about: HookedAttempt) => ({ ...about, ...how });
    this.#tell(task, "onError", told, event);
    this.#tell(task, "onSettled", told, event);
  }

  /** An attempt was given up; one that never began is not told of. */
  released(attempt: Attempt): void {
    const { told, task } = attempt;
    if (!told || !task) return;
    const how = { outcome: "released", tookMs: tookOf(attempt) } as const;
    this.#tell(task, "onSettled", told, (about) => ({ ...about, ...how }));
  }

  #wants(task: AnyTask): boolean {
    return task.hooks !== undefined || this.ofWorker !== undefined;
  }

  #toldOf(attempt: Attempt, task: AnyTask, { queue }: TaskStep): HookedAttempt {
    const { run, address: step, fence } = attempt.lease;
    attempt.told ??= { run, step, task: task.name, queue, attempt: fence, tries: attempt.tries };
    return attempt.told;
  }

  #tell<Name extends keyof Hooks>(
    task: AnyTask,
    name: Name,
    about: HookedAttempt,
    event: (about: HookedAttempt) => Parameters<NonNullable<Hooks[Name]>>[0],
  ): void {
    if (task.hooks?.[name]) this.#call(task.hooks, name, about, event);
    if (this.ofWorker?.[name]) this.#call(this.ofWorker, name, about, event);
  }

  #call(
    hooks: Hooks,
    name: keyof Hooks,
    about: HookedAttempt,
    event: (about: HookedAttempt) => object,
  ): void {
    try {
      // Each hook gets an object of its own, so that none can change what the next one is told.
      const answer: unknown = hooks[name]?.(event(about) as never);
      if (typeof answer === "object" && answer !== null && "then" in answer)
        this.#follow(answer, name, about);
    } catch (thrown) {
      this.#failed(thrown, name, about);
    }
  }

  #follow(answer: object, name: keyof Hooks, event: HookedAttempt): void {
    const ended = Promise.resolve(answer).then(
      () => {},
      (thrown: unknown) => this.#failed(thrown, name, event),
    );
    this.#open.add(ended);
    void ended.then(() => this.#open.delete(ended));
  }

  #failed(thrown: unknown, hook: keyof Hooks, { run, step, task, attempt }: HookedAttempt): void {
    this.#failures += 1;
    const { name, message } = errorShape(thrown);
    this.log.error("a hook failed", { ...{ run, step, attempt, task, hook }, error: `${name}: ${message}` });
  }
}

/** The caller of the hooks that there are; none where nothing declares any, so that nothing is paid. */
export function createHookCalls(
  tasks: Iterable<AnyTask>,
  ofWorker: Hooks | undefined,
  log: TaskLog,
): HookCalls | undefined {
  if (ofWorker) return new HookCalls(ofWorker, log);
  for (const { hooks } of tasks) if (hooks) return new HookCalls(undefined, log);
  return undefined;
}

/** Written out: for small tasks, spreading into other properties costs more than all the rest of a hook. */
function copyOf({ run, step, task, queue, attempt, tries }: HookedAttempt): HookedAttempt {
  return { run, step, task, queue, attempt, tries };
}

function tookOf({ startedMs }: Attempt): number {
  return performance.now() - startedMs;
}
