import {
  checkName,
  checkRunId,
  type EventType,
  eventTypes,
  type FairQueues,
  type InputOf,
  JobbersError,
  type OutputOf,
  type QueueRecord,
  quoted,
  type Store,
  type SubmitOptions,
  type Workflow,
} from "@jobbers/core";
import type { DeadLetters, EventFilter, Feed, FeedEvent, QueueHandle, Roles, Run } from "@jobbers/runs";
import {
  allEventsOf,
  createDeadLetters,
  createPlans,
  createQueueHandle,
  createRoles,
  createRun,
  createSubmitter,
  type SubmitItem,
} from "@jobbers/runs";
import { editorHere } from "./editor.js";
import { createJobbersWorker, type JobbersWorker, type WorkerOptions } from "./worker.js";

/** A connection to a store: submits runs, follows them, and runs workers. */
export interface Jobbers extends AsyncDisposable {
  /** The store behind it, for what this face does not offer. */
  readonly store: Store;
  /**
   * Submits a run of a dag or task. Its record is in the store when this resolves.
   *
   * A dag's input is parsed by its schema here; a task's is checked here, and parsed for each attempt.
   *
   * @throws JobbersError `input-invalid`, `not-json`, `value-too-large`, `id-invalid`, `flag-invalid`, `run-conflict` when the
   * id belongs to a run with other content, `key-conflict` and `key-taken` when another run holds the key, `run-at-invalid`, `not-replicated` when it was asked for and no replica confirmed the run in time
   * @example
   * const run = await jobbers.submit(crawl, { sitemap }, { priority: 7, tags: ["nightly"] });
   */
  submit<W extends Workflow>(workflow: W, ...args: SubmitArgs<InputOf<W>>): Promise<Run<OutputOf<W>>>;
  /**
   * Submits many runs of one dag or task, each whole or not at all, and says of each what became of it.
   *
   * An item that is refused does not stop the others; its id is told, so that it can be sent again without harm.
   *
   * @throws JobbersError `definition-invalid` when it is given no task or dag; nothing else rejects
   * @example
   * const many = await jobbers.submitMany(fetchPage, [{ input: { url } }, { input: { url: other }, id: ulid() }]);
   * const refused = many.filter((item) => item.status === "refused");
   */
  submitMany<W extends Workflow>(
    workflow: W,
    items: readonly SubmitItem<InputOf<W>>[],
  ): Promise<SubmittedItem<OutputOf<W>>[]>;
  /**
   * The handle of a run that was submitted before, here or elsewhere; with its workflow, the result is typed.
   *
   * @throws JobbersError `id-invalid`
   * @example
   * const pages = await jobbers.run(id, crawl).result();
   */
  run<W extends Workflow = Workflow>(id: string, workflow?: W): Run<OutputOf<W>>;
  /** The queues, how much is in them, and how they are set. */
  queues(): Promise<QueueRecord[]>;
  /**
   * One queue, to be paused, resumed, drained, set or obliterated; what is done holds at once for everybody.
   *
   * @throws JobbersError `name-invalid`
   * @example
   * await jobbers.queue("crawl").pause();
   */
  queue(name: string): QueueHandle;
  /** Roles: which queues workers serve, set at a distance. */
  readonly roles: Roles;
  /** Steps that failed for good: looks at them, has them run again, and forgets them. */
  readonly deadLetters: DeadLetters;
  /**
   * What happens to all runs and workers from now on, until the signal aborts; a `gap` says that events were missed. Small tasks settle
   * many at a time, so steps are summed up: the `detail` of a `steps` event counts them; one by one they are told of tasks with
   * `events: "each"`. Begins when the first event is asked for.
   *
   * @throws JobbersError `id-invalid`, `flag-invalid` for a type of events that there is not, `store-closed`; the signal's reason
   * @example
   * for await (const event of jobbers.events({ dag: "crawl", types: ["run.ended"] })) console.log(event);
   */
  events(options?: EventsOptions): AsyncIterable<FeedEvent>;
  /**
   * Makes a worker, which also does the upkeep of the store.
   *
   * @throws JobbersError `definition-invalid`, `flag-invalid`
   * @example
   * const worker = jobbers.worker({ workflows: [crawl, fetchPage], concurrency: 100 });
   * await worker.start();
   */
  worker(options: WorkerOptions): JobbersWorker;
  /** Stops the workers made here, ends everything that waits (with `store-closed`), and closes the store. */
  close(): Promise<void>;
}

/** What `submit` takes behind the workflow; an input may be left out where it has no property that must be there. */
export type SubmitArgs<I> = 0 extends 1 & I
  ? [input: I, options?: SubmitOptions]
  : Record<never, never> extends I
    ? [input?: I, options?: SubmitOptions]
    : [input: I, options?: SubmitOptions];

/** Which events `events` tells, and until when. */
export interface EventsOptions extends EventFilter {
  readonly types?: readonly EventType[] | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What became of one item of many. */
export type SubmittedItem<O = unknown> =
  | { readonly status: "created" | "existing"; readonly id: string; readonly run: Run<O> }
  | { readonly status: "refused"; readonly id: string; readonly error: Error };

/** What a connection is made of. */
export interface JobbersParts {
  readonly store: Store;
  readonly feed: Feed;
  /** What says whose turn steps take in some queues, where their tasks say nothing themselves. */
  readonly fairQueues?: FairQueues | undefined;
}

/** Makes a connection of an open store and the reader of its feed; both are closed with it. */
export function createJobbers({ store, feed, fairQueues }: JobbersParts): Jobbers {
  const deps = { store, feed, plans: createPlans(store) };
  const submitter = createSubmitter(store, fairQueues);
  const live = new Set<JobbersWorker>();
  let closing: Promise<void> | undefined;

  const close = async () => {
    await Promise.all([...live].map((worker) => worker.stop()));
    feed.close();
    await store.close();
  };
  const jobbers: Jobbers = {
    store,
    async submit<W extends Workflow>(workflow: W, ...[input, options]: SubmitArgs<InputOf<W>>) {
      const [answer] = await submitter.submit(workflow, [{ ...options, input }]);
      if (answer?.status === "refused") throw answer.error;
      return createRun<OutputOf<W>>(deps, answer?.id as string, workflow);
    },
    async submitMany<W extends Workflow>(workflow: W, items: readonly SubmitItem<InputOf<W>>[]) {
      const answers = await submitter.submit(workflow, items);
      return answers.map((answer) =>
        answer.status === "refused"
          ? answer
          : { status: answer.status, id: answer.id, run: createRun<OutputOf<W>>(deps, answer.id, workflow) },
      );
    },
    run<W extends Workflow>(id: string, workflow?: W) {
      return createRun<OutputOf<W>>(deps, checkRunId(id), workflow);
    },
    queues: () => store.listQueues(),
    queue: (name) => createQueueHandle(store, checkName(name, "queue"), editorHere()),
    roles: createRoles(store, editorHere()),
    deadLetters: createDeadLetters(deps),
    events({ signal, ...filter } = {}) {
      checkFilter(filter);
      return allEventsOf(deps, filter, signal);
    },
    worker: (options) => createJobbersWorker(store, options, live, fairQueues),
    close() {
      closing ??= close();
      return closing;
    },
    [Symbol.asyncDispose]: () => jobbers.close(),
  };
  return jobbers;
}

/** A filter that nothing ever passes is a mistake. */
function checkFilter({ run, types = [] }: EventFilter): void {
  if (run !== undefined) checkRunId(run);
  const wrong = types.find((type) => !(eventTypes as readonly string[]).includes(type));
  if (wrong === undefined) return;
  const known = eventTypes.join(", ");
  throw new JobbersError("flag-invalid", `types has ${quoted(wrong)}; there are ${known}`);
}
