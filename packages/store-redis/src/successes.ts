import type { Report } from "@jobbers/core";
import { packSpec } from "./spec.js";
import { isPackable, packText, RS, US } from "./text.js";

type Success = Extract<Report, { type: "succeeded" }>;

/** True for a success that scripts/shared/successes.lua reads: small, and all of what follows in one page. */
export function isPlain(report: Report): report is Success {
  if (report.type !== "succeeded") return false;
  const { successors, rescues } = report.follow;
  return (
    successors.next === undefined &&
    (rescues === undefined || rescues.length === 0) &&
    isPackable(report.output)
  );
}

/** What an exchange reports: the plain successes as one text, the specs that these name, and all else. */
export function sortOut(reports: readonly Report[]) {
  /** Joined at the end: adding them one by one makes a string of each step on the way. */
  const told: string[] = [];
  const specs = new Specs();
  const others: Report[] = [];
  let last: Success | undefined;
  let about = "";
  for (const report of reports) {
    if (!isPlain(report)) {
      others.push(report);
      continue;
    }
    // Most steps of one call are the same step of the same plan.
    if (last === undefined || !isAlike(report, last)) about = aboutOf(report, specs);
    last = report;
    told.push(report.lease.run, about, report.output, RS);
  }
  return { told: told.join(""), specs: specs.all, others };
}

/** True where all that is told of two successes is the same, but their runs and outputs. */
function isAlike({ lease, follow }: Success, other: Success): boolean {
  return (
    lease.address === other.lease.address &&
    lease.fence === other.lease.fence &&
    follow.successors === other.follow.successors &&
    follow.hop === other.follow.hop
  );
}

function aboutOf({ lease, follow }: Success, specs: Specs): string {
  const places = follow.successors.items.map((each) => specs.placeOf(packSpec(each)));
  return `${US}${packText(lease.address)}${US}${lease.fence}${US}${follow.hop ? "h" : ""}${places.join(",")}${RS}`;
}

/** Specs, each once. */
class Specs {
  readonly all: string[] = [];
  readonly #places = new Map<string, number>();

  placeOf(spec: string): number {
    const known = this.#places.get(spec);
    if (known !== undefined) return known;
    const place = this.all.push(spec) - 1;
    this.#places.set(spec, place);
    return place;
  }
}
