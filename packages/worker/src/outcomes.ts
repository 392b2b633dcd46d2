import {
  type Follow,
  followOf,
  type Report,
  type StepSpec,
  type TaskLog,
  type TaskStep,
} from "@jobbers/core";
import type { Attempt } from "./attempt.js";
import type { AttemptLogs } from "./attempt-logs.js";
import type { Bulletins } from "./bulletins.js";
import { failureOf } from "./failure.js";
import type { Found, Unfit } from "./finder.js";
import type { HookCalls } from "./hooks.js";
import { errorText, type Reporter } from "./reporter.js";
import { Written } from "./runner.js";
import type { Usual } from "./usual.js";

export interface OutcomesOptions {
  readonly reporter: Reporter;
  readonly bulletins: Bulletins;
  readonly logs: Pick<AttemptLogs, "urge">;
  readonly log: TaskLog;
  readonly random: () => number;
  readonly usual: Usual;
  /** True where a step's only child is not handed straight on. */
  readonly hops: (successor: StepSpec, step: TaskStep) => boolean;
  /** None where no task and no worker option declares one. */
  readonly hooks: HookCalls | undefined;
}

/** What comes of attempts: each is reported once, and its hooks are told; what is said of it later changes nothing. */
export class Outcomes {
  readonly #options: OutcomesOptions;

  constructor(options: OutcomesOptions) {
    this.#options = options;
  }

  /** A handler has answered; `output` is the text to report for its answer. */
  succeed(attempt: Attempt, answer: unknown, output: string): void {
    const { lease, found, task } = attempt;
    const report: Report = { type: "succeeded", lease, output, follow: this.#follow(found as Found) };
    const { hooks } = this.#options;
    if (!this.#report(attempt, report) || !hooks || !task) return;
    hooks.succeeded(attempt, task, answer instanceof Written ? JSON.parse(answer.text) : answer);
  }

  fail(attempt: Attempt, found: Found, thrown: unknown): void {
    if (attempt.reported) return;
    // Given up because the run was cancelled, the lease has ended or the worker stops: that is no failure of the step.
    if (attempt.aborted && !attempt.isOver) this.release(attempt);
    else this.#reportFailure(attempt, found, thrown);
  }

  /** A step is no task's, whatever worker has it. */
  misfit(attempt: Attempt, unfit: Unfit): void {
    const { lease } = attempt.grant;
    this.#options.log.error("a step does not fit its plan", {
      run: lease.run,
      step: lease.address,
      error: unfit.message,
    });
    const follow = { successors: { items: [] } };
    this.#report(attempt, { type: "failed", lease, error: errorText(unfit), reason: "error", follow });
  }

  /** Gives a step back that has not been reported. */
  release(attempt: Attempt): void {
    if (attempt.reported) return;
    const first = attempt.aborted?.reason === "released";
    this.#report(attempt, { type: "released", lease: attempt.lease, first });
    this.#options.hooks?.released(attempt);
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
    const { items } = follow.successors;
    const [only] = items;
    if (!only?.inline || items.length > 1) return follow;
    return this.#options.hops(only, index.step(only.name) as TaskStep) ? { ...follow, hop: true } : follow;
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
}
