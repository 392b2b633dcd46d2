import type { JsonValue } from "../plan/plan.js";
import type { StepError } from "./step-error.js";

interface ErrorEntry {
  readonly title: string;
  /** What the reader should do about it, in one sentence. */
  readonly remedy: string;
  /** The HTTP status it is answered with. */
  readonly status: number;
  /** The exit code of a command that ends because of it: 1 a run failed, 2 used wrongly, 3 the store, 4 a run ended otherwise. */
  readonly exit: number;
}

/** Every error that Jobbers throws on purpose, by its stable code; `docs/reference/errors.md` has a section for each. */
export const errorCatalogue = {
  "definition-invalid": {
    title: "A task or dag is defined wrongly",
    remedy: "Correct the definition that the message names.",
    status: 422,
    exit: 2,
  },
  "plan-invalid": {
    title: "A plan does not hold together",
    remedy: "Build the plan with dag() instead of by hand, with the same version of Jobbers everywhere.",
    status: 422,
    exit: 2,
  },
  "plan-missing": {
    title: "The store does not have the plan of this version",
    remedy: "Submit again together with the plan; Jobbers' own clients do so by themselves.",
    status: 409,
    exit: 3,
  },
  "input-invalid": {
    title: "An input does not fit its schema",
    remedy: "Correct the values at the paths that the message lists.",
    status: 422,
    exit: 2,
  },
  "spread-failed": {
    title: "A map's spread chose no queue for an element",
    remedy:
      "Correct the spread's key or choose function for the element that the message names, and retry the run.",
    status: 422,
    exit: 1,
  },
  "output-invalid": {
    title: "A task returned what its output schema refuses",
    remedy: "Correct the task, or its output schema.",
    status: 422,
    exit: 1,
  },
  "not-json": {
    title: "A value is nothing that JSON can carry",
    remedy: "Turn the value at the named path into text, numbers, booleans, null, lists and plain objects.",
    status: 422,
    exit: 2,
  },
  "id-invalid": {
    title: "A run id is not a ULID",
    remedy: "Give 26 upper-case ULID characters, or leave the id out and let Jobbers choose one.",
    status: 422,
    exit: 2,
  },
  "run-conflict": {
    title: "This run id belongs to a run with other content",
    remedy: "Choose a new id, or send exactly what was sent with this id before.",
    status: 409,
    exit: 2,
  },
  "key-conflict": {
    title: "This key belongs to a run with other content",
    remedy:
      "Choose a new key, or send exactly what was sent with this key before; the run that holds it is named.",
    status: 409,
    exit: 2,
  },
  "key-taken": {
    title: "Another run holds this key",
    remedy:
      "Wait until that run has ended, or the key's time is over; or submit in a mode that answers the run.",
    status: 409,
    exit: 4,
  },
  "queue-full": {
    title: "A queue has as many ready steps as it may have",
    remedy:
      "Submit again later, start more workers, or raise the queue's maximum (jobbers queues set NAME --max N).",
    status: 429,
    exit: 3,
  },
  "queue-draining": {
    title: "A queue takes nothing new while it is drained",
    remedy: "Submit to another queue, or have this one take submissions again (jobbers queues resume NAME).",
    status: 409,
    exit: 3,
  },
  "queue-unknown": {
    title: "No queue has this name",
    remedy: "Check the spelling: `jobbers queues` lists all in which steps have stood, or that were set.",
    status: 404,
    exit: 2,
  },
  "role-unknown": {
    title: "No role has this name",
    remedy:
      "Check the spelling with `jobbers roles`, or make it: jobbers roles set NAME --queues crawl=3,mail=1.",
    status: 404,
    exit: 2,
  },
  "run-at-invalid": {
    title: "A run's start is past, or too far off",
    remedy:
      "Give a runAt that is neither more than a minute past nor more than ten years off by the store's clock.",
    status: 422,
    exit: 2,
  },
  "run-unknown": {
    title: "No run has this id",
    remedy: "Check the id and the store; ended runs are deleted when their retention is over.",
    status: 404,
    exit: 2,
  },
  "workflow-unknown": {
    title: "No dag or task has this name",
    remedy: "Check the spelling, and that a worker with this workflow has registered at this store.",
    status: 404,
    exit: 2,
  },
  "run-failed": {
    title: "The run failed",
    remedy: "Read the error of the step that the message names; retry the run once its cause is gone.",
    status: 409,
    exit: 1,
  },
  "run-cancelled": {
    title: "The run was cancelled",
    remedy: "Retry the run to have it go on, or submit it again under a new id.",
    status: 409,
    exit: 4,
  },
  "step-timeout": {
    title: "A try of a step took longer than its timeout",
    remedy: "Raise the task's timeout, or find out what it waits for; heed ctx.signal to stop in time.",
    status: 504,
    exit: 1,
  },
  "step-lost": {
    title: "The worker of a step vanished",
    remedy:
      "Nothing, as a rule: another worker takes the step. If it repeats, look for crashes or memory limits.",
    status: 500,
    exit: 1,
  },
  "step-quarantined": {
    title: "A step took its worker down three times",
    remedy: "Find out why the process dies on this input, then retry the step by hand.",
    status: 500,
    exit: 1,
  },
  "handler-crashed": {
    title: "The thread or process of an isolated handler ended under it",
    remedy:
      "Find out from the message, and from what was logged before, what ended it; raise maxMemory where that was too little.",
    status: 500,
    exit: 1,
  },
  "module-unusable": {
    title: "The module of an isolated task cannot be used",
    remedy:
      "Write module: import.meta.url in the file that exports the task, and make sure that the file loads by itself.",
    status: 500,
    exit: 1,
  },
  "program-unusable": {
    title: "A program cannot be started",
    remedy: "See that the program and its directory are there, and that the worker's user may execute it.",
    status: 500,
    exit: 1,
  },
  "program-failed": {
    title: "A program failed",
    remedy: "Read what it wrote to stderr, which the message quotes and the worker's log has.",
    status: 500,
    exit: 1,
  },
  "store-url-invalid": {
    title: "A store URL cannot be understood",
    remedy:
      "Correct what --store, JOBBERS_STORE or connect() was given: sqlite:PATH, memory:, redis://HOST or one of the forms in docs/guides/redis.md.",
    status: 400,
    exit: 2,
  },
  "store-not-a-database": {
    title: "What stands there is not a store of Jobbers",
    remedy: "Give another path or database, or move what is there away; Jobbers has not touched it.",
    status: 500,
    exit: 3,
  },
  "store-too-new": {
    title: "The store was written by a newer Jobbers",
    remedy: "Upgrade this process; Jobbers has not touched the store.",
    status: 503,
    exit: 3,
  },
  "store-too-old": {
    title: "The store was written by an earlier Jobbers, whose layout this one does not read",
    remedy:
      "Let the earlier version finish its runs, then begin with a new file or database; Jobbers has not touched the store.",
    status: 503,
    exit: 3,
  },
  "store-closed": {
    title: "The store was used after it was closed",
    remedy: "Await everything that uses the connection before closing it.",
    status: 503,
    exit: 3,
  },
  "store-busy": {
    title: "The store was too busy to answer in time",
    remedy:
      "Try again; every call may be repeated. If it lasts, see whether the server is up, or which process holds the file locked.",
    status: 503,
    exit: 3,
  },
  "store-unwritable": {
    title: "The store cannot write",
    remedy:
      "Make room on the disk or in the memory, mend permissions, or bring replicas back, as the message says; then repeat the call, of which nothing was kept.",
    status: 503,
    exit: 3,
  },
  "not-replicated": {
    title: "No replica has confirmed the run",
    remedy:
      "Submit the same id again, which is harmless and checks again; if it repeats, see whether a replica is up.",
    status: 503,
    exit: 3,
  },
  "store-unfit": {
    title: "The server would not keep work safe",
    remedy: "Change the server's settings as the message says, or give another server.",
    status: 503,
    exit: 3,
  },
  "store-refused": {
    title: "The store refuses this user",
    remedy: "Give the right user and password, or allow the user what the message names.",
    status: 503,
    exit: 3,
  },
  "store-untrusted": {
    title: "A certificate is not trusted",
    remedy:
      "Give the authority that signed the server's certificate: tls.ca, or JOBBERS_TLS_CA with the path of its PEM file.",
    status: 503,
    exit: 3,
  },
  "blob-unwritable": {
    title: "A large value could not be written",
    remedy:
      "Make room in the place that `blobs` names, or mend its permissions; the step is tried again by its retry policy.",
    status: 503,
    exit: 3,
  },
  "blob-unreachable": {
    title: "The place of large values does not answer",
    remedy:
      "See whether the share is mounted or the bucket's server is up, and that this process was given the right `blobs`.",
    status: 503,
    exit: 3,
  },
  "blob-missing": {
    title: "A large value is gone",
    remedy: "Put the file back where the message says, from a backup, and retry the run; or submit it anew.",
    status: 500,
    exit: 3,
  },
  "blob-altered": {
    title: "A large value is not what was written",
    remedy:
      "Put the right file back where the message says, from a backup, and retry the run; or submit it anew.",
    status: 500,
    exit: 3,
  },
  "session-lost": {
    title: "This worker's session has expired",
    remedy:
      "Nothing, as a rule: the worker opens a new session. If it repeats, look for a blocked event loop.",
    status: 409,
    exit: 3,
  },
  "workflow-file-invalid": {
    title: "A workflow file cannot be used",
    remedy: "Make sure that the file loads by itself and exports at least one task or dag.",
    status: 422,
    exit: 2,
  },
  "flag-invalid": {
    title: "A flag or a setting is wrong",
    remedy: "Run the command with --help to see what it takes.",
    status: 400,
    exit: 2,
  },
  "server-unreachable": {
    title: "The server cannot be reached",
    remedy:
      "See whether `jobbers server` is up at this address, and whether the address is right; every call may be repeated.",
    status: 503,
    exit: 3,
  },
  "answer-unexpected": {
    title: "What answered is no server of Jobbers",
    remedy: "Check the URL: something else listens there, or stands in between.",
    status: 502,
    exit: 3,
  },
  "limit-invalid": {
    title: "A limit is set, or its key made, in a way that makes no sense",
    remedy: "Correct the limit that the message names, or the function that says its key or cost.",
    status: 422,
    exit: 2,
  },
  "fair-invalid": {
    title: "A task's fair function says no key",
    remedy: "Have the function answer text or a number for every input that its schema lets through.",
    status: 422,
    exit: 2,
  },
  "limit-unknown": {
    title: "No task declares a limit of this name",
    remedy:
      "Look at `jobbers limits`, which lists all; an edit can limit a task (fetch/rate), a queue (@crawl/rate) or both (fetch@crawl/rate).",
    status: 404,
    exit: 2,
  },
  "cursor-invalid": {
    title: "A cursor is none of this list's",
    remedy: "Give the cursor of the page before as it came, or leave it out to begin again.",
    status: 400,
    exit: 2,
  },
  "name-invalid": {
    title: "A name has the wrong form",
    remedy: "Use 1 to 128 letters, digits, dots, underscores and hyphens.",
    status: 422,
    exit: 2,
  },
  "value-too-large": {
    title: "A value is larger than the store takes",
    remedy:
      "Keep large data elsewhere and pass a reference to it, such as a path, a URL or a key; take a map's results by items().",
    status: 413,
    exit: 2,
  },
  "node-too-old": {
    title: "This Node.js is too old",
    remedy: "Install Node.js 20.19 or newer.",
    status: 500,
    exit: 2,
  },
  "body-invalid": {
    title: "A request's body cannot be read",
    remedy:
      "Send one JSON object of the form that /openapi.json shows for the route; errors[] names the parts.",
    status: 400,
    exit: 2,
  },
  "query-invalid": {
    title: "A parameter of a request is wrong",
    remedy: "Correct the parameters of the path, the query or the header that errors[] names.",
    status: 400,
    exit: 2,
  },
  "idempotency-key-missing": {
    title: "Lines without ids came without an Idempotency-Key",
    remedy:
      "Give each line an id, or send an Idempotency-Key of 16 to 128 characters, the same with each resend.",
    status: 400,
    exit: 2,
  },
  "body-too-large": {
    title: "A request's body is too large",
    remedy: "Send less at a time, or pass a reference to large data instead.",
    status: 413,
    exit: 2,
  },
  "body-timeout": {
    title: "A request's body came too slowly",
    remedy: "Send it again, over a better network or in smaller parts.",
    status: 408,
    exit: 3,
  },
  "media-type-unsupported": {
    title: "A body is of a type that the route does not take",
    remedy: "Send application/json (application/x-ndjson for bulk) in UTF-8, without a Content-Encoding.",
    status: 415,
    exit: 2,
  },
  unauthorized: {
    title: "A token is missing or wrong",
    remedy: "Send Authorization: Bearer with one of the server's tokens.",
    status: 401,
    exit: 2,
  },
  "cross-site": {
    title: "A page of another site sent this",
    remedy: "Call the API from its own origin, from a program, or with a bearer token.",
    status: 403,
    exit: 2,
  },
  "host-not-allowed": {
    title: "The server is not called by this name",
    remedy: "Use a name that the server is started with, or add this one to its hosts.",
    status: 421,
    exit: 2,
  },
  "route-unknown": {
    title: "There is nothing at this path",
    remedy: "See /docs for the routes that there are.",
    status: 404,
    exit: 2,
  },
  "method-not-allowed": {
    title: "A route does not take this method",
    remedy: "Use a method that the Allow header lists.",
    status: 405,
    exit: 2,
  },
  "step-unknown": {
    title: "The run has no such step",
    remedy: "Check the address; a step that was not touched yet has no record.",
    status: 404,
    exit: 2,
  },
  "step-not-retryable": {
    title: "This step cannot be tried again by itself",
    remedy:
      "Retry the run as a whole, or from another step: one that failed for good and was not caught, or one outside of maps that succeeded.",
    status: 409,
    exit: 2,
  },
  "dead-letter-unknown": {
    title: "There is no such dead letter",
    remedy:
      "List the dead letters; one goes when its step runs again, when it is purged, and when its retention is over.",
    status: 404,
    exit: 2,
  },
  internal: {
    title: "Something went wrong inside the server",
    remedy: "Report it with what the server logged at that time.",
    status: 500,
    exit: 3,
  },
} as const satisfies Record<string, ErrorEntry>;

/** The code of an error that Jobbers throws on purpose; codes are stable, messages are not. */
export type ErrorCode = keyof typeof errorCatalogue;

/**
 * An error of Jobbers' own, told apart by its `code`.
 *
 * @example
 * if (error instanceof JobbersError && error.code === "run-conflict") console.error(error.message);
 */
export class JobbersError extends Error {
  override readonly name: string = "JobbersError";
  readonly code: ErrorCode;
  /** Facts for programs, such as the path of a refused value. */
  readonly detail?: JsonValue;

  constructor(code: ErrorCode, message: string, options: { cause?: unknown; detail?: JsonValue } = {}) {
    super(message, "cause" in options ? { cause: options.cause } : undefined);
    this.code = code;
    if (options.detail !== undefined) this.detail = options.detail;
  }

  /** What to do about it, from the catalogue. */
  get remedy(): string {
    return errorCatalogue[this.code].remedy;
  }
}

/** What `result()` rejects with when the run failed: which step, with which error, after how many tries. */
export class RunFailed extends JobbersError {
  override readonly name = "RunFailed";
  readonly run: string;
  /** The address of the step that failed first, such as `fetch[3]`; empty where the run failed before its first step, or its deadline passed. */
  readonly step: string;
  readonly error: StepError;
  /** How many tries that step had. */
  readonly attempts: number;

  constructor(failure: { run: string; step: string; error: StepError; attempts: number }) {
    const { run, step, error, attempts } = failure;
    const tries = attempts === 1 ? "1 try" : `${attempts} tries`;
    const isLate = step === "" && error.name === "DeadlineExceeded";
    const where = step === "" ? " before its first step" : ` in step "${step}" after ${tries}`;
    super("run-failed", `run ${run} failed${isLate ? "" : where}: ${error.name}: ${error.message}`);
    this.run = run;
    this.step = step;
    this.error = error;
    this.attempts = attempts;
  }
}

/** What `result()` rejects with when the run was cancelled. */
export class RunCancelled extends JobbersError {
  override readonly name = "RunCancelled";
  readonly run: string;

  constructor(run: string, why?: string) {
    super("run-cancelled", `run ${run} was cancelled${why ? `: ${why}` : ""}`);
    this.run = run;
  }
}
