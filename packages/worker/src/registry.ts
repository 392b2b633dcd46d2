import {
  type AnyDag,
  type AnyTask,
  type AnyWorkflow,
  canonicalJson,
  type FairQueues,
  JobbersError,
  type JsonValue,
  jsonSchemaText,
  quoted,
  type Registration,
  type TaskLimits,
  taskLimitsOf,
} from "@jobbers/core";

/** What a worker can do: the code behind the names that plans use. */
export interface Registry {
  readonly tasks: ReadonlyMap<string, AnyTask>;
  /** Dags by name, for the schemas of inlined ones. */
  readonly dags: ReadonlyMap<string, AnyDag>;
  /** What its sessions serve: task names, and `dag:NAME` for dags. */
  readonly serves: readonly string[];
  /** Every queue in which a step of its workflows stands, or may be laid by a spread. */
  readonly queues: readonly string[];
  /** The queues in which steps of a task stand. */
  readonly queuesOf: ReadonlyMap<string, readonly string[]>;
  readonly registrations: readonly Registration[];
  /** The limits of all its tasks. */
  readonly limits: readonly TaskLimits[];
  readonly fairQueues: FairQueues | undefined;
}

/**
 * Collects the tasks and dags of workflows; a dag brings its tasks and inlined dags along.
 *
 * @param fairQueues what says whose turn steps take in some queues, for tasks that say nothing themselves
 * @throws JobbersError `definition-invalid` when two different tasks or dags have one name
 */
export function createRegistry(workflows: readonly AnyWorkflow[], fairQueues?: FairQueues): Registry {
  const tasks = new Map<string, AnyTask>();
  const dags = new Map<string, AnyDag>();
  for (const workflow of workflows) {
    if (workflow.kind === "task") {
      register(tasks, workflow);
      continue;
    }
    register(dags, workflow);
    for (const dag of workflow.dags.values()) register(dags, dag);
    for (const task of workflow.tasks.values()) register(tasks, task);
  }
  return {
    tasks,
    dags,
    serves: [...tasks.keys(), ...[...dags.keys()].map((name) => `dag:${name}`)],
    queues: [...new Set([...workflows.flatMap(queuesOf), ...[...tasks.values()].map((task) => task.queue)])],
    queuesOf: queuesByTask(workflows, tasks),
    registrations: [...new Set(workflows)].map(registrationOf),
    limits: limitsOf([...tasks.values()], fairQueues),
    fairQueues,
  };
}

function register<W extends AnyWorkflow>(known: Map<string, W>, workflow: W): void {
  const other = known.get(workflow.name);
  // Two imports of one module may define one thing twice; what counts for a dag is that the plans agree.
  if (other && other !== workflow && !(workflow.kind === "dag" && other.version === workflow.version)) {
    const what = `two different ${workflow.kind}s are named ${quoted(workflow.name)}`;
    throw new JobbersError("definition-invalid", `${what}; a worker can tell them apart by name only`);
  }
  known.set(workflow.name, workflow);
}

function queuesByTask(
  workflows: readonly AnyWorkflow[],
  tasks: ReadonlyMap<string, AnyTask>,
): Map<string, readonly string[]> {
  const found = new Map([...tasks.values()].map(({ name, queue }) => [name, new Set([queue])]));
  for (const { steps } of workflows.map(({ plan }) => plan)) {
    const byName = new Map(steps.map((step) => [step.name, step]));
    for (const step of steps) {
      if (step.kind !== "task") continue;
      const queues = found.get(step.task)?.add(step.queue);
      // The spreads of the maps around it may lay it elsewhere.
      for (let around = step.in; around !== undefined; around = byName.get(around)?.in) {
        const map = byName.get(around);
        if (map?.kind === "map") for (const queue of map.spread?.queues ?? []) queues?.add(queue);
      }
    }
  }
  return new Map([...found].map(([name, queues]) => [name, [...queues]]));
}

/** One limit for the whole cluster has one setting, whoever declares it. */
function limitsOf(tasks: readonly AnyTask[], fairQueues: FairQueues | undefined): TaskLimits[] {
  const known = new Map<string, { readonly setting: string; readonly task: string }>();
  const all = tasks.map((task) => taskLimitsOf(task, fairQueues));
  for (const { task, limits } of all)
    for (const { name, setting } of limits) {
      const text = JSON.stringify(setting);
      const other = known.get(name);
      if (other && other.setting !== text) {
        const what = `tasks ${quoted(other.task)} and ${quoted(task)} declare the limit ${quoted(name)}`;
        throw new JobbersError(
          "definition-invalid",
          `${what} with different settings: ${other.setting} and ${text}`,
        );
      }
      known.set(name, { setting: text, task });
    }
  return all;
}

function queuesOf(workflow: AnyWorkflow): string[] {
  return workflow.plan.steps.flatMap((step) => {
    if (step.kind === "task") return [step.queue];
    return step.kind === "map" && step.spread ? step.spread.queues : [];
  });
}

/** What others have to know in order to submit it without its code. */
function registrationOf(workflow: AnyWorkflow): Registration {
  const { kind, name, plan, version, input, tags } = workflow;
  const inputSchema = jsonSchemaText(input, "input");
  const outputSchema = kind === "task" ? jsonSchemaText(workflow.output, "output") : undefined;
  const keepMs = kind === "task" ? workflow.keepMs : undefined;
  return {
    ...{ kind, name, plan: version, planText: canonicalJson(plan as unknown as JsonValue) },
    ...(inputSchema !== undefined && { inputSchema }),
    ...(outputSchema !== undefined && { outputSchema }),
    ...(kind === "dag" && input !== undefined && { parses: true }),
    ...(tags.length > 0 && { tags }),
    ...(keepMs !== undefined && { keepMs }),
  };
}
