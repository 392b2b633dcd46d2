import type { Body, RefData, StepDraft } from "./draft.js";

/** One use of a step, or of a body's own value (its element, index or failure), behind a ref. */
export interface Use {
  readonly ref: RefData;
  /** The body in which the value lives. */
  readonly home: Body;
  readonly step: StepDraft | undefined;
  /** Inside the first argument of `orElse`: it may be missing. */
  readonly forgiven: boolean;
}

/** Everything that a ref needs, operations opened up. */
export function stepsOf(ref: RefData, forgiven = false): Use[] {
  const { origin } = ref;
  switch (origin.from) {
    case "input":
      return [];
    case "step":
      return [{ ref, home: origin.step.body, step: origin.step, forgiven }];
    case "item":
    case "index":
    case "failure":
      return [{ ref, home: origin.body, step: undefined, forgiven }];
    default:
      return origin.args.flatMap(({ wires }, at) => {
        const inner = forgiven || (origin.from === "or" && at === 0);
        return wires.flatMap((wire) => stepsOf(wire.ref, inner));
      });
  }
}

/**
 * Who has to wait for a value that lives in `home` when it is used in `body`: the user itself, or the owner around it that
 * stands in `home`; "output" for the output of `home` itself, "hidden" when `home` is not around `body`.
 */
export function findHolder(home: Body, user: StepDraft | undefined, body: Body): StepDraft | "output" | "hidden" {
  if (home === body) return user ?? "output";
  for (let inner: Body | undefined = body; inner?.around; inner = inner.around) {
    if (inner.around === home) return inner.owner as StepDraft;
  }
  return "hidden";
}
