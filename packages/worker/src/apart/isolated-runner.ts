import { encodeJson, type Isolation, JobbersError, type TaskLog } from "@jobbers/core";
import type { AttemptAborted } from "../aborted.js";
import type { Attempt } from "../attempt.js";
import type { AttemptLogs } from "../attempt-logs.js";
import { type Throttle, throttled } from "../context.js";
import { type Call, type Runner, Written } from "../runner.js";
import { Final } from "../task-io.js";
import { after } from "../waiting.js";
import type { Ending } from "./child.js";
import type { ChildPool, PooledChild, Tenant } from "./child-pool.js";
import type { Said } from "./protocol.js";
import { receiveError, sendError } from "./sent-error.js";

/**
 * Runs handlers in threads and processes of their own. An attempt that is aborted and does not return is killed:
 *
 *   running ──signal aborts──▶ told ──half a second──▶ killed
 *                               │
 *                               └── heard, and it is the run that was cancelled ──abandonAfterMs──▶ killed
 */
export interface IsolatedRunnerOptions {
  readonly children: ChildPool;
  readonly log: TaskLog;
  readonly logs: Pick<AttemptLogs, "of">;
  readonly throttle: Throttle;
  /** How long a handler whose run was cancelled may clean up, where its event loop is not stuck, in milliseconds. */
  readonly abandonAfterMs: number;
  /** The most that a step may answer, in bytes of JSON. */
  readonly maxOutputBytes: number;
}

/** How long a handler may go on when its attempt is over, in milliseconds. */
const KILL_AFTER_MS = 500;

/** How long a module may take to load, in milliseconds. */
const LOAD_MS = 60_000;

export class IsolatedRunner implements Runner {
  constructor(private readonly options: IsolatedRunnerOptions) {}

  run(call: Call): Promise<Written> {
    return new IsolatedCall(call, this.options).run();
  }
}

class IsolatedCall implements Tenant {
  readonly fields;
  readonly #call: Call;
  readonly #options: IsolatedRunnerOptions;
  readonly #log: TaskLog;
  #child!: PooledChild;
  #number = 0;
  #hasBegun = false;
  #stopKill: () => void = () => {};
  #stopLoad: () => void = () => {};
  /** The input as JSON text. */
  #input = "";
  #crash: { readonly error: unknown } | undefined;
  #isLate = false;
  #resolve!: (output: Written) => void;
  #reject!: (thrown: unknown) => void;

  constructor(call: Call, options: IsolatedRunnerOptions) {
    const { run, address: step, fence: attempt } = call.attempt.lease;
    this.fields = { run, step, attempt };
    this.#call = call;
    this.#options = options;
    this.#log = options.logs.of(call.attempt);
  }

  async run(): Promise<Written> {
    const { attempt, task, raw } = this.#call;
    const { signal } = attempt;
    const onAbort = () => this.#abort(attempt.aborted as AttemptAborted);
    const outcome = new Promise<Written>((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.#input = encodeJson(raw ?? null, `input of ${task.name}`);
    this.#start();
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort, { once: true });
    try {
      return await outcome;
    } finally {
      signal.removeEventListener("abort", onAbort);
      this.#stopKill();
      this.#stopLoad();
    }
  }

  /** Hands the attempt to a child. */
  #start(): void {
    const { attempt, task } = this.#call;
    const child = this.#options.children.take(task.isolation as Isolation);
    this.#child = child;
    this.#number = ++child.calls;
    child.tenant = this;
    if (!child.isLoaded)
      this.#stopLoad = after(LOAD_MS, () => {
        this.#isLate = true;
        child.kill();
      });
    child.send({
      type: "run",
      call: this.#number,
      task: task.name,
      input: this.#input,
      maxOutputBytes: this.#options.maxOutputBytes,
      about: aboutOf(attempt),
    });
  }

  onSaid(said: Said): void {
    if (said.type === "loaded") {
      this.#stopLoad();
      // A module that does not load will not load here later; the next attempt tries with a new child.
      if (said.unusable) this.#settle(true, () => this.#reject(receiveError(said.unusable as never)));
      return;
    }
    if (said.type === "crashing") {
      this.#crash = { error: receiveError(said.error) };
      return;
    }
    if (said.call !== this.#number) {
      if (said.type === "log") this.#options.log[said.level](said.message, said.fields);
      return;
    }
    this.#hear(said);
  }

  #hear(said: Said): void {
    if (said.type === "began") {
      this.#hasBegun = true;
      this.#call.attempt.begin();
    }
    if (said.type === "heartbeat") this.#call.attempt.heartbeat(said.progress);
    else if (said.type === "log") this.#log[said.level](said.message, said.fields);
    else if (said.type === "throttled") void this.#throttle(said);
    else if (said.type === "heard") this.#wait();
    else if (said.type === "answered") {
      this.#settle(said.worn, () => this.#resolve(new Written(said.output)));
    } else if (said.type === "failed") {
      const error = receiveError(said.error);
      this.#settle(said.worn, () => this.#reject(said.final ? new Final(error, said.final) : error));
    }
  }

  /** What is said to a child that has ended meanwhile reaches nobody. */
  async #throttle({ call, number, duration, limit }: Said & { readonly type: "throttled" }): Promise<void> {
    const child = this.#child;
    try {
      await throttled(this.#call.attempt, this.#options.throttle, { duration, limit }, this.#options.log);
      child.send({ type: "throttled", call, number });
    } catch (thrown) {
      child.send({ type: "throttled", call, number, error: sendError(thrown) });
    }
  }

  /** The child is free again, unless it is of no more use. */
  #settle(isWorn: boolean, tell: () => void): void {
    const { children } = this.#options;
    if (this.#child.tenant !== this) return;
    this.#child.tenant = undefined;
    if (isWorn) {
      children.discard(this.#child);
      void this.#child.ended.then(tell);
    } else {
      children.giveBack(this.#child);
      tell();
    }
  }

  #abort({ reason, message }: AttemptAborted): void {
    this.#child.send({ type: "abort", call: this.#number, reason, message });
    this.#stopKill = after(KILL_AFTER_MS, () => this.#child.kill());
  }

  /** The handler's event loop goes round: one whose run was cancelled may clean up. */
  #wait(): void {
    if (this.#call.attempt.aborted?.reason !== "cancelled") return;
    this.#stopKill();
    this.#stopKill = after(this.#options.abandonAfterMs, () => this.#child.kill());
  }

  onEnded(ending: Ending): void {
    this.#child.tenant = undefined;
    const { aborted } = this.#call.attempt;
    // A warm one that had died before it was told of this attempt is no failure of that.
    if (!aborted && !this.#hasBegun && this.#number > 1) {
      this.#startAgain();
      return;
    }
    this.#reject(aborted ?? this.#crashOf(ending));
  }

  #startAgain(): void {
    try {
      this.#start();
    } catch (thrown) {
      this.#reject(thrown);
    }
  }

  #crashOf({ how, cause }: Ending): JobbersError {
    const { task } = this.#call;
    const isolation = task.isolation as Isolation;
    if (this.#isLate)
      return new JobbersError(
        "module-unusable",
        `${isolation.module} did not load within ${LOAD_MS / 1000} s`,
      );
    const error = this.#crash?.error ?? cause;
    const why = this.#crash
      ? `ended because nobody caught an error: ${error instanceof Error ? `${error.name}: ${error.message}` : String(error)}`
      : how;
    const during = this.#child.isLoaded ? "while it ran" : "before its module was loaded";
    const text = `the ${isolation.in} of ${task.name} ${why}, ${during}`;
    return new JobbersError("handler-crashed", text, error === undefined ? {} : { cause: error });
  }
}

function aboutOf({ lease, tries, grant: { traceparent } }: Attempt) {
  const { run, address: step, fence: attempt } = lease;
  const about = { run, step, attempt, tries, idempotencyKey: `${run}:${step}` };
  return traceparent === undefined ? about : { ...about, traceparent };
}
