import {
  type AnyDag,
  type AnyTask,
  type AnyWorkflow,
  encodeJson,
  errorShape,
  JobbersError,
  nextTryMs,
  parseWith,
  type StepError,
  type StepReason,
  type TaskContext,
  type TaskStep,
  testContext,
} from "@jobbers/core";
import type { MachineStep } from "./machine/run.js";
import { AttemptOver, type Pace } from "./pace.js";

/** A handler to run instead of a task's own; its input is parsed by the task's schema. */
export type Handler = (input: never, ctx: TaskContext<never>) => unknown;

/** What handlers are called with. */
export interface Scenery {
  readonly run: string;
  readonly deps: unknown;
  readonly overrides: Readonly<Record<string, Handler>>;
}

/** Why an attempt failed, and how long until the next one, where there is one. */
export interface Verdict {
  readonly reason: StepReason;
  readonly error: StepError;
  readonly retryInMs: number | undefined;
}

/** A failure that another try would not change. */
class Final {
  constructor(
    readonly thrown: unknown,
    readonly reason: StepReason,
  ) {}
}

/** Calls the handlers of a workflow's tasks, as a worker does: input parsed, time limited, output checked. */
export class HandlerCalls {
  readonly #workflow: AnyWorkflow;
  readonly #pace: Pace;
  readonly #scenery: Scenery;

  constructor(workflow: AnyWorkflow, pace: Pace, scenery: Scenery) {
    this.#workflow = workflow;
    this.#pace = pace;
    this.#scenery = scenery;
  }

  /** One attempt; answers the output's JSON text. */
  async call(step: MachineStep, planStep: TaskStep, raw: unknown): Promise<string> {
    const { task: name } = planStep;
    const task = this.#task(name);
    const { overrides } = this.#scenery;
    const override = Object.hasOwn(overrides, name) ? overrides[name] : undefined;
    if (!override && !task) throw new Final(new Error(`no task "${name}" is known`), "error");
    const input = await orFinal(() => parseWith(task?.input, raw, `input of ${name}`), "invalid-input");
    const output = await this.#pace.within(planStep, async (signal, heartbeat) => {
      const ctx = this.#context(step, signal, heartbeat);
      return override ? override(input as never, ctx as never) : (task as AnyTask).run(input, ctx);
    });
    return orFinal(() => encodeJson(output ?? null, `output of ${name}`), "invalid-output");
  }

  /** What a failed call means for its step. */
  judge(thrown: unknown, step: MachineStep, { task, retry }: TaskStep, random: () => number): Verdict {
    if (thrown instanceof Final) {
      return { reason: thrown.reason, error: errorShape(thrown.thrown), retryInMs: undefined };
    }
    // A predicate that fails counts as a yes, as in a worker, which would log it.
    const asked = { on: this.#task(task)?.retryOn, tries: step.tries + 1, onTrouble: () => {} };
    const retryInMs = nextTryMs(thrown, { retry, random, ...asked });
    return { reason: reasonOf(thrown), error: errorShape(thrown), retryInMs };
  }

  #context(step: MachineStep, signal: AbortSignal, heartbeat: () => void): TaskContext {
    const { run, deps } = this.#scenery;
    const { address } = step.spec;
    return testContext({
      ...{ run, deps, signal, heartbeat, step: address, idempotencyKey: `${run}:${address}` },
      ...{ attempt: step.fence, tries: step.tries + 1 },
    });
  }

  #task(name: string): AnyTask | undefined {
    const workflow = this.#workflow;
    return workflow.kind === "task" ? (workflow as AnyTask) : (workflow as AnyDag).tasks.get(name);
  }
}

/** What a task's own output schema refuses may pass at the next try; what is no JSON will not. */
function reasonOf(thrown: unknown): StepReason {
  if (thrown instanceof AttemptOver) return thrown.reason;
  return thrown instanceof JobbersError && thrown.code === "output-invalid" ? "invalid-output" : "error";
}

async function orFinal<T>(act: () => T | Promise<T>, reason: StepReason): Promise<T> {
  try {
    return await act();
  } catch (thrown) {
    throw new Final(thrown, reason);
  }
}
