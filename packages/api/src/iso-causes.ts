import type { Cause, Explanation as ToldExplanation } from "@jobbers/runs";
import { iso, isoMaybe } from "./instants.js";
import type { Cause as CauseInIso } from "./wire/cause.js";
import type { Explanation } from "./wire/explanation.js";

/** The instants of an explanation as the library has them; all else that ends in `Ms` is a length of time. */
const instants = [
  ...(["dueAtMs", "sinceMs", "untilMs", "leaseUntilMs", "expiredAtMs", "takenBackByMs"] as const),
  ...(["endedAtMs", "heardAtMs", "likelyEndMs", "opensAtMs", "throttledUntilMs"] as const),
] as const;

type InstantMs = (typeof instants)[number];

/** What explains in the library, with its instants as texts: `dueAtMs` is `dueAt`. */
export type InIso<T> = T extends readonly (infer E)[]
  ? InIso<E>[]
  : T extends object
    ? {
        [K in keyof T as K extends InstantMs & `${infer Name}Ms` ? Name : K]: K extends InstantMs
          ? string | (undefined extends T[K] ? undefined : never)
          : K extends "detail"
            ? unknown
            : InIso<T[K]>;
      }
    : T;

/** An explanation as the API tells it. */
export function explanationView(told: ToldExplanation): Explanation {
  const { run, step, state, atMs, sentence, causes, left } = told;
  return { run, step, state, at: iso(atMs), sentence, causes: causes.map(causeView), left };
}

function causeView(told: Cause): CauseInIso {
  const progress = told.type === "running" ? told.progress : undefined;
  return {
    ...withIso(told),
    ...(progress && { progress: withIso(progress) }),
    ...(told.because && { because: told.because.map(causeView) }),
  } as CauseInIso;
}

/** A record with its own instants as texts; what is nested in it stays as it is. */
function withIso(record: object): object {
  const entries = Object.entries(record).map(([name, value]) =>
    (instants as readonly string[]).includes(name)
      ? [name.slice(0, -2), isoMaybe(value as number | undefined)]
      : [name, value],
  );
  return Object.fromEntries(entries);
}
