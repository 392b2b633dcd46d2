import type {
  DagDetail,
  DagSummary,
  Limit,
  LimitEditBody,
  LimitUsageView,
  SubmitAnswer,
  Worker,
} from "@jobbers/api";
import type { InputOf, OutputOf, Workflow } from "@jobbers/core";
import { type Submitted, submitBulk } from "./bulk.js";
import { createDeadLettersClient, type DeadLettersClient } from "./dead-letters.js";
import { JobbersHttpError } from "./errors.js";
import { follow } from "./follow.js";
import { createIds } from "./ids.js";
import { type InMs, inMs } from "./instants.js";
import { listRuns, type RunFilter } from "./lists.js";
import { createQueueClient, listQueues, type Queue, type QueueClient } from "./queues.js";
import { eventIn } from "./reading.js";
import { createRolesClient, type RolesClient } from "./roles.js";
import { createClientRun } from "./run.js";
import type { CallOptions, ClientRun, FeedEvent, RunStatus } from "./run-types.js";
import { serverUrl } from "./server-url.js";
import { requestOf, type SubmitArgs, type SubmitItem, type SubmitOptions, type Target } from "./submit.js";
import { createTransport, type Fetch, type Transport } from "./transport.js";

/** What a client may submit by name: its own workflows by their names, or anything. */
export type Workflows = Readonly<Record<string, Workflow>>;

/** What `createClient` takes. */
export interface ClientOptions {
  /** Where the server is, such as `http://127.0.0.1:8700`, which is the default. */
  readonly url?: string | undefined;
  /** The token that the server asks for (`jb_<id>_<secret>`). */
  readonly token?: string | undefined;
  /** What sends requests; default: the platform's `fetch`. `createApi(…).fetch` needs no network. */
  readonly fetch?: Fetch | undefined;
  /** How long a call is tried, all its repetitions together, in milliseconds; default 30 s. */
  readonly timeoutMs?: number | undefined;
}

/** What became of one item of many. */
export type SubmittedItem<O = unknown> =
  | { readonly status: "created" | "existing"; readonly id: string; readonly run: ClientRun<O> }
  | { readonly status: "refused"; readonly id: string; readonly error: Error };

/** Submits runs over HTTP, and follows them. */
export interface JobbersClient<W extends Workflows = Workflows> {
  /** Where the server is. */
  readonly url: string;
  /**
   * Submits a run of a dag or task, which is given by its name or by its definition. The run's id is chosen here, so that the
   * request may be repeated without harm, and is.
   *
   * @throws JobbersHttpError `not-json`, `input-invalid`, `workflow-unknown`, `run-conflict`, `key-conflict`, `key-taken`, `run-at-invalid`,
   * `server-unreachable` and others; the signal's reason
   * @example
   * const run = await client.submit("crawl", { sitemap }, { priority: 7, tags: ["nightly"] });
   */
  submit<N extends keyof W & string>(
    name: N,
    ...args: SubmitArgs<InputOf<W[N]>>
  ): Promise<ClientRun<OutputOf<W[N]>>>;
  submit<D extends Workflow>(workflow: D, ...args: SubmitArgs<InputOf<D>>): Promise<ClientRun<OutputOf<D>>>;
  /**
   * Submits many runs of one dag or task, each whole or not at all, and says of each what became of it.
   *
   * What is wrong with one item (`workflow-unknown`, `input-invalid`, `not-json` …) is the `error` of that one.
   *
   * @throws JobbersHttpError where it cannot be asked what a name stands for: `server-unreachable`, `unauthorized` and others
   * @example
   * const many = await client.submitMany("fetch-page", [{ input: { url } }, { input: { url: other }, id }]);
   */
  submitMany<N extends keyof W & string>(
    name: N,
    items: readonly SubmitItem<InputOf<W[N]>>[],
  ): Promise<SubmittedItem<OutputOf<W[N]>>[]>;
  submitMany<D extends Workflow>(
    workflow: D,
    items: readonly SubmitItem<InputOf<D>>[],
  ): Promise<SubmittedItem<OutputOf<D>>[]>;
  /** The handle of a run that was submitted before; with its workflow, or the name of one, the result is typed. */
  run<N extends keyof W & string>(id: string, name: N): ClientRun<OutputOf<W[N]>>;
  run<D extends Workflow = Workflow>(id: string, workflow?: D): ClientRun<OutputOf<D>>;
  /**
   * Runs, newest first; pages are read as they are needed.
   *
   * @example
   * for await (const run of client.runs({ state: "failed", dag: "crawl" })) console.log(run.id);
   */
  runs(filter?: RunFilter): AsyncIterable<RunStatus>;
  /** Steps that failed for good: looks at them, has them run again, and forgets them. */
  readonly deadLetters: DeadLettersClient;
  /** The dags and tasks that workers have registered. */
  dags(): Promise<InMs<DagSummary>[]>;
  /**
   * One dag or task with its plan and its schemas.
   *
   * @throws JobbersHttpError `workflow-unknown`
   */
  dag(name: string): Promise<InMs<DagDetail>>;
  /** The queues, how much is in them, and how they are set. */
  queues(): Promise<Queue[]>;
  /**
   * One queue, to be paused, resumed, drained, set or obliterated.
   *
   * @example
   * await client.queue("crawl").pause();
   */
  queue(name: string): QueueClient;
  /** Roles: which queues workers serve, set at a distance. */
  readonly roles: RolesClient;
  /** The limits, what code says of each and what edits say. */
  limits(): Promise<Limit[]>;
  /**
   * How one key of a limit stands: who has its slots, when it opens.
   *
   * @param key left out where all share the limit
   * @throws JobbersHttpError `limit-unknown`
   */
  limit(name: string, key?: string): Promise<LimitUsage>;
  /**
   * Sets a limit for everybody, at once; `off` takes it away, `default` has it be what the code says. Answers it as it is then.
   *
   * @param name one that code has given, or `TASK/rate`, `TASK/concurrency`, `@QUEUE/rate`, `TASK@QUEUE/rate` and the like
   * @throws JobbersHttpError `limit-unknown`, `limit-invalid`
   */
  setLimit(name: string, edit: LimitEdit): Promise<Limit | undefined>;
  /** The workers that have a session. */
  workers(): Promise<InMs<Worker>[]>;
  /** What happens from now on, until the signal aborts; a `gap` says that events were missed. */
  events(filter?: EventFilter): AsyncIterable<FeedEvent>;
  /**
   * Resolves when the server is up and its store answers.
   *
   * @throws JobbersHttpError `server-unreachable`, `store-busy` and others
   */
  ready(options?: CallOptions): Promise<void>;
}

/** How one key of a limit stands, its instants in milliseconds since 1970. */
export interface LimitUsage extends Omit<LimitUsageView, "at" | "opensAt" | "throttledUntil"> {
  readonly atMs: number;
  /** When it lets the next start through by itself. */
  readonly opensAtMs?: number | undefined;
  readonly throttledUntilMs?: number | undefined;
}

/** What a limit is set to. */
export type LimitEdit = LimitEditBody["set"];

/** Which events are told. */
export interface EventFilter {
  readonly run?: string | undefined;
  readonly dag?: string | undefined;
  readonly types?: readonly string[] | undefined;
  readonly signal?: AbortSignal | undefined;
}

const DEFAULT_URL = "http://127.0.0.1:8700";
const TIMEOUT_MS = 30_000;

/**
 * Makes a client of a server.
 *
 * Its type parameter names the workflows that it submits; it takes nothing but their types, so that it runs where their code is not.
 *
 * @throws TypeError when the URL is no server's address or has a password in it, or the token is one that no header can carry
 * @example
 * import type { crawl } from "./crawl.js";
 *
 * const client = createClient<{ crawl: typeof crawl }>({ url: "http://127.0.0.1:8700" });
 * const run = await client.submit("crawl", { sitemap: "https://example.org/sitemap.xml" });
 * console.log(await run.result());
 */
export function createClient<W extends Workflows = Workflows>(options: ClientOptions = {}): JobbersClient<W> {
  const { url = DEFAULT_URL, token, fetch = (request) => globalThis.fetch(request) } = options;
  const base = serverUrl(url);
  const transport = createTransport({ url: base, token, fetch, timeoutMs: options.timeoutMs ?? TIMEOUT_MS });
  const nextId = createIds();
  const targetOf = createTargets(transport);

  const client = {
    url: base,
    async submit(what: string | Workflow, input?: unknown, given: SubmitOptions & CallOptions = {}) {
      const { signal } = given;
      const target = await targetOf(what, signal);
      const id = given.id ?? nextId();
      const json = requestOf(target, id, { ...given, input });
      const answer = await transport.json<SubmitAnswer>({ path: "/v1/runs", body: { json }, signal });
      // Another run's where that holds the key.
      return createClientRun(transport, answer.id, target);
    },
    async submitMany(what: string | Workflow, items: readonly SubmitItem[]) {
      const target = await targetOf(what);
      const named = items.map((item) => ({ ...item, id: item.id ?? nextId() }));
      const answers = await submitBulk(transport, target, named);
      return answers.map((answer) => withRun(transport, target, answer));
    },
    run(id: string, what?: string | Workflow) {
      const name = typeof what === "string" ? what : what?.name;
      return createClientRun(transport, id, name === undefined ? undefined : { name });
    },
    runs: (filter: RunFilter = {}) => listRuns(transport, filter),
    deadLetters: createDeadLettersClient(transport),
    dags: async () =>
      (await transport.json<{ dags: DagSummary[] }>({ path: "/v1/dags" })).dags.map((each) => inMs(each)),
    dag: (name: string) => readDag(transport, name),
    queues: () => listQueues(transport),
    queue: (name: string) => createQueueClient(transport, name),
    roles: createRolesClient(transport),
    limits: async () => (await transport.json<{ limits: Limit[] }>({ path: "/v1/limits" })).limits,
    limit: async (name: string, key?: string) => {
      const { at, opensAt, throttledUntil, ...usage } = await transport.json<LimitUsageView>({
        path: "/v1/limits/usage",
        query: { limit: name, key },
      });
      return {
        ...usage,
        atMs: Date.parse(at),
        ...(opensAt !== undefined && { opensAtMs: Date.parse(opensAt) }),
        ...(throttledUntil !== undefined && { throttledUntilMs: Date.parse(throttledUntil) }),
      };
    },
    setLimit: async (name: string, edit: LimitEdit) => {
      const body = { json: { limit: name, set: edit } };
      return (await transport.json<{ limit?: Limit }>({ method: "POST", path: "/v1/limits", body })).limit;
    },
    workers: async () =>
      (await transport.json<{ workers: Worker[] }>({ path: "/v1/workers" })).workers.map((each) =>
        inMs(each),
      ),
    events: (filter: EventFilter = {}) => feedOf(transport, filter),
    async ready({ signal }: CallOptions = {}) {
      await transport.json({ path: "/readyz", signal });
    },
  };
  // Its overloads are told apart by what they are given, which an object's type cannot say.
  return client as unknown as JobbersClient<W>;
}

/** Finds out whether a name is that of a dag or of a task, once for each. */
function createTargets(
  transport: Transport,
): (what: string | Workflow, signal?: AbortSignal) => Promise<Target> {
  const known = new Map<string, Target>();
  return async (what, signal) => {
    if (typeof what !== "string") return { kind: what.kind, name: what.name };
    const target = known.get(what) ?? (await findTarget(transport, what, signal));
    if (target) known.set(what, target);
    // The refusal of the submit itself says more: which names there are.
    return target ?? { kind: "dag", name: what };
  };
}

async function findTarget(
  transport: Transport,
  name: string,
  signal: AbortSignal | undefined,
): Promise<Target | undefined> {
  try {
    const { kind } = await readDag(transport, name, signal);
    return { kind, name };
  } catch (error) {
    if (error instanceof JobbersHttpError && error.code === "workflow-unknown") return undefined;
    throw error;
  }
}

async function readDag(transport: Transport, name: string, signal?: AbortSignal): Promise<InMs<DagDetail>> {
  return inMs(await transport.json<DagDetail>({ path: `/v1/dags/${encodeURIComponent(name)}`, signal }));
}

function withRun(transport: Transport, target: Target, answer: Submitted): SubmittedItem {
  if (answer.status === "refused") return answer;
  return { ...answer, run: createClientRun(transport, answer.id, target) };
}

async function* feedOf(transport: Transport, filter: EventFilter): AsyncGenerator<FeedEvent> {
  const { run, dag, types, signal } = filter;
  const query = { run, dag, type: types };
  for await (const message of follow(transport, { path: "/v1/events", query, signal })) {
    if (message === "over") return;
    const event = message === "missed" ? ({ type: "gap" } as const) : eventIn(message);
    if (event) yield event;
  }
}
