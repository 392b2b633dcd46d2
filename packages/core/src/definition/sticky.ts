import { JobbersError } from "../errors/errors.js";
import { ON_FAILURE, type PlanStep } from "../plan/plan.js";
import type { Body, StepDraft } from "./draft.js";
import type { Duration } from "./policy.js";
import { checkOptions, checkTimeout } from "./step-options.js";

/** That steps are best run by the worker that ran what went before them; made by {@link sticky}. */
export interface Sticky {
  readonly name: "sticky";
  /** How long others leave such a step to that worker, in milliseconds. */
  readonly withinMs: number;
}

/**
 * Has each step of a map's children run on the worker that ran the step before it, be it the one that made the list or the one before it in the child:
 * for what that has left behind on its machine. If no worker of that name takes it within the time given, any may.
 *
 * @throws JobbersError `definition-invalid`
 * @example
 * const frames = extractFrames({ film });
 * frames.map((frame) => renderFrame({ frame }), { spread: sticky({ within: "10s" }) });
 */
export function sticky(options: { readonly within: Duration }): Sticky {
  const { within } = checkOptions(options, ["within"], "sticky()");
  if (within === undefined)
    throw new JobbersError("definition-invalid", 'sticky() has no within; write sticky({ within: "10s" })');
  return { name: "sticky", withinMs: checkTimeout(within, "sticky(): within") };
}

/** True for what {@link sticky} made. */
export function isSticky(value: unknown): value is Sticky {
  const { name, withinMs } = (value ?? {}) as Partial<Sticky>;
  return name === "sticky" && typeof withinMs === "number";
}

/** Refuses a sticky step that follows no task, as there is no worker to stick to. */
export function checkStickiness(step: StepDraft, what: string): void {
  const isStuck = (step.kind === "task" || step.kind === "map") && step.stickyMs !== undefined;
  if (!isStuck || [...step.parents].some(({ kind }) => kind === "task")) return;
  const how =
    step.kind === "map" ? "map over what a task answers" : "pass it what a task answers, or use after";
  const map =
    step.kind === "task" && isEntryOf(step.body) ? "; for a map's children use spread: sticky()" : "";
  throw new JobbersError(
    "definition-invalid",
    `${what} is sticky, but no task goes before it whose worker it could stick to: ${how}${map}`,
  );
}

function isEntryOf({ owner }: Body): boolean {
  return owner?.kind === "map";
}

/** Has the steps in bodies of sticky maps be sticky, but for those of which their call or a map around them says otherwise. */
export function stickInside(steps: readonly PlanStep[]): PlanStep[] {
  const inside = new Map<string, number | undefined>();
  return steps.map((step) => {
    const around = step.in === undefined ? undefined : inside.get(step.in);
    const isApart = step.name.endsWith(ON_FAILURE) || (step.kind === "map" && step.spread !== undefined);
    const stickyMs = step.stickyMs ?? (isApart ? undefined : around);
    inside.set(step.name, stickyMs);
    return stickyMs === step.stickyMs ? step : { ...step, stickyMs: stickyMs as number };
  });
}
