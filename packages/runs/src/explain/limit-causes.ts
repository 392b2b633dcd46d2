import type { LimitPlace, LimitSetting } from "@jobbers/core";
import type { LimitedCause, SlotUser } from "./cause.js";
import { figure, listed, many, span } from "./figures.js";

/** The limits that hold a step back: what each lets through, until when, and who has its slots. */
export function limitCauses(
  step: string,
  places: readonly LimitPlace[],
): (LimitedCause & { sentence: string })[] {
  return places.filter(({ isShut }) => isShut).map((place) => limitCause(step, place));
}

function limitCause(step: string, place: LimitPlace): LimitedCause & { sentence: string } {
  const { limit, key, setting, used, opensAtMs, throttledUntilMs, holders } = place;
  const whose = key === "" ? limit : `${limit} of ${key}`;
  const users = holders.map(({ run, address, worker }): SlotUser => ({ run, step: address, worker }));
  return {
    ...{ type: "limited", step, limit, key, used },
    ...(setting && "rate" in setting && { rate: setting.rate, perMs: setting.perMs, burst: setting.burst }),
    ...(setting && "concurrency" in setting && { concurrency: setting.concurrency }),
    ...(opensAtMs !== undefined && { opensAtMs }),
    ...(throttledUntilMs !== undefined && { throttledUntilMs }),
    ...(users.length > 0 && { holders: users }),
    sentence: `Limit ${whose}${setting ? ` (${showSetting(setting)})` : ""} ${whatOf(place)}.`,
  };
}

function showSetting(setting: LimitSetting): string {
  if ("concurrency" in setting) return `${figure(setting.concurrency)} at once`;
  return `${figure(setting.rate)} per ${setting.perMs < 1_000 ? `${setting.perMs} ms` : span(setting.perMs)}`;
}

function whatOf({ nowMs, throttledUntilMs, opensAtMs, used, holders }: LimitPlace): string {
  if (throttledUntilMs !== undefined)
    return `is throttled: it lets nothing start for another ${span(throttledUntilMs - nowMs)}`;
  if (opensAtMs !== undefined) return `lets the next one start in ${span(opensAtMs - nowMs)}`;
  const names = holders.map(
    ({ run, address, worker }) => `${address} of ${run}${worker ? ` (${worker})` : ""}`,
  );
  return `has no slot free: ${many(used, "step")} ${used === 1 ? "has" : "have"} them, ${listed(names, used)}`;
}
