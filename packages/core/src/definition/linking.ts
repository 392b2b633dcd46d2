import type { Body, RefData, StepDraft } from "./draft.js";

/** One use of a step, or of a body's own value (its element, index or failure), behind a ref. */
interface Use {
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
function findHolder(home: Body, user: StepDraft | undefined, body: Body): StepDraft | "output" | "hidden" {
  if (home === body) return user ?? "output";
  for (let inner: Body | undefined = body; inner?.around; inner = inner.around) {
    if (inner.around === home) return inner.owner as StepDraft;
  }
  return "hidden";
}

/** Where a ref is used: by a step of a body, or (no user) by the body's output. */
export interface Usage {
  readonly user: StepDraft | undefined;
  readonly body: Body;
  /** The ref only says what to wait for; its value is not taken. */
  readonly unread: boolean;
}

/**
 * Makes every step behind a ref a parent: of the step that uses it, or of the owner around it that is its sibling.
 *
 * @returns the ref that is out of reach, where there is one
 */
export function linkRef(ref: RefData, { user, body, unread }: Usage): RefData | undefined {
  for (const { ref: inner, home, step, forgiven } of stepsOf(ref)) {
    const holder = findHolder(home, user, body);
    if (holder === "hidden") return inner;
    if (step === undefined) continue;
    const bare = !forgiven && !unread;
    if (holder !== "output") holder.parents.add(step);
    if (bare) (holder === "output" ? body : holder).bare.add(step);
  }
  return undefined;
}
