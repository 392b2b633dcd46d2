import {
  type AnyDag,
  type AnyTask,
  type AnyWorkflow,
  encodeJson,
  entriesOf,
  errorShape,
  followOf,
  indexPlan,
  type JsonValue,
  locate,
  type PlanIndex,
  type PlanStep,
  parseWith,
  type ReadValues,
  RunFailed,
  type RunState,
  resolveSource,
  resolveWiring,
  retryDelayMs,
  type Scene,
  type StepAddress,
  type StepError,
  type StepReason,
  type TaskContext,
  type TaskStep,
  testContext,
  valueKey,
} from "@jobbers/core";
import type { FakeClock } from "./fake-clock.js";
import { createMachineRun, type MachineRun, type MachineStep } from "./machine/run.js";
import * as machine from "./machine/transitions.js";
import { AttemptOver, Pace } from "./pace.js";
import { instanceEntries } from "./paging.js";
import type { StepOutcome } from "./run-dag.js";

/** A handler to run instead of a task's own; its input is parsed by the task's schema. */
export type Handler = (input: never, ctx: TaskContext<never>) => unknown;

interface Scenery {
  readonly clock: FakeClock;
  readonly deps: unknown;
  readonly overrides: Readonly<Record<string, Handler>>;
  readonly random: () => number;
}

/** A failure that another try would not change. */
class Final {
  constructor(
    readonly thrown: unknown,
    readonly reason: StepReason,
  ) {}
}

const FAILURE_KEY = valueKey.failure("");

/**
 * Runs one plan in memory: the machine of `machine/` says what is due, core's functions say what follows, and the real handlers
 * run. Control work is done at once; steps that are ready run side by side.
 */
export class Interpreter {
  readonly id = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
  readonly #workflow: AnyWorkflow;
  readonly #index: PlanIndex;
  readonly #scenery: Scenery;
  readonly #run: MachineRun;
  readonly #pace: Pace;
  readonly #values = new Map<string, string>();
  readonly #attempts = new Map<StepAddress, number>();
  readonly #read: ReadValues = async (keys) => Object.fromEntries(keys.map((key) => [key, this.#value(key)]));

  constructor(workflow: AnyWorkflow, scenery: Scenery) {
    this.#workflow = workflow;
    this.#index = indexPlan(workflow.plan);
    this.#scenery = scenery;
    this.#run = createMachineRun(this.#index);
    this.#pace = new Pace(scenery.clock);
  }

  get state(): RunState {
    return this.#run.state;
  }

  /** Runs to the end. */
  async run(input: unknown): Promise<void> {
    const { kind, name, input: schema } = this.#workflow;
    const parsed = kind === "dag" ? await parseWith(schema, input, `input of ${name}`) : input;
    this.#values.set(valueKey.input(""), encodeJson(parsed ?? null, `input of ${name}`));
    machine.startEntries(this.#run, allEntries(this.#index, undefined, []));
    for (;;) {
      await this.#work();
      if (this.#run.state !== "running") return;
      await this.#pace.goOn();
    }
  }

  /** What the run answers. */
  output(): Promise<unknown> {
    return resolveWiring({ index: this.#index, indices: [], read: this.#read }, this.#index.plan.output);
  }

  /** What failed first, as an error. */
  failure(): RunFailed {
    const { step, error } = this.#run.body.failure ?? { step: "", error: null };
    const attempts = this.#attempts.get(step) ?? 0;
    return new RunFailed({ run: this.id, step, error: error as StepError, attempts });
  }

  /** What became of each step that was reached. */
  outcomes(): Record<StepAddress, StepOutcome> {
    const outcomes: Record<StepAddress, StepOutcome> = {};
    for (const [address, step] of this.#run.steps) {
      const output = this.#values.get(address);
      outcomes[address] = {
        state: machine.readState(this.#run, step) as StepOutcome["state"],
        attempts: this.#attempts.get(address) ?? 0,
        ...(step.reason && { reason: step.reason }),
        ...(output !== undefined && step.spec.kind === "task" && { output: JSON.parse(output) as JsonValue }),
        ...(step.error != null && { error: step.error as StepError }),
      };
    }
    return outcomes;
  }

  /** Does what can be done now; handlers that were started go on by themselves. */
  async #work(): Promise<void> {
    for (let step = this.#nextInLine(); step; step = this.#nextInLine()) {
      if (machine.isDoomed(this.#run, step)) {
        machine.popDoomed(this.#run, step);
        continue;
      }
      machine.take(step);
      if (step.phase === "run") this.#pace.start(this.#attempt(step));
      else await this.#control(step);
    }
  }

  #nextInLine(): MachineStep | undefined {
    for (;;) {
      const step = this.#run.line.shift();
      if (!step || step.place === "line") return step;
    }
  }

  #located(step: MachineStep) {
    const located = locate(this.#index, step.spec.address);
    const scene: Scene = { index: this.#index, indices: located.indices, read: this.#read };
    return { located, scene, follow: () => followOf(this.#index, located, step.cursor) };
  }

  async #control(step: MachineStep): Promise<void> {
    const { located, scene, follow } = this.#located(step);
    const run = this.#run;
    const { step: planStep } = located;
    if (step.phase === "advance") return machine.advance(run, step, follow());
    if (step.phase === "admit") {
      const admitted = planStep.when === undefined || (await resolveSource(scene, planStep.when));
      if (admitted) return machine.admit(run, step);
      return machine.report(run, step, "skipped", follow(), { reason: "condition" });
    }
    try {
      if (planStep.kind === "map") await this.#expand(step, planStep, scene);
      else if (planStep.kind === "dag") await this.#enter(step, planStep, scene);
    } catch (thrown) {
      machine.report(run, step, "failed", follow(), { reason: "invalid-input", error: errorShape(thrown) });
    }
  }

  async #expand(step: MachineStep, map: PlanStep & { kind: "map" }, scene: Scene): Promise<void> {
    const list = await resolveSource(scene, map.over);
    if (!Array.isArray(list)) throw new TypeError(`map "${map.name}" needs a list`);
    const { address } = step.spec;
    if (list.length === 0) this.#values.set(address, "0");
    if (list.length === 0)
      return machine.report(
        this.#run,
        step,
        "succeeded",
        followOf(this.#index, locate(this.#index, address)),
      );
    list.forEach((item, i) => void this.#values.set(valueKey.item(address, i), JSON.stringify(item)));
    const entries = list.flatMap((_, i) => instanceEntries(this.#index, map, [...scene.indices, i]));
    const membersEach = this.#index.members(map.name).length;
    machine.expand(this.#run, step, { count: list.length, membersEach, to: list.length }, entries);
  }

  async #enter(step: MachineStep, dag: PlanStep & { kind: "dag" }, scene: Scene): Promise<void> {
    const what = `input of ${dag.name}`;
    const schema = dag.parses ? this.#dag(dag.dag)?.input : undefined;
    const input = await parseWith(schema, await resolveWiring(scene, dag.input), what);
    this.#values.set(valueKey.input(step.spec.address), encodeJson(input ?? null, what));
    const members = this.#index.members(dag.name).length;
    const items = allEntries(this.#index, dag, scene.indices);
    machine.enter(this.#run, step, members, this.#index.onFailure(dag.name) !== undefined, { items });
  }

  /** One attempt of a task's step, from its input to what became of it. */
  async #attempt(step: MachineStep): Promise<void> {
    const { located, scene } = this.#located(step);
    const planStep = located.step as TaskStep;
    const { address } = step.spec;
    this.#attempts.set(address, (this.#attempts.get(address) ?? 0) + 1);
    let output: string;
    try {
      output = await this.#handle(step, planStep, scene);
    } catch (thrown) {
      return this.#fail(step, planStep, thrown);
    }
    this.#values.set(address, output);
    machine.report(this.#run, step, "succeeded", followOf(this.#index, located));
  }

  async #handle(step: MachineStep, planStep: TaskStep, scene: Scene): Promise<string> {
    const task = this.#task(planStep.task);
    const raw = await resolveWiring(scene, planStep.input);
    const input = await orFinal(
      () => parseWith(task?.input, raw, `input of ${planStep.task}`),
      "invalid-input",
    );
    const override =
      Object.hasOwn(this.#scenery.overrides, planStep.task) && this.#scenery.overrides[planStep.task];
    if (!override && !task) throw new Final(new Error(`no task "${planStep.task}" is known`), "error");
    const output = await this.#pace.within(planStep, async (signal, heartbeat) => {
      const ctx = this.#context(step, signal, heartbeat);
      return override ? override(input as never, ctx as never) : (task as AnyTask).run(input, ctx);
    });
    return orFinal(
      () => encodeJson(output === undefined ? null : output, `output of ${planStep.task}`),
      "invalid-output",
    );
  }

  #context(step: MachineStep, signal: AbortSignal, heartbeat: () => void): TaskContext {
    const { address } = step.spec;
    return testContext({
      ...{ run: this.id, step: address, attempt: step.fence, tries: step.tries + 1, signal, heartbeat },
      ...{ deps: this.#scenery.deps, idempotencyKey: `${this.id}:${address}` },
    });
  }

  #fail(step: MachineStep, { retry }: TaskStep, thrown: unknown): void {
    const final = thrown instanceof Final;
    const reason: StepReason = final
      ? thrown.reason
      : thrown instanceof AttemptOver
        ? thrown.reason
        : "error";
    const error = errorShape(final ? thrown.thrown : thrown);
    const follow = () => followOf(this.#index, locate(this.#index, step.spec.address));
    if (final || step.tries + 1 >= retry.attempts)
      return machine.report(this.#run, step, "failed", follow(), { reason, error });
    machine.retry(this.#run, step);
    step.error = error;
    this.#scenery.clock.timer(retryDelayMs(retry, step.tries, this.#scenery.random), () =>
      machine.promote(this.#run, step),
    );
  }

  /** A value as a store keeps it: what handlers answered, and what the machine knows of bodies. */
  #value(key: string): string | null {
    const kept = this.#values.get(key);
    if (kept !== undefined) return kept;
    const { steps, body } = this.#run;
    if (key.endsWith(FAILURE_KEY)) {
      const owner = key.slice(0, -FAILURE_KEY.length);
      const failure = (owner === "" ? body : steps.get(owner)?.body)?.failure;
      return failure ? JSON.stringify(failure) : null;
    }
    const step = steps.get(key);
    if (step?.state !== "succeeded" || !step.body) return null;
    return step.spec.kind === "map" ? String(step.count) : "null";
  }

  #task(name: string): AnyTask | undefined {
    const { kind } = this.#workflow;
    if (kind === "task") return this.#workflow as AnyTask;
    return (this.#workflow as AnyDag).tasks.get(name);
  }

  #dag(name: string): AnyDag | undefined {
    return this.#workflow.kind === "dag" ? (this.#workflow as AnyDag).dags.get(name) : undefined;
  }
}

function allEntries(index: PlanIndex, owner: PlanStep | undefined, indices: readonly number[]) {
  const all = [];
  for (let cursor: number | undefined = 0; cursor !== undefined; ) {
    const page: ReturnType<typeof entriesOf> = entriesOf(index, owner, indices, cursor);
    all.push(...page.items);
    cursor = page.next;
  }
  return all;
}

async function orFinal<T>(act: () => T | Promise<T>, reason: StepReason): Promise<T> {
  try {
    return await act();
  } catch (thrown) {
    throw new Final(thrown, reason);
  }
}
