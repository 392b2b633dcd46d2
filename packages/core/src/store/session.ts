import type { Lease, Mail } from "./exchange.js";
import type { TaskLimits } from "./limits.js";
import type { Registration } from "./registration.js";

export interface SessionOpening {
  /** The worker's name; several sessions may share one. */
  readonly worker: string;
  /** Which machine (and pid namespace) and process this is, so that a neighbour can tell that it is gone. */
  readonly host: string;
  readonly pid: number;
  /** What tells this process from another that is given its pid later: when it began, in its host's own count; absent: unknown. */
  readonly birth?: string | undefined;
  /** The session is lost when it was not renewed for so long. `Infinity`: never. */
  readonly leaseMs: number;
  /** The `needs` that it can serve: task names and `dag:NAME`s. */
  readonly serves: readonly string[];
  readonly queues: readonly string[];
  /** The role that says which queues these are. */
  readonly role?: string | undefined;
  /** What it has registered; kept beyond the session, so that others can submit by name. */
  readonly registers: readonly Registration[];
  /** The limits of its tasks, which hold for everybody from now on. Tasks that are left out keep what they have. */
  readonly limits?: readonly TaskLimits[] | undefined;
}

export interface Session {
  readonly id: string;
  readonly openedAtMs: number;
  /** The lease that it was given, where that is not what it asked for: `Infinity` where sessions of the store never expire. */
  readonly leaseMs?: number | undefined;
}

export interface Renewal {
  readonly status: "alive" | "lost";
  /** How many steps the store believes the session to hold. */
  readonly held: number;
  readonly mail: readonly Mail[];
  /** Of the bulletin's beats, the leases that are not the newest, or under which the session holds nothing any more. */
  readonly stale?: readonly Lease[] | undefined;
}

/** What one call of `reapSessions` is asked to do. */
export interface Sweep {
  readonly sweepMs: number;
  /** How many steps it takes back at most. */
  readonly limit: number;
  /** Sessions whose processes are known to be gone. */
  readonly gone?: readonly string[] | undefined;
  /** Sessions that count as lost unless they were renewed since: their expiry is a later one then. */
  readonly unheard?: readonly { readonly session: string; readonly expiresAtMs: number }[] | undefined;
}

export interface Reaped {
  readonly sessions: readonly string[];
  readonly returned: number;
  readonly quarantined: number;
  readonly more: boolean;
}

/** How long, and how many, are kept; whichever is reached first. */
export interface RetentionRule {
  readonly ageMs: number;
  readonly count: number;
}

/**
 * How long ended runs of each outcome are kept, and dead letters; ids are remembered 24 h longer. A run that has dead letters is kept
 * as long as they are, however old it is, unless it has a time of its own (`keepMs`). Without a rule of their own, dead letters go with
 * their runs and keep none.
 */
export interface Retention {
  readonly succeeded: RetentionRule;
  readonly failed: RetentionRule;
  readonly cancelled: RetentionRule;
  readonly deadLetters?: RetentionRule | undefined;
}

/** Attempts of one step that may be lost with their workers; the last of them quarantines it. */
export const MAX_LOST = 3;
