import { BEATS_LIMIT, packDurations, progressNews, type Vitals } from "@jobbers/core";
import type { Argument } from "./script.js";
import { packText } from "./text.js";

/** Arguments of scripts/renew.lua from the fourth on. */
export function packVitals(vitals: Vitals | undefined): Argument[] {
  if (!vitals) return ["", "", "", "", "", 0];
  const lag = Math.round(vitals.lagMs);
  if (!vitals.bulletin) return [lag, "", "", "", "", 0];
  const { seq, slots, running, waiting = "", beats, durations } = vitals.bulletin;
  const some = beats.slice(0, BEATS_LIMIT);
  const args: Argument[] = [lag, seq, slots, running, waiting, some.length];
  for (const { lease, agoMs, forMs, at, rest } of some) {
    const member = `${lease.run}|${packText(lease.address)}|${lease.fence}`;
    const said = at === undefined ? "" : JSON.stringify(at);
    args.push(member, Math.round(agoMs), Math.round(forMs), said, rest, progressNews({ at, rest }) ?? "");
  }
  for (const { task, counts } of durations) args.push(packText(task), packDurations(counts));
  return args;
}
