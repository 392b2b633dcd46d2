import { JobbersError } from "../errors/errors.js";
import { quoted } from "../values/quoted.js";
import type { Definition } from "./definition.js";
import type { Body, StepDraft } from "./draft.js";

/**
 * Finds refs to outputs that may not be there, and the triggers that make no sense: one forward pass over the steps, each
 * after its parents.
 *
 * @throws JobbersError `definition-invalid`, naming both steps and what to do
 */
export function checkMissing(definition: Definition): void {
  const catchers = new Map<StepDraft, StepDraft>();
  for (const step of definition.steps) {
    if (step.trigger === "one_failed") for (const parent of step.parents) catchers.set(parent, step);
  }
  const missing = new Map<StepDraft, Missing>();
  const bodies: Body[] = [definition.top];
  for (const step of definition.steps) {
    if (step.kind === "map") bodies.push(step.inside);
    checkTrigger(definition, step, missing);
    const reason = missingOf(step, catchers, missing);
    if (reason) missing.set(step, reason);
  }
  for (const body of bodies) checkOutput(definition, body, missing);
}

/** Why a step may have no output although its run succeeds. */
interface Missing {
  /** `skip`: it may be skipped; `lost`: it, or something before it, may fail and be caught. */
  readonly by: "skip" | "lost";
  /** The step with which it begins, and what is special about that one. */
  readonly root: StepDraft;
  readonly reason: string;
}

function missingOf(
  step: StepDraft,
  catchers: ReadonlyMap<StepDraft, StepDraft>,
  missing: ReadonlyMap<StepDraft, Missing>,
): Missing | undefined {
  if (step.when) return { by: "skip", root: step, reason: "has a `when`" };
  if (step.trigger === "one_failed") return { by: "skip", root: step, reason: "runs only after a failure" };
  const catcher = catchers.get(step);
  let lost: Missing | undefined;
  if (catcher) lost = { by: "lost", root: step, reason: `may fail and be caught by ${quoted(catcher.name)}` };
  if (step.trigger === "all_done") return lost;
  for (const parent of step.parents) {
    const inherited = missing.get(parent);
    // A skip goes before: `none_failed` minds it in a parent, while a lost parent cancels.
    if (inherited?.by === "skip" && step.trigger === "all_success") return inherited;
    if (inherited?.by === "lost") lost ??= inherited;
  }
  return lost;
}

function because({ root, reason }: Missing, step: StepDraft): string {
  return root === step ? `it ${reason}` : `${quoted(root.name)} before it ${reason}`;
}

function checkTrigger(definition: Definition, step: StepDraft, missing: Map<StepDraft, Missing>): void {
  const fail = (message: string) => {
    throw new JobbersError(
      "definition-invalid",
      `dag ${quoted(definition.dagName)}: step ${quoted(step.name)} ${message}`,
    );
  };
  if (step.trigger === "one_failed" && step.parents.size === 0) {
    fail(
      "has the trigger one_failed, but waits for no step of its own body, so it would never run; give it { after }",
    );
  }
  for (const parent of step.bare) {
    const reason = missing.get(parent);
    const output = `the output of ${quoted(parent.name)}`;
    if (step.trigger === "one_failed" || step.trigger === "all_done") {
      fail(
        `has the trigger ${step.trigger}, so ${output} may be missing; wrap it in orElse(), or name the step in { after }`,
      );
    }
    if (step.trigger === "none_failed" && reason?.by === "skip") {
      fail(
        `has the trigger none_failed, and ${output} may be missing (${because(reason, parent)}); wrap it in orElse()`,
      );
    }
  }
}

function checkOutput(definition: Definition, body: Body, missing: Map<StepDraft, Missing>): void {
  for (const step of body.bare) {
    const reason = missing.get(step);
    if (!reason) continue;
    const who = body.owner ? `the body of ${quoted(body.owner.name)}` : "it";
    throw new JobbersError(
      "definition-invalid",
      `dag ${quoted(definition.dagName)}: ${who} returns the output of ${quoted(step.name)}, which may be missing (${because(reason, step)}); wrap it in orElse()`,
    );
  }
}
