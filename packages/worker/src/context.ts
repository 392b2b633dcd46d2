import {
  type Duration,
  durationMs,
  JobbersError,
  type TaskContext,
  type TaskLog,
  type Throttling,
} from "@jobbers/core";
import type { Attempt } from "./attempt.js";
import type { AttemptLogs } from "./attempt-logs.js";

/** What the contexts of all attempts have in common. */
export interface ContextTerms {
  readonly deps: unknown;
  readonly logs: Pick<AttemptLogs, "of">;
  readonly throttle: Throttle;
}

/** Makes what a task's function learns about its attempt. */
export function createContext(attempt: Attempt, terms: ContextTerms): TaskContext {
  return new Proxy(new Context(attempt, terms), withOwnParts);
}

/** Small handlers ask for little of it, so that each part is made when it is first asked for. */
class Context implements TaskContext {
  readonly run: string;
  readonly step: string;
  readonly attempt: number;
  readonly tries: number;
  readonly deps: unknown;
  readonly traceparent: string | undefined;
  readonly #attempt: Attempt;
  readonly #terms: ContextTerms;
  #log: TaskLog | undefined;

  constructor(attempt: Attempt, terms: ContextTerms) {
    const { lease, traceparent } = attempt.grant;
    this.run = lease.run;
    this.step = lease.address;
    this.attempt = lease.fence;
    this.tries = attempt.tries;
    this.deps = terms.deps;
    this.traceparent = traceparent;
    this.#attempt = attempt;
    this.#terms = terms;
  }

  get idempotencyKey(): string {
    return `${this.run}:${this.step}`;
  }

  get signal(): AbortSignal {
    return this.#attempt.signal;
  }

  get log(): TaskLog {
    this.#log ??= this.#terms.logs.of(this.#attempt);
    return this.#log;
  }

  get heartbeat(): TaskContext["heartbeat"] {
    return (progress) => this.#attempt.heartbeat(progress);
  }

  get throttled(): TaskContext["throttled"] {
    const { throttle } = this.#terms;
    return (duration, limit) => throttled(this.#attempt, throttle, { duration, limit }, this.log);
  }
}

/** What a context has beside its own properties. */
const parts = ["idempotencyKey", "signal", "log", "heartbeat", "throttled"];

/**
 * All parts as if they were properties of its own, so that `{ ...ctx, deps }` works in users' tests and wrappers. As such they would
 * have to be defined anew for each attempt, and two getters alone take as long as the rest of a small attempt's way to its handler.
 */
const withOwnParts: ProxyHandler<Context> = {
  get: (context, key) => context[key as keyof Context],
  ownKeys: (context) => [...new Set([...Reflect.ownKeys(context), ...parts])],
  getOwnPropertyDescriptor(context, key) {
    const own = Reflect.getOwnPropertyDescriptor(context, key);
    if (own || !parts.includes(key as string)) return own;
    return { value: context[key as keyof Context], enumerable: true, configurable: true };
  },
};

/** Tells the store to slow down; answers the limits that it concerns. */
export type Throttle = (throttling: Throttling) => Promise<readonly string[]>;

/** The longest that a task may ask for, in milliseconds: a day. */
const LONGEST_MS = 24 * 3_600_000;

/** Tells the store, and says so where nothing came of it. */
export async function throttled(
  { lease }: Attempt,
  throttle: Throttle,
  { duration, limit }: { readonly duration: Duration; readonly limit: string | undefined },
  log: TaskLog,
): Promise<void> {
  const forMs = durationMs(duration, "ctx.throttled()");
  if (forMs > LONGEST_MS)
    throw new JobbersError(
      "definition-invalid",
      `ctx.throttled() is asked for ${duration}; a day is the most`,
    );
  const names = await throttle({ lease, forMs, ...(limit !== undefined && { limits: [limit] }) });
  if (names.length > 0) return;
  const what = limit === undefined ? "it stands under no limit" : `it does not stand under "${limit}"`;
  log.warn(`a step asks to be throttled, but ${what}`, { run: lease.run, step: lease.address });
}
