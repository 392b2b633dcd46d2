import type { Durability } from "../store/submission.js";
import type { Duration } from "./policy.js";

/** How a run is submitted; every part may be left out. */
export interface SubmitOptions {
  /** A ULID of the client's choice: submitting it again with the same content answers the same run. */
  readonly id?: string | undefined;
  /** 0 to 9, higher first, or more often where the queue is weighted; default 5. */
  readonly priority?: number | undefined;
  /** The run waits so long before it starts. */
  readonly delay?: Duration | undefined;
  /**
   * The run starts at this moment (milliseconds since 1970, or a Date), by the store's clock. One that is more than a minute past, or
   * more than ten years off, is refused as `run-at-invalid`; a run that was submitted in time answers a resend at any time.
   */
  readonly runAt?: number | Date | undefined;
  /** Labels to find the run by, besides those of its workflow; at most 32 in all, of at most 128 characters. */
  readonly tags?: readonly string[] | undefined;
  /**
   * How long after its submission the run has to be over, its delay included. If it is not, it is cancelled, as `cancel` would, and
   * ends as `failed`, with an error named `DeadlineExceeded` and the step "". A run that is retried by hand has no deadline any more.
   * Default: the `deadline` of its dag or task, which counts from when the run is due to start.
   *
   * @example
   * await jobbers.submit(report, { day: 3 }, { deadline: "10m" });
   */
  readonly deadline?: Duration | undefined;
  /** How long the run is kept after its end, instead of the store's retention; 0 keeps only its id. */
  readonly keep?: Duration | undefined;
  /**
   * `"replica"` resolves only when a replica of the Redis has the run too, else it throws `not-replicated` after 2 s; default
   * `"local"`. No part of the run's content: the same id may be sent again with another.
   */
  readonly durability?: Durability | undefined;
  /** The W3C trace context of who submits, kept with the run; no part of its content. */
  readonly traceparent?: string | undefined;
  /**
   * Makes one run of all submissions with this key, of the same dag or task: a text, which is held for 24 h and answers the run that
   * has it, or an object that says otherwise. At most one of `idempotencyKey`, `singleton`, `debounce` and `throttle` is given.
   *
   * @example
   * const run = await jobbers.submit(chargeOrder, { order: 17 }, { idempotencyKey: "order-17" });
   */
  readonly idempotencyKey?: string | IdempotencyKey | undefined;
  /**
   * Has at most one run with this key be unfinished, of the same dag or task; `true`: one run of it at all.
   *
   * @example
   * await jobbers.submit(syncShop, { shop }, { singleton: { key: shop } });
   */
  readonly singleton?: true | Singleton | undefined;
  /**
   * Starts only the last of several submissions: the run waits, and one that comes meanwhile takes its place and waits in turn. Excludes
   * `delay` and `runAt`.
   *
   * @example
   * await jobbers.submit(indexPage, { page }, { debounce: { key: page, wait: "5s", max: "1m" } });
   */
  readonly debounce?: Debounce | undefined;
  /**
   * Starts only the first of the submissions in a period; the others answer that run, whatever became of it.
   *
   * @example
   * await jobbers.submit(sendReport, { user }, { throttle: { key: user, per: "1h" } });
   */
  readonly throttle?: Throttle | undefined;
}

/** What becomes of a submission whose key another run holds. */
export type KeyMode = "return-existing" | "reject" | "replace-waiting";

/** A key that one run has for some time. */
export interface IdempotencyKey {
  /** 1 to 512 characters. */
  readonly key: string;
  /** How long the key is the run's, from its submission by the store's clock, whatever becomes of the run; default "24h". */
  readonly ttl?: Duration | undefined;
  /**
   * `"return-existing"` (the default) answers the run that has the key, or refuses with `key-conflict` where that has another input or
   * other options. `"reject"` refuses with `key-taken`. `"replace-waiting"` cancels a run of which no step was taken yet and takes its
   * place; one that has begun is the answer.
   */
  readonly mode?: KeyMode | undefined;
}

/** A key that one run has until it has ended. */
export interface Singleton {
  /** 1 to 512 characters; left out, there is one key for the whole dag or task. */
  readonly key?: string | undefined;
  /**
   * `"return-existing"` (the default) answers the run that has the key, whatever its input. `"reject"` refuses with `key-taken`.
   * `"replace-waiting"` cancels a run of which no step was taken yet and takes its place; one that has begun is the answer.
   */
  readonly mode?: KeyMode | undefined;
}

/** How submissions are put together to one that is late. */
export interface Debounce {
  /** 1 to 512 characters; left out, there is one key for the whole dag or task. */
  readonly key?: string | undefined;
  /** How long the run waits for another submission; longer than 0. */
  readonly wait: Duration;
  /** How long after the first of the submissions the run starts at the latest; at least `wait`. Left out, they may put it off for ever. */
  readonly max?: Duration | undefined;
}

/** How often a run is started at most. */
export interface Throttle {
  /** 1 to 512 characters; left out, there is one key for the whole dag or task. */
  readonly key?: string | undefined;
  /** The period, from the submission of the run by the store's clock; longer than 0. */
  readonly per: Duration;
}
