import type { Problem } from "@jobbers/api";
import type { ErrorCode, StepError } from "@jobbers/core";

/** One place in what was sent, as a JSON pointer such as `/input/sitemap`, and what is wrong there. */
export type Pointer = NonNullable<Problem["errors"]>[number];

/** What a {@link JobbersHttpError} is made of. */
export interface HttpErrorFacts {
  readonly code: ErrorCode;
  readonly detail: string;
  readonly status?: number | undefined;
  readonly pointers?: readonly Pointer[] | undefined;
  readonly facts?: unknown;
  readonly retryAfterMs?: number | undefined;
}

/**
 * What a call to a server rejects with: the server's refusal, or the news that it could not be reached.
 *
 * @example
 * if (error instanceof JobbersHttpError && error.code === "run-conflict") console.error(error.detail);
 */
export class JobbersHttpError extends Error {
  override readonly name = "JobbersHttpError";
  /** A code of the error catalogue; `server-unreachable` where no answer came. */
  readonly code: ErrorCode;
  /** The HTTP status; absent where no answer came. */
  readonly status: number | undefined;
  /** One sentence about this occurrence; the error's message too. */
  readonly detail: string;
  /** The places in the body that were refused. */
  readonly pointers: readonly Pointer[];
  /** Facts for programs, which differ by code. */
  readonly facts: unknown;
  /** How long the server asked to wait before the next try, in milliseconds. */
  readonly retryAfterMs: number | undefined;

  constructor(facts: HttpErrorFacts, options: { cause?: unknown } = {}) {
    const { code, status, detail, pointers = [], retryAfterMs } = facts;
    super(detail, "cause" in options ? { cause: options.cause } : undefined);
    this.code = code;
    this.status = status;
    this.detail = detail;
    this.pointers = pointers;
    this.facts = facts.facts;
    this.retryAfterMs = retryAfterMs;
  }
}

/** What `result()` rejects with when the run failed: which step, with which error, after how many tries. */
export class RunFailed extends Error {
  override readonly name = "RunFailed";
  readonly code = "run-failed";
  readonly run: string;
  /** The address of the step that failed first, such as `fetch[3]`. */
  readonly step: string;
  readonly error: StepError;
  /** How many tries that step had. */
  readonly attempts: number;

  constructor(failure: { run: string; step: string; error: StepError; attempts: number }) {
    const { run, step, error, attempts } = failure;
    const tries = attempts === 1 ? "1 try" : `${attempts} tries`;
    super(`run ${run} failed in step "${step}" after ${tries}: ${error.name}: ${error.message}`);
    this.run = run;
    this.step = step;
    this.error = error;
    this.attempts = attempts;
  }
}

/** What `result()` rejects with when the run was cancelled. */
export class RunCancelled extends Error {
  override readonly name = "RunCancelled";
  readonly code = "run-cancelled";
  readonly run: string;

  constructor(run: string) {
    super(`run ${run} was cancelled`);
    this.run = run;
  }
}
