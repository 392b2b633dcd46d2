import type { StepAddress } from "../plan/address.js";
import type { LimitUse } from "./limits.js";
import type { StepReason, StepState } from "./states.js";
import type { Page, Phase, StepSpec } from "./step-spec.js";

/** The right to report on a step: valid while nobody took the step since, that is, while the fence is the newest. */
export interface Lease {
  readonly run: string;
  readonly address: StepAddress;
  readonly fence: number;
}

export interface Exchange {
  readonly session: string;
  readonly lane: number;
  /** 1 on a lane's first exchange, then one more each time. */
  readonly seq: number;
  readonly reports: readonly Report[];
  readonly wants: Wants;
}

export interface Wants {
  /** How many `run` steps there is room for; may be 0. */
  readonly slots: number;
  /** How many control steps it would take. */
  readonly control: number;
  readonly queues: readonly string[];
  /**
   * How large a part of the slots each of the queues may have, in their order, where all have work; what some leave is for the others, the
   * first of them first. Priorities count within a queue then. Left out: the highest priority of all queues goes first, then the oldest.
   */
  readonly weights?: readonly number[] | undefined;
  /** False when a 1:1 successor has to queue like any other step. */
  readonly inline: boolean;
}

export type Report =
  | { readonly type: "succeeded"; readonly lease: Lease; readonly output: string; readonly follow: Follow }
  | {
      readonly type: "failed";
      readonly lease: Lease;
      readonly error: string;
      readonly reason: StepReason;
      readonly follow: Follow;
    }
  /** Its `when` was false. */
  | { readonly type: "skipped"; readonly lease: Lease; readonly follow: Follow }
  /**
   * Its `when` was true: from now on it is what its kind says. `limits` are those of a task's step that depend on its input; none: it has
   * none such.
   */
  | { readonly type: "admitted"; readonly lease: Lease; readonly limits?: readonly LimitUse[] | undefined }
  /** The try failed and another is due after the delay. Costs a try. */
  | {
      readonly type: "retry";
      readonly lease: Lease;
      readonly error: string;
      readonly reason: StepReason;
      readonly delayMs: number;
    }
  /** Given back: costs no try. It is the last of its line or, with `first`, the next that is taken from it. */
  | { readonly type: "released"; readonly lease: Lease; readonly first?: boolean | undefined }
  /** An inlined dag begins: a page of its entry steps, and on the first page its input and figures. */
  | {
      readonly type: "entered";
      readonly lease: Lease;
      readonly input: string;
      readonly members: number;
      readonly onFailure: boolean;
      readonly entries: Page<StepSpec>;
    }
  /** What follows a step that the store settled, or the next page of it. */
  | { readonly type: "advanced"; readonly lease: Lease; readonly follow: Follow };

/**
 * What a settled step sets in motion: a page of the siblings that wait for it. Each page is applied once. A step counts for the
 * end of its owner's body when its last page has been applied; while there is a `next`, the store hands out an `advance`.
 */
export interface Follow {
  readonly successors: Page<StepSpec>;
  /** Where the step catches failures: the addresses of its parents, which its success rescues. On the first page only. */
  readonly rescues?: readonly StepAddress[] | undefined;
  /** True where an only child, whose spec says `inline`, has to stand in its line all the same. */
  readonly hop?: boolean | undefined;
}

export interface ExchangeReply {
  /** One per report: `stale` changed nothing, because the step was taken by another or has settled. */
  readonly results: readonly ("accepted" | "stale")[];
  readonly grants: readonly Grant[];
  readonly mail: readonly Mail[];
  /** True when the call stopped at its cap of dropped entries: exchange again at once, there may be work behind them. */
  readonly more: boolean;
  /** False when the session is unknown or was found lost: its reports were judged by their fences, but it is granted nothing. */
  readonly alive: boolean;
  /** Of an exchange with weights: how many steps came from the lines of each queue, in their order. */
  readonly taken?: readonly number[] | undefined;
  /** How long until the next timer of the store is due, where one is. */
  readonly nextDueMs?: number | undefined;
  /**
   * How long until the next limit opens by itself, where this exchange met one that is shut, or opened one. Whoever is told asks again
   * then: asking opens it, so that nobody need be woken. Stores that open limits by their timers leave it out.
   */
  readonly opensInMs?: number | undefined;
}

/** A step, handed out. */
export interface Grant {
  readonly lease: Lease;
  readonly phase: Phase;
  readonly needs: string;
  readonly plan: string;
  /** Tries spent on failures, and attempts lost with their worker, before this one. */
  readonly tries: number;
  readonly lost: number;
  readonly priority: number;
  readonly traceparent?: string | undefined;
  readonly tags: readonly string[];
  /**
   * The values that go with it. `null`: there is none (the parent did not succeed). A key that the spec reads but that is
   * absent here was too large: read it with `readValues`.
   */
  readonly values: Readonly<Record<string, string | null>>;
  /** True for a step whose input was given by a retry by hand: it is the value under `valueKey.edited`. */
  readonly edited?: boolean | undefined;
  /** The queue that a spread chose for the instance of a map in which it stands; goes into the specs of what follows. */
  readonly laid?: string | undefined;
  /** For `expand`, `enter` and `advance`: where to go on. */
  readonly cursor: number;
  /** For `advance`: how it settled. */
  readonly outcome?: StepState | undefined;
}

/** What a worker is told between its exchanges. */
export type Mail =
  /** Abort what runs of this run. */
  { readonly type: "cancel"; readonly run: string };

export interface Expansion {
  readonly session: string;
  readonly lease: Lease;
  /** How many elements the list has, and how many steps stand in one instance of the body. */
  readonly count: number;
  readonly membersEach: number;
  readonly from: number;
  /** At most 500, the first for index `from`. Where one instance alone starts more steps than a page holds, one a call. */
  readonly items: readonly ExpansionItem[];
}

export interface ExpansionItem {
  readonly value: string;
  readonly entries: readonly StepSpec[];
  /** The queue that the map's spread chose for it: counted under `valueKey.spread` of the map. */
  readonly queue?: string | undefined;
}

/** `cursor` is where to go on; `stale`: the lease is no longer the newest. */
export type ExpansionReply =
  | { readonly status: "accepted"; readonly cursor: number }
  | { readonly status: "stale" };
