import type { StepAddress } from "../plan/address.js";

/** How a finding is to be taken: only `fail` means that the store must not be relied on. */
export type FindingLevel = "ok" | "warn" | "fail";

/** One thing that was looked at in the place where a store lives. */
export interface Finding {
  /** What was looked at, in a word or two: `eviction`. */
  readonly name: string;
  readonly level: FindingLevel;
  /** What was found; `unknown: not permitted` where the place does not let us look. */
  readonly value: string;
  /** What it means, and what to do about it. */
  readonly sentence: string;
}

/** What a look at the place of a store found. */
export interface Diagnosis {
  /** Which store, without secrets. */
  readonly store: string;
  readonly findings: readonly Finding[];
}

/** The value of a finding that the place does not let us make. */
export const NOT_PERMITTED = "unknown: not permitted";

export interface CheckRequest {
  /** True mends what can be mended without guessing. */
  readonly repair: boolean;
  /** The last page's `next`; left out for the first page. */
  readonly cursor?: string | undefined;
  /** About how many records a page looks at. */
  readonly limit: number;
}

export interface CheckPage {
  readonly problems: readonly Flaw[];
  /** How many records this page looked at. */
  readonly examined: number;
  /** Where the next page begins, where there is one. */
  readonly next?: string | undefined;
}

/** Something in the store that breaks one of its rules. */
export interface Flaw {
  readonly kind: FlawKind;
  readonly run?: string | undefined;
  readonly step?: StepAddress | undefined;
  /** The key or table that it is in, where it is no step's or run's. */
  readonly key?: string | undefined;
  readonly sentence: string;
  readonly repaired: boolean;
}

interface KindEntry {
  readonly what: string;
  /** What a repair does; absent where only somebody who knows more can mend it. */
  readonly mend?: string;
}

/** Every kind of problem that a check may find. */
export const flawKinds = {
  "step-unplaced": {
    what: "the step stands in no line, timer or lease, so nobody would ever take it",
    mend: "it is put back",
  },
  "step-unjudged": { what: "the step is blocked although all its parents have settled" },
  "step-unlisted": { what: "the step is missing in the list of its run's steps", mend: "it is listed" },
  "step-open": { what: "all members of its body have settled, but it goes on", mend: "it is ended" },
  "lease-dead": { what: "the step is held by a session that is over", mend: "it is given back" },
  "lease-unlisted": { what: "its session does not know that it holds the step", mend: "the session is told" },
  "hold-stale": {
    what: "a session is said to hold a step that does not name it",
    mend: "the entry is removed",
  },
  "progress-unended": {
    what: "the session is not known to have told of progress, which would outlive its lease",
    mend: "that is noted",
  },
  "lease-mistaken": {
    what: "a lease on control work is counted as a step that runs, or the other way round",
    mend: "it is counted as what it is",
  },
  "role-broken": {
    what: "an edit of a role cannot be read, or says what no role can",
    mend: "that edit is forgotten, and the one before it holds",
  },
  "role-uncapped": {
    what: "how many steps a role may run at once is not kept as its newest edit says",
    mend: "it is kept anew",
  },
  "settings-broken": {
    what: "a part of how a queue is set cannot be read, or says what cannot be",
    mend: "that part is forgotten",
  },
  "settings-unheeded": {
    what: "how a queue is set is kept where nobody looks for it",
    mend: "that it is set is noted",
  },
  "session-unlisted": {
    what: "the session is missing where sessions are swept",
    mend: "it is listed",
  },
  "run-open": { what: "all that belongs to the run has ended, but it goes on", mend: "it is ended" },
  "run-stuck": { what: "nothing in the run can move, and nothing says why; cancel it, or submit it anew" },
  "run-unlisted": {
    what: "the run has ended, but stands where retention does not find it",
    mend: "it is listed",
  },
  "run-mislisted": {
    what: "retention has the run where it does not belong",
    mend: "the entry is removed",
  },
  "kind-unlisted": {
    what: "what runs of one plan have in common is missing in the plan's list, and would outlive it",
    mend: "it is listed",
  },
  "run-unnumbered": { what: "the run is missing in the list of all runs, so listings do not show it" },
  "run-unfound": {
    what: "a run is missing where listings by state or by time look for it",
    mend: "it is entered there",
  },
  "run-beyond": {
    what: "the run's id lies where none is known to have been submitted, so that it would be created again",
    mend: "the id is noted",
  },
  "clock-behind": {
    what: "the store's clock has counted fewer runs or events than there are, and would give out their numbers again",
    mend: "it goes on behind them",
  },
  "count-body": { what: "the settled members of a body are counted wrongly", mend: "they are recounted" },
  "count-held": { what: "the leases on the run's steps are counted wrongly", mend: "they are recounted" },
  "count-name": { what: "steps are counted wrongly under their name", mend: "they are recounted" },
  "count-spread": {
    what: "a map has other instances than it counts by queue; only what is shown of its spread is wrong",
  },
  "count-queue": { what: "running steps of a queue are counted wrongly", mend: "they are recounted" },
  "count-line": { what: "the steps in a line are counted wrongly", mend: "they are recounted" },
  "count-list": { what: "the entries of a list are counted wrongly", mend: "they are recounted" },
  "line-parked": {
    what: "a line waits for a limit that nothing would have wake it",
    mend: "the limit looks at it",
  },
  "slot-stale": {
    what: "a limit's slot is taken by a step that its session does not hold",
    mend: "the slot is freed",
  },
  "count-slots": { what: "the slots of a limit are counted wrongly", mend: "they are recounted" },
  "slot-missing": {
    what: "a step runs under a limit without one of its slots",
    mend: "it is given the slot",
  },
  "level-stale": {
    what: "a priority is ahead by more than a turn of its own, or in a queue that is not weighted, and would wait too long",
    mend: "all priorities of the queue begin anew",
  },
  "letter-stale": {
    what: "there is a dead letter of a step that has not failed for good",
    mend: "the letter is removed",
  },
  "letter-unlisted": {
    what: "a dead letter is missing in the list of its run's, and would not keep it",
    mend: "it is listed",
  },
  "line-closed": { what: "a line with steps in it is not among the open ones", mend: "it is opened" },
  orphan: { what: "it belongs to nothing that is there", mend: "it is removed" },
  "plan-missing": { what: "the plan is gone; register it again by starting a worker that has it" },
  "record-broken": { what: "the record cannot be read" },
  foreign: { what: "it is none of Jobbers' own; move it elsewhere" },
} as const satisfies Record<string, KindEntry>;

/** What kind of rule is broken. */
export type FlawKind = keyof typeof flawKinds;

/** What a check knows of a problem. */
export interface FlawFacts {
  readonly run?: string | undefined;
  readonly step?: StepAddress | undefined;
  readonly key?: string | undefined;
  /** What was found, as in `recorded 3, counted 2`. */
  readonly detail?: string | undefined;
  readonly repaired: boolean;
}

/** Makes a problem with its sentence. */
export function flawOf(kind: FlawKind, { detail, repaired, ...where }: FlawFacts): Flaw {
  const { what, mend }: KindEntry = flawKinds[kind];
  const found = detail ? ` (${detail})` : "";
  const remedy = mend === undefined || repaired ? "" : `; with --repair ${mend}`;
  return { kind, ...where, sentence: `${what}${found}${remedy}`, repaired };
}
