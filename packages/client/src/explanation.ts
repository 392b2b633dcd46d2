import type { Cause as CauseInIso, Explanation as ExplanationInIso } from "@jobbers/api";
import type { JsonValue } from "@jobbers/core";

/** What is an instant in an explanation, beside the time of the look. */
const instants = [
  ...(["dueAt", "since", "until", "leaseUntil", "expiredAt", "takenBackBy", "endedAt", "heardAt"] as const),
  ...(["likelyEnd", "opensAt", "throttledUntil"] as const),
] as const;

type Instant = (typeof instants)[number];

type InMsDeep<T> = T extends readonly (infer E)[]
  ? readonly InMsDeep<E>[]
  : T extends object
    ? {
        readonly [K in keyof T as K extends Instant ? `${K}Ms` : K]: K extends Instant
          ? number | (undefined extends T[K] ? undefined : never)
          : K extends "detail"
            ? JsonValue | undefined
            : InMsDeep<T[K]>;
      }
    : T;

/** One reason why a run or a step is not further, with what is behind it; instants are milliseconds since 1970. */
export type Cause = InMsDeep<CauseInIso>;

/** Why a run or a step is not further: a sentence for people, and data for programs. */
export type Explanation = Omit<ExplanationInIso, "at" | "causes"> & {
  /** The server's time of the look, in milliseconds since 1970. */
  readonly atMs: number;
  /** At least one; what needs somebody's help comes first. */
  readonly causes: readonly Cause[];
};

/** Reads an explanation of the API as the one that it is in the library. */
export function explanationIn({ at, causes, ...rest }: ExplanationInIso): Explanation {
  return { ...rest, atMs: Date.parse(at), causes: causes.map(causeIn) };
}

function causeIn(cause: CauseInIso): Cause {
  const progress = cause.type === "running" ? cause.progress : undefined;
  return {
    ...inMsOf(cause),
    ...(progress && { progress: inMsOf(progress) }),
    ...(cause.because && { because: cause.because.map(causeIn) }),
  } as unknown as Cause;
}

/** A record with its own instants as numbers; what is nested in it stays as it is. */
function inMsOf(record: object): object {
  const entries = Object.entries(record).map(([name, value]) =>
    (instants as readonly string[]).includes(name)
      ? [`${name}Ms`, Date.parse(value as string)]
      : [name, value],
  );
  return Object.fromEntries(entries);
}
