import { MAX_DURATION_MS } from "../definition/policy.js";

/** How far in the past a run's start may lie when it is submitted, in milliseconds: clocks differ a little, and messages take time. */
export const RUN_AT_PAST_MS = 60_000;

/** True for a start that a run may be submitted for when the store's clock says `nowMs`: neither past nor more than ten years off. */
export function isTimely(runAtMs: number, nowMs: number): boolean {
  return runAtMs >= nowMs - RUN_AT_PAST_MS && runAtMs <= nowMs + MAX_DURATION_MS;
}
