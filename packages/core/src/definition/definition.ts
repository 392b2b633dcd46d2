import { JobbersError } from "../errors/errors.js";
import { type FailureMode, MAX_PLAN_STEPS, ON_FAILURE } from "../plan/plan.js";
import { quoted } from "../values/quoted.js";
import { currentDefinition, during } from "./definition-stack.js";
import {
  type Body,
  createBody,
  type DefinitionInProgress,
  type FailureDraft,
  type MapDraft,
  type Operation,
  type RefData,
  type StepDraft,
  type WiringDraft,
} from "./draft.js";
import type { AnyDag, AnyTask, CallOptions, MapOptions, StepOptions } from "./face.js";
import { linkRef, stepsOf } from "./linking.js";
import { retryPlan } from "./policy.js";
import { createRef, describeRef, refData } from "./ref.js";
import type { Ref } from "./ref-types.js";
import { checkSpread } from "./spread.js";
import { StepNames } from "./step-names.js";
import {
  checkInlining,
  checkOptions,
  checkPriority,
  checkQueue,
  checkTimeout,
  checkTrigger,
} from "./step-options.js";
import { checkStickiness, isSticky } from "./sticky.js";
import { draftWiring } from "./wiring.js";

/** JSON gets five levels deeper with each operation inside another, and a plan may have 64. */
const MAX_OPERATION_DEPTH = 8;
const MAX_OPERATION_SIZE = 1000;

/** A dag while its build function runs: what calls of tasks, dags and `.map` add their steps to. */
export class Definition implements DefinitionInProgress {
  /** In call order; an owner stands before its members, a parent before its dependents. */
  readonly steps: StepDraft[] = [];
  readonly tasks = new Map<string, AnyTask>();
  readonly dags = new Map<string, AnyDag>();
  readonly top: Body = createBody(undefined, undefined);
  #body = this.top;
  #names: StepNames;
  #size = 0;

  constructor(
    readonly dagName: string,
    readonly failure: FailureMode,
    readonly deadlineMs?: number | undefined,
  ) {
    this.#names = new StepNames(dagName);
  }

  /** Runs the build function with a ref of the dag's input. */
  build(build: (input: Ref<unknown>) => unknown): void {
    const input = this.#ref({ from: "input" });
    const result = during(this, () => build(input));
    this.#setOutput(this.top, result, "build function");
  }

  /** Runs the onFailure function, whose steps make a body of their own. */
  buildOnFailure(build: (failure: Ref<unknown>, input: Ref<unknown>) => unknown): void {
    const names = this.#names;
    this.#names = new StepNames(this.dagName, `${ON_FAILURE}/`);
    const step: FailureDraft = {
      ...this.#base(ON_FAILURE, {}),
      kind: "failure",
      trigger: "all_done",
      inside: undefined as unknown as Body,
    };
    const inside = createBody(step, undefined);
    this.#push(Object.assign(step, { inside }), 1);
    const result = during(this, () =>
      this.#inBody(inside, () =>
        build(this.#ref({ from: "failure", body: inside }), this.#ref({ from: "input" })),
      ),
    );
    this.#refusePromise(result, "onFailure function");
    this.#names = names;
  }

  addTask(task: AnyTask, input: unknown, options: CallOptions | undefined): Ref<unknown> {
    const given = checkOptions(options, taskCallOptions, `${this.#at} call of task ${quoted(task.name)}`);
    const name = this.#names.ofCall(task.name, given.name, `a call of task ${quoted(task.name)}`);
    const what = this.#what(name);
    this.#register(this.tasks, task, "tasks");
    const step: StepDraft = {
      ...this.#base(name, given),
      kind: "task",
      task,
      namesQueue: given.queue !== undefined,
      queue: given.queue === undefined ? task.queue : checkQueue(given.queue, what),
      priority: given.priority === undefined ? task.priority : checkPriority(given.priority, what),
      retry: given.retry === undefined ? task.retry : retryPlan(given.retry, `${what}: retry`),
      timeoutMs:
        given.timeout === undefined ? task.timeoutMs : checkTimeout(given.timeout, `${what}: timeout`),
      startWithinMs:
        given.startWithin === undefined
          ? task.startWithinMs
          : checkTimeout(given.startWithin, `${what}: startWithin`),
      inline: given.inline === undefined ? undefined : checkInlining(given.inline, what),
      stickyMs: given.sticky === undefined ? undefined : checkTimeout(given.sticky, `${what}: sticky`),
      input: this.#wiring(input === undefined ? {} : input, `${what}: input`, "items"),
    };
    this.#link(step.input, step);
    return this.#add(step, given, 1);
  }

  addDag(dag: AnyDag, input: unknown, options: StepOptions | undefined): Ref<unknown> {
    const given = checkOptions(options, stepOptions, `${this.#at} call of dag ${quoted(dag.name)}`);
    const name = this.#names.ofCall(dag.name, given.name, `a call of dag ${quoted(dag.name)}`);
    this.#register(this.dags, dag, "dags");
    for (const inner of dag.dags.values()) this.#register(this.dags, inner, "dags");
    for (const inner of dag.tasks.values()) this.#register(this.tasks, inner, "tasks");
    const step: StepDraft = {
      ...this.#base(name, given),
      kind: "dag",
      dag,
      input: this.#wiring(input === undefined ? {} : input, `${this.#what(name)}: input`),
    };
    this.#link(step.input, step);
    return this.#add(step, given, 1 + dag.plan.steps.length);
  }

  addMap(over: RefData, build: unknown, options: MapOptions<unknown> | undefined): Ref<unknown> {
    const label = `the map over ${describeRef(over)}`;
    this.#refuseClosed(label);
    this.#refuseItems(over, label);
    const given = checkOptions(options, mapOptions, `${this.#at} ${label}`);
    if (typeof build !== "function" || "kind" in build) {
      throw this.#error(`${label} has no body; write .map((item) => someTask({ … }))`);
    }
    const step: MapDraft = {
      ...this.#base(given.name ?? label, given),
      kind: "map",
      over,
      inside: undefined as unknown as Body,
      ...this.#spreadOf(given.spread, label),
    };
    const inside = createBody(step, this.#body);
    this.#linkRef(over, false, step, this.#body);
    const ref = this.#add(Object.assign(step, { inside }), given, 1);
    const item = this.#ref({ from: "item", body: inside });
    const index = this.#ref({ from: "index", body: inside });
    const result: unknown = this.#inBody(inside, () => build(item, index));
    this.#setOutput(inside, result, `body of ${label}`);
    step.name = this.#names.ofMap(namesake(inside, result)?.name, given.name, label);
    return ref;
  }

  addOperation(from: Operation["from"], args: readonly unknown[]): Ref<unknown> {
    const name = from === "or" ? "orElse()" : `${from}()`;
    const drafts = args.map((arg) => this.#wiring(arg === undefined ? null : arg, `${this.#at} ${name}`));
    const inner = drafts
      .flatMap(({ wires }) => wires.map(({ ref }) => ref.origin))
      .filter((each) => "args" in each);
    const depth = inner.reduce((deepest, each) => Math.max(deepest, 1 + each.depth), 1);
    const size = inner.reduce((sum, each) => sum + each.size, 1);
    if (depth > MAX_OPERATION_DEPTH || size > MAX_OPERATION_SIZE) {
      const most = `${MAX_OPERATION_DEPTH} deep, ${MAX_OPERATION_SIZE} in all`;
      throw this.#error(`${name} contains too many operations (at most ${most}); let a task decide`);
    }
    return this.#ref({ from, args: drafts, depth, size });
  }

  // ------------------------------------------------------------------------------------------------------------ pieces

  get #at(): string {
    return `dag ${quoted(this.dagName)}:`;
  }

  #what(step: string): string {
    return `${this.#at} step ${quoted(step)}`;
  }

  #error(message: string): JobbersError {
    return new JobbersError("definition-invalid", `${this.#at} ${message}`);
  }

  #ref(origin: RefData["origin"]): Ref<unknown> {
    return createRef({ definition: this, origin, path: [] });
  }

  #base(name: string, given: StepOptions) {
    const when = given.when === undefined ? undefined : refData(given.when);
    if (given.when !== undefined && !when) {
      throw this.#error(
        `step ${quoted(name)}: when is ${quoted(given.when)}; it takes a boolean ref, such as eq(a, b)`,
      );
    }
    if (when) this.#refuseItems(when, `step ${quoted(name)}: when`);
    const trigger =
      given.trigger === undefined ? "all_success" : checkTrigger(given.trigger, this.#what(name));
    return {
      name,
      body: this.#body,
      parents: new Set<StepDraft>(),
      bare: new Set<StepDraft>(),
      trigger,
      when,
    };
  }

  /** Completes a step whose data is linked with what its options wait for, and puts it into the body. */
  #add(step: StepDraft, given: StepOptions, size: number): Ref<unknown> {
    if (step.when) this.#linkRef(step.when, false, step, this.#body);
    const after: readonly unknown[] =
      given.after === undefined ? [] : Array.isArray(given.after) ? given.after : [given.after];
    for (const each of after) {
      const ref = refData(each);
      if (!ref || stepsOf(ref).length === 0) {
        const what = ref ? describeRef(ref) : quoted(each);
        throw this.#error(
          `step ${quoted(step.name)}: after names ${what}; it takes what calling a step gave`,
        );
      }
      this.#linkRef(ref, true, step, this.#body);
    }
    checkStickiness(step, `${this.#at} ${step.kind === "map" ? step.name : `step ${quoted(step.name)}`}`);
    return this.#push(step, size);
  }

  #spreadOf(spread: MapOptions<unknown>["spread"], label: string): Pick<MapDraft, "spread" | "stickyMs"> {
    if (isSticky(spread)) return { spread: undefined, stickyMs: spread.withinMs };
    return { spread: spread && checkSpread(spread, `${this.#at} ${label}: spread`), stickyMs: undefined };
  }

  #push(step: StepDraft, size: number): Ref<unknown> {
    this.#size += size;
    if (this.#size > MAX_PLAN_STEPS) {
      throw this.#error(
        `step ${quoted(step.name)} is one too many: a plan has at most ${MAX_PLAN_STEPS} steps; map over a list instead`,
      );
    }
    this.steps.push(step);
    step.body.members.push(step);
    return this.#ref({ from: "step", step });
  }

  #wiring(value: unknown, what: string, takes?: "items"): WiringDraft {
    const draft = draftWiring(value, what);
    for (const { ref } of draft.wires) {
      this.#refuseStranger(ref);
      if (takes === undefined || ref.path.length > 0) this.#refuseItems(ref, what);
    }
    return draft;
  }

  /** What is read page by page is no JSON: only a handler can take it, and as a whole. */
  #refuseItems({ origin, path }: RefData, what: string): void {
    if (origin.from !== "items") return;
    const why = path.length > 0 ? "no part of it can be taken" : "only the input of a task's call may";
    const where = what.startsWith(this.#at) ? what : `${this.#at} ${what}`;
    throw new JobbersError("definition-invalid", `${where} takes items(), but ${why}`);
  }

  #link(wiring: WiringDraft, step: StepDraft): void {
    for (const { ref } of wiring.wires) this.#linkRef(ref, false, step, this.#body);
  }

  #linkRef(ref: RefData, unread: boolean, user: StepDraft | undefined, body: Body): void {
    this.#refuseStranger(ref);
    const hidden = linkRef(ref, { unread, user, body });
    if (!hidden) return;
    const where = user ? `step ${quoted(user.name)} uses` : "an output uses";
    const why = "it belongs to a map body or an onFailure body, or comes from outside one that cannot see it";
    throw this.#error(`${where} ${describeRef(hidden)}, which is out of its reach: ${why}`);
  }

  #refuseStranger(ref: RefData): void {
    if (ref.definition === this) return;
    const other = `${describeRef(ref)} of dag ${quoted(ref.definition.dagName)}`;
    throw this.#error(
      `${other} is used here; a ref works only in the definition that made it: pass the value as input`,
    );
  }

  #refuseClosed(what: string): void {
    if (currentDefinition() !== this)
      throw this.#error(`${what} comes too late or from inside another dag()`);
  }

  #refusePromise(result: unknown, what: string): void {
    if (!isPromise(result)) return;
    // What goes wrong later in the promise is a consequence of what is thrown here.
    result.then(undefined, () => {});
    throw this.#error(
      `the ${what} is async; it only wires steps together and has to return at once, without await`,
    );
  }

  #setOutput(body: Body, result: unknown, what: string): void {
    this.#refusePromise(result, what);
    body.output = this.#wiring(result === undefined ? null : result, `${this.#at} what the ${what} returns`);
    for (const { ref } of body.output.wires) this.#linkRef(ref, false, undefined, body);
  }

  #inBody<R>(body: Body, call: () => R): R {
    const outer = this.#body;
    this.#body = body;
    try {
      return call();
    } finally {
      this.#body = outer;
    }
  }

  #register<W extends AnyTask | AnyDag>(known: Map<string, W>, workflow: W, what: string): void {
    const other = known.get(workflow.name);
    if (workflow.name === this.dagName && what === "dags")
      throw this.#error(`a dag inside it has the same name`);
    if (other && other !== workflow)
      throw this.#error(`two different ${what} in it are named ${quoted(workflow.name)}`);
    known.set(workflow.name, workflow);
  }
}

const stepOptions = ["name", "when", "trigger", "after"] as const;
const taskCallOptions = [
  ...stepOptions,
  "queue",
  "priority",
  "retry",
  "timeout",
  "startWithin",
  "inline",
  "sticky",
] as const;
const mapOptions = [...stepOptions, "spread"] as const;

/** The step that a map is named after: what its body returns when that is one of its own steps, else its last step. */
function namesake(body: Body, result: unknown): StepDraft | undefined {
  const origin = refData(result)?.origin;
  const returned = origin?.from === "step" && origin.step.body === body ? origin.step : undefined;
  return returned ?? body.members.at(-1);
}

/** A promise by its method, as far as that is no ref: data may have a property named `then`. */
function isPromise(value: unknown): value is PromiseLike<unknown> {
  if (refData(value) || typeof value !== "object" || value === null || !("then" in value)) return false;
  return typeof value.then === "function" && !refData(value.then);
}
