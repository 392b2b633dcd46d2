import type { StepAddress } from "../plan/address.js";
import type { Lease } from "./exchange.js";

/** How much a limit lets through, for each key. */
export type LimitSetting =
  /** At most `rate` starts per `perMs`, evenly spaced but for `burst`, which may start at once. */
  | { readonly rate: number; readonly perMs: number; readonly burst: number }
  /** At most so many attempts at once. */
  | { readonly concurrency: number };

/** That a step runs under a limit: those with equal keys share it. */
export interface LimitUse {
  readonly limit: string;
  /** "" where all share it. */
  readonly key: string;
  /** How many starts it counts for; of a limit on attempts at once always 1. One beyond the burst counts as the burst. */
  readonly cost: number;
}

/** A limit as a task's code declares it. */
export interface DeclaredLimit {
  readonly name: string;
  readonly setting: LimitSetting;
  /** True where key or cost are functions of the input: then who has the code says them for each step. */
  readonly isKeyed: boolean;
  /** Where it is not keyed; default 1. */
  readonly cost?: number | undefined;
}

/** All limits of one task, as its newest registration has them; an empty list takes away what earlier ones had. */
export interface TaskLimits {
  readonly task: string;
  readonly limits: readonly DeclaredLimit[];
}

/** A live edit: another setting, none at all (`off`), or again what the code says (`default`). */
export type LimitEdit = LimitSetting | "off" | "default";

/** A limit that the store knows. What was edited goes before what the code says. */
export interface LimitRecord {
  readonly name: string;
  /** What the newest registration says. */
  readonly default?: LimitSetting | undefined;
  readonly edit?: LimitSetting | "off" | undefined;
  readonly isKeyed: boolean;
}

/**
 * What came of an edit. `unknown`: no code declares the name, and it is none that can be made by an edit. `misfit`: a limit on starts
 * cannot become one on attempts at once, nor the other way round.
 */
export type LimitEditResult =
  | { readonly status: "edited"; readonly limit?: LimitRecord | undefined }
  | { readonly status: "unknown" | "misfit" };

/** How one key of a limit stands at this moment. */
export interface LimitUsage {
  readonly limit: string;
  readonly key: string;
  readonly nowMs: number;
  /** Absent where it is off, or not known. */
  readonly setting?: LimitSetting | undefined;
  /** Attempts that have its slots, and the first {@link HOLDERS_SHOWN} of them. */
  readonly used: number;
  readonly holders: readonly SlotHolder[];
  /** When a start of cost 1 is let through next; absent where it would be now, or where only the end of an attempt makes room. */
  readonly opensAtMs?: number | undefined;
  /** Until when a throttled task asked for no start. */
  readonly throttledUntilMs?: number | undefined;
  /** Which part of the rate is let through, as long as it is less than all of it since it was throttled. */
  readonly share?: number | undefined;
  /** How many lines are parked on it. */
  readonly parked: number;
}

/** Who has a slot. */
export interface SlotHolder {
  readonly run: string;
  readonly address: StepAddress;
  readonly session: string;
  readonly worker?: string | undefined;
}

/** How many of those who have a limit's slots are told. */
export const HOLDERS_SHOWN = 10;

/** What a task asks for that was told to slow down. */
export interface Throttling {
  readonly lease: Lease;
  /** For how long nothing starts under these keys. */
  readonly forMs: number;
  /** Which of the step's limits; default: those with a key, or all where none has one. */
  readonly limits?: readonly string[] | undefined;
}

export interface Limiting {
  /**
   * Lets no step start for a while under the limits of a step that runs; after that a rate begins at half of what it was, and grows
   * again by itself. Answers the names of the limits. A lease that is not the newest throttles nothing.
   */
  throttle(throttling: Throttling): Promise<string[]>;
  /**
   * Edits a limit; what waits for it follows at once. One on attempts at once that the edit makes counts the steps that run already under
   * it, of about 2,000 leases at most.
   */
  setLimit(name: string, edit: LimitEdit): Promise<LimitEditResult>;
  /** All limits, by name. */
  listLimits(): Promise<LimitRecord[]>;
  /** How one key of a limit stands. */
  readLimit(name: string, key: string): Promise<LimitUsage>;
}
