import { JobbersError } from "../errors/errors.js";
import type { Plan, TaskStep } from "../plan/plan.js";
import { planVersion } from "../plan/version.js";
import { checkName } from "../values/ids.js";
import { quoted } from "../values/quoted.js";
import { parseWith } from "../values/schema.js";
import {
  type BatchContext,
  type BatchHandler,
  type BatchPlan,
  type BatchTaskOptions,
  batchOfOne,
  batchPlan,
  runBatch,
} from "./batch.js";
import type { TaskContext } from "./context.js";
import { currentDefinition } from "./definition-stack.js";
import type { AnyTask, In, Parsed, Schema, Stored, Taken, Task, TaskOptions, TaskPolicy } from "./face.js";
import { checkHooks } from "./hooks.js";
import { isolationOf } from "./isolation.js";
import { checkLimit, type Limit } from "./limits.js";
import { once } from "./once.js";
import { durationMs, taskRetry } from "./policy.js";
import {
  checkEvents,
  checkHeartbeat,
  checkKeepLogs,
  checkOptions,
  checkPriority,
  checkQueue,
  checkSchema,
  checkSlots,
  checkTags,
  checkTimeout,
} from "./step-options.js";

const taskOptions = [
  ...["name", "input", "output", "queue", "priority", "retry", "timeout", "startWithin", "heartbeat"],
  ...["limits", "fair", "keep", "deadline", "events", "slots", "keepLogs", "tags", "hooks", "run"],
];

/**
 * Defines a task: a named, typed async function with its policy.
 *
 * Inside `dag()` a call of it adds a step and answers a typed ref; `run` calls its function, for unit tests.
 *
 * @throws JobbersError `definition-invalid` or `name-invalid`, naming the task and the option
 * @example
 * const double = task({
 *   name: "double",
 *   input: z.object({ n: z.number() }),
 *   run: async ({ n }) => n * 2,
 * });
 */
export function task<S extends Schema | undefined = undefined, R = unknown, O = R>(
  given: TaskOptions<S, R, O>,
): Task<Taken<In<S>>, Stored<O>, Parsed<S>> {
  const options = checkOptions(given, [...taskOptions, "isolate", "module", "maxMemory"], "task()");
  return define(options as unknown as AnyOptions, undefined) as never;
}

/**
 * Defines a batch task: its function takes the inputs of many steps in one call, and answers one for each.
 *
 * To the outside it is a task like any other: each call inside `dag()` is a step with one input and one output.
 *
 * @throws JobbersError `definition-invalid` or `name-invalid`, naming the task and the option
 * @example
 * const index = batchTask({
 *   name: "index",
 *   input: z.object({ url: z.string() }),
 *   batch: { size: 100, wait: "20ms" },
 *   run: async (pages) => pages.map(({ url }) => url.length),
 * });
 */
export function batchTask<S extends Schema | undefined = undefined, R = unknown, O = R>(
  given: BatchTaskOptions<S, R, O>,
): Task<Taken<In<S>>, Stored<O>, Parsed<S>> {
  const options = checkOptions(given, [...taskOptions, "batch"], "batchTask()");
  const batch = batchPlan(options.batch, `task ${quoted(options.name)}: batch`);
  return define(options as unknown as AnyOptions, batch) as never;
}

function define(options: AnyOptions, batch: BatchPlan | undefined): AnyTask {
  const name = checkName(options.name, "task name");
  const what = `task ${quoted(name)}`;
  if (typeof options.run !== "function") {
    throw new JobbersError(
      "definition-invalid",
      `${what}: run is ${quoted(options.run)}; it takes a function`,
    );
  }
  checkSchema(options.input, `${what}: input`);
  checkSchema(options.output, `${what}: output`);
  const policy = policyOf(options, what);
  const isolation = isolationOf(options, what);
  const calls = callsOf(options, batch !== undefined);
  const limits = ((options.limits ?? []) as readonly Limit<unknown>[]).map((limit, at) =>
    checkLimit(limit, `${what}: limits[${at}]`),
  );
  checkLimitNames(limits, what);
  if (options.fair !== undefined && typeof options.fair !== "function")
    throw new JobbersError(
      "definition-invalid",
      `${what}: fair is ${quoted(options.fair)}; it takes a function from the input to text`,
    );
  const self = (input: unknown, callOptions: unknown) => {
    const definition = currentDefinition();
    if (definition) return definition.addTask(self as unknown as AnyTask, input, callOptions);
    const how = `use ${name}.run(input, testContext()) in a test, or submit it as a run`;
    throw new JobbersError(
      "definition-invalid",
      `${what} is called outside the build function of a dag(); ${how}`,
    );
  };
  const plan = once(() => taskPlan(name, policy));
  const version = once(() => planVersion(plan()));
  Object.defineProperties(self, {
    ...fields({
      kind: "task",
      name,
      options,
      input: options.input,
      output: options.output,
      limits,
      fair: options.fair,
      isolation,
      batch,
      ...policy,
      ...calls,
    }),
    plan: { get: plan, enumerable: true },
    version: { get: version, enumerable: true },
  });
  return self as unknown as AnyTask;
}

function checkLimitNames(limits: readonly Limit<unknown>[], what: string): void {
  limits.forEach(({ name }, at) => {
    if (name === undefined || limits.findIndex((other) => other.name === name) === at) return;
    throw new JobbersError(
      "definition-invalid",
      `${what}: limits[${at}] has the name ${quoted(name)} once more`,
    );
  });
}

function policyOf(options: TaskPolicy, what: string) {
  const {
    queue = "default",
    priority,
    timeout,
    startWithin,
    heartbeat,
    keep,
    deadline,
    tags,
    hooks,
  } = options;
  const retry = taskRetry(options.retry, `${what}: retry`);
  return {
    queue: checkQueue(queue, what),
    priority: priority === undefined ? undefined : checkPriority(priority, what),
    retry: retry.plan,
    retryOn: retry.on,
    timeoutMs: timeout === undefined ? undefined : checkTimeout(timeout, `${what}: timeout`),
    startWithinMs: startWithin === undefined ? undefined : checkTimeout(startWithin, `${what}: startWithin`),
    heartbeatMs: heartbeat === undefined ? undefined : checkHeartbeat(heartbeat, `${what}: heartbeat`),
    keepMs: keep === undefined ? undefined : durationMs(keep, `${what}: keep`),
    deadlineMs: deadline === undefined ? undefined : checkTimeout(deadline, `${what}: deadline`),
    events: checkEvents(options.events, what),
    slots: options.slots === undefined ? 1 : checkSlots(options.slots, what),
    keepLogs: checkKeepLogs(options.keepLogs, `${what}: keepLogs`),
    tags: checkTags(tags, what),
    hooks: checkHooks(hooks, `${what}: hooks`),
  };
}

/** A task's options, whatever its types. */
type AnyOptions = TaskOptions<undefined, unknown, unknown>;

/** How a task's function is called: with one input, and where it is one for batches, with many. */
function callsOf(options: AnyOptions, isBatch: boolean): Pick<AnyTask, "run" | "runBatch"> {
  if (!isBatch) return { run: (input, ctx) => runTask(options, input as Parsed<undefined>, ctx) };
  const handler = { name: options.name, run: options.run as unknown as BatchHandler, output: options.output };
  const runMany = (inputs: readonly unknown[], ctx: BatchContext) => runBatch(handler, inputs, ctx);
  const run: AnyTask["run"] = async (input, ctx) => {
    const [answer] = await runMany([input], batchOfOne(ctx));
    if (answer instanceof Error) throw answer;
    return answer;
  };
  return { run, runBatch: runMany };
}

/** Small tasks are called by the thousand, so that this adds as little as may be to the promise of their function. */
function runTask(options: AnyOptions, input: Parsed<undefined>, ctx: TaskContext): Promise<unknown> {
  try {
    const returned: Promise<unknown> = Promise.resolve(options.run(input, ctx));
    return options.output === undefined ? returned.then(orNull) : parsedOutput(options, returned);
  } catch (thrown) {
    return Promise.reject(thrown);
  }
}

async function parsedOutput({ output, name }: AnyOptions, returned: Promise<unknown>): Promise<unknown> {
  return orNull(await parseWith(output, await returned, `output of ${name}`, "output-invalid"));
}

function orNull(output: unknown): unknown {
  return output === undefined ? null : output;
}

/** The plan of a run of this task alone: one step that takes the run's input and gives its output. */
function taskPlan(name: string, policy: ReturnType<typeof policyOf>): Plan {
  const { queue, priority, retry, timeoutMs, startWithinMs, heartbeatMs, deadlineMs, events } = policy;
  const step: TaskStep = {
    name,
    parents: [],
    trigger: "all_success",
    kind: "task",
    task: name,
    queue,
    ...(priority !== undefined && { priority }),
    retry,
    ...(timeoutMs !== undefined && { timeoutMs }),
    ...(startWithinMs !== undefined && { startWithinMs }),
    ...(heartbeatMs !== undefined && { heartbeatMs }),
    ...(events === "each" && { events }),
    input: { value: null, wires: [{ at: [], source: { from: "input", path: [] } }] },
  };
  const output = {
    value: null,
    wires: [{ at: [], source: { from: "step", step: name, path: [] } }],
  } as const;
  const deadline = deadlineMs === undefined ? {} : { deadlineMs };
  return { format: 1, kind: "task", name, failure: "stop", ...deadline, steps: [step], output };
}

function fields(values: Record<string, unknown>): PropertyDescriptorMap {
  return Object.fromEntries(
    Object.entries(values).map(([key, value]) => [key, { value, enumerable: true, configurable: true }]),
  );
}
