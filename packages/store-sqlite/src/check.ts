import type { CheckPage, CheckRequest, Flaw, FlawFacts, FlawKind } from "@jobbers/core";
import { flawOf } from "@jobbers/core";
import { checkHeld, checkSessions } from "./check-leases.js";
import { checkLimits } from "./check-limits.js";
import { checkLines, checkQueues } from "./check-lines.js";
import { checkOrphans } from "./check-orphans.js";
import { checkRoles } from "./check-roles.js";
import { checkRuns } from "./check-runs.js";
import { checkSettings } from "./check-settings.js";
import { checkClaims, checkPlans, checkShelves } from "./check-shelves.js";
import { checkSteps } from "./check-steps.js";
import type { SqlValue } from "./driver.js";
import type { Unit } from "./unit.js";

/** Where a walk goes on in one kind of record; absent when that kind is done. */
export type Place = readonly SqlValue[];

/** What a check of one kind of record works with: one transaction, so that all it reads was so at one instant. */
export interface Inspection {
  readonly unit: Unit;
  readonly repair: boolean;
  /** About how many records it may look at. */
  readonly limit: number;
  examined: number;
  /** Notes a flaw; true where it is to be mended, which the caller does at once. */
  tell(kind: FlawKind, facts: Omit<FlawFacts, "repaired">, isMendable?: boolean): boolean;
}

type Part = (inspection: Inspection, from: Place | undefined) => Place | undefined;

/** Counters come first: what is mended after them counts on. */
const parts: readonly Part[] = [
  checkRuns,
  checkSteps,
  checkHeld,
  checkSessions,
  checkLines,
  checkLimits,
  checkQueues,
  checkRoles,
  checkSettings,
  checkShelves,
  checkPlans,
  checkClaims,
  checkOrphans,
];

/** Looks through a page of records. To be called within a transaction; a repair writes what it changed by the unit's flush. */
export function check(unit: Unit, { repair, cursor, limit }: CheckRequest): CheckPage {
  const problems: Flaw[] = [];
  const inspection: Inspection = {
    unit,
    repair,
    limit: Math.max(1, limit),
    examined: 0,
    tell(kind, facts, isMendable = false) {
      const repaired = repair && isMendable;
      problems.push(flawOf(kind, { ...facts, repaired }));
      return repaired;
    },
  };
  let [part, place] = cursor === undefined ? [0, undefined] : (JSON.parse(cursor) as [number, Place?]);
  do {
    // What was mended before is to be seen by the statements that follow.
    if (repair) unit.flush();
    place = parts[part]?.(inspection, place ?? undefined);
    if (place === undefined) part++;
  } while (part < parts.length && inspection.examined < inspection.limit);
  const page = { problems, examined: inspection.examined };
  return part < parts.length ? { ...page, next: JSON.stringify(place ? [part, place] : [part]) } : page;
}
