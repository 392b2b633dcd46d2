import {
  type AnyDag,
  type AnyWorkflow,
  createChooser,
  type DagStep,
  encodeJson,
  errorShape,
  followOf,
  indexPlan,
  JobbersError,
  locate,
  type MapStep,
  type PlanIndex,
  parseWith,
  RunFailed,
  type RunState,
  resolveSource,
  resolveWiring,
  type Scene,
  type StepAddress,
  type StepError,
  type TaskStep,
  valueKey,
} from "@jobbers/core";
import type { FakeClock } from "./fake-clock.js";
import { type Handler, HandlerCalls } from "./handler-calls.js";
import { createMachineRun, type MachineRun, type MachineStep } from "./machine/run.js";
import * as machine from "./machine/transitions.js";
import { Pace } from "./pace.js";
import { allEntries } from "./paging.js";
import type { StepOutcome } from "./run-dag.js";
import { RunValues } from "./run-values.js";

interface Surroundings {
  readonly clock: FakeClock;
  readonly deps: unknown;
  readonly overrides: Readonly<Record<string, Handler>>;
  readonly random: () => number;
}

/**
 * Runs one plan in memory: the machine says what is due, core's functions say what follows, and the real handlers run. Control
 * work is done at once; steps that are ready run side by side.
 */
export class Interpreter {
  readonly id = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
  readonly #workflow: AnyWorkflow;
  readonly #index: PlanIndex;
  readonly #surroundings: Surroundings;
  readonly #run: MachineRun;
  readonly #values: RunValues;
  readonly #pace: Pace;
  readonly #handlers: HandlerCalls;
  readonly #attempts = new Map<StepAddress, number>();

  constructor(workflow: AnyWorkflow, surroundings: Surroundings) {
    const { clock, deps, overrides } = surroundings;
    this.#workflow = workflow;
    this.#index = indexPlan(workflow.plan);
    this.#surroundings = surroundings;
    this.#run = createMachineRun(this.#index);
    this.#values = new RunValues(this.#run);
    this.#pace = new Pace(clock);
    this.#handlers = new HandlerCalls(workflow, this.#pace, { run: this.id, deps, overrides });
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
      // What settles while this works may have more to do for it.
      const before = this.#pace.settled;
      await this.#work();
      if (this.#run.state !== "running") return;
      await this.#pace.goOn(before);
    }
  }

  /** What the run answers. */
  async output(): Promise<unknown> {
    return await resolveWiring(
      { index: this.#index, indices: [], read: this.#values.read },
      this.#index.plan.output,
    );
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
      const output = step.spec.kind === "task" ? this.#values.outputOf(address) : undefined;
      outcomes[address] = {
        state: machine.readState(this.#run, step) as StepOutcome["state"],
        attempts: this.#attempts.get(address) ?? 0,
        ...(step.reason && { reason: step.reason }),
        ...(step.spec.laid !== undefined && step.spec.kind === "task" && { queue: step.spec.queue }),
        ...(output !== undefined && { output }),
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

  /** The plan's step, and where its values are looked up. */
  #located({ spec }: MachineStep) {
    const { step: planStep, indices } = locate(this.#index, spec.address);
    const scene: Scene = { index: this.#index, indices, read: this.#values.read };
    return { planStep, scene };
  }

  #follow({ spec }: MachineStep) {
    const located = locate(this.#index, spec.address);
    return followOf(this.#index, spec.laid === undefined ? located : { ...located, laid: spec.laid });
  }

  async #control(step: MachineStep): Promise<void> {
    const { planStep, scene } = this.#located(step);
    if (step.phase === "advance") machine.advance(this.#run, step, this.#follow(step));
    else if (step.phase === "admit") await this.#admit(step, scene);
    else {
      try {
        if (planStep.kind === "map") await this.#expand(step, planStep, scene);
        else await this.#enter(step, planStep as DagStep, scene);
      } catch (thrown) {
        const isSpread = thrown instanceof JobbersError && thrown.code === "spread-failed";
        const reason = isSpread ? ("error" as const) : ("invalid-input" as const);
        const ending = { reason, error: errorShape(thrown) };
        machine.report(this.#run, step, "failed", this.#follow(step), ending);
      }
    }
  }

  async #admit(step: MachineStep, scene: Scene): Promise<void> {
    const { when } = this.#located(step).planStep;
    if (when === undefined || (await resolveSource(scene, when))) machine.admit(this.#run, step);
    else machine.report(this.#run, step, "skipped", this.#follow(step), { reason: "condition" });
  }

  async #expand(step: MachineStep, map: MapStep, scene: Scene): Promise<void> {
    const list = await resolveSource(scene, map.over);
    if (!Array.isArray(list)) throw new TypeError(`map "${map.name}" needs a list`);
    const { address } = step.spec;
    if (list.length === 0) {
      this.#values.set(address, "0");
      machine.report(this.#run, step, "succeeded", this.#follow(step));
      return;
    }
    const queueOf = this.#chooser(step, map);
    const entries = list.flatMap((item, i) => {
      const laid = queueOf(item, i);
      return allEntries(this.#index, map, [...scene.indices, i], laid);
    });
    for (const [i, item] of list.entries()) this.#values.set(valueKey.item(address, i), JSON.stringify(item));
    const membersEach = this.#index.members(map.name).length;
    machine.expand(this.#run, step, { count: list.length, membersEach, to: list.length }, entries);
  }

  /** There are no queues here, but a spread is asked all the same: what it chose can be looked at, and may be wrong. */
  #chooser({ spec }: MachineStep, map: MapStep): (item: unknown, index: number) => string | undefined {
    if (!map.spread) return () => spec.laid;
    const spread = (this.#workflow as AnyDag).spreads.get(map.name);
    const chooser = createChooser(map.spread, spread, { run: this.id, map: spec.address });
    const depths = new Map<string, number>();
    return (item, index) => chooser.choose(item, index, depths);
  }

  async #enter(step: MachineStep, dag: DagStep, scene: Scene): Promise<void> {
    const what = `input of ${dag.name}`;
    const schema = dag.parses ? (this.#workflow as AnyDag).dags.get(dag.dag)?.input : undefined;
    const input = await parseWith(schema, await resolveWiring(scene, dag.input), what);
    this.#values.set(valueKey.input(step.spec.address), encodeJson(input ?? null, what));
    const members = this.#index.members(dag.name).length;
    const onFailure = this.#index.onFailure(dag.name) !== undefined;
    machine.enter(this.#run, step, members, onFailure, {
      items: allEntries(this.#index, dag, scene.indices, step.spec.laid),
    });
  }

  /** One attempt of a task's step, from its input to what became of it. */
  async #attempt(step: MachineStep): Promise<void> {
    const { planStep, scene } = this.#located(step);
    const { address } = step.spec;
    const task = planStep as TaskStep;
    this.#attempts.set(address, (this.#attempts.get(address) ?? 0) + 1);
    try {
      const raw = await resolveWiring(scene, task.input);
      this.#values.set(address, await this.#handlers.call(step, task, raw));
    } catch (thrown) {
      this.#fail(step, task, thrown);
      return;
    }
    machine.report(this.#run, step, "succeeded", this.#follow(step));
  }

  #fail(step: MachineStep, task: TaskStep, thrown: unknown): void {
    const { clock, random } = this.#surroundings;
    const { reason, error, retryInMs } = this.#handlers.judge(thrown, step, task, random);
    if (retryInMs === undefined) {
      machine.report(this.#run, step, "failed", this.#follow(step), { reason, error });
      return;
    }
    machine.retry(this.#run, step);
    step.error = error;
    clock.timer(retryInMs, () => machine.promote(this.#run, step));
  }
}
