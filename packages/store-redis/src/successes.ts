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
  let told = "";
  const specs: string[] = [];
  const places = new Map<string, number>();
  const others: Report[] = [];
  for (const report of reports) {
    if (!isPlain(report)) {
      others.push(report);
      continue;
    }
    const { lease, output, follow } = report;
    let list = "";
    const hop = follow.hop ? "h" : "";
    for (const each of follow.successors.items) {
      const spec = packSpec(each);
      let place = places.get(spec);
      if (place === undefined) {
        place = specs.push(spec) - 1;
        places.set(spec, place);
      }
      list += list === "" ? place : `,${place}`;
    }
    told += `${lease.run}${US}${packText(lease.address)}${US}${lease.fence}${US}${hop}${list}${RS}${output}${RS}`;
  }
  return { told, specs, others };
}
