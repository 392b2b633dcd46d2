import { type Exchange, type ExchangeReply, JobbersError, type Report } from "@jobbers/core";
import { readGrants } from "./grants.js";
import { packUses } from "./limits.js";
import type { Argument, Script } from "./script.js";
import { pushSpecs } from "./spec.js";
import { isPlain, sortOut } from "./successes.js";
import { GS, keyText, packText, US } from "./text.js";

export const exchangeScript: Script<[exchange: Exchange, eventsKept: number], ExchangeReply> = {
  name: "exchange",
  encode({ session, lane, seq, reports, wants }, eventsKept) {
    const args: Argument[] = [
      eventsKept,
      keyText(session),
      lane,
      seq,
      wants.slots,
      wants.control,
      (wants.inline ? "1" : "0") + (wants.weights ? `|${wants.weights.join(",")}` : ""),
      [...new Set(wants.queues)].map(keyText).join(US),
    ];
    const { told, specs, others } = sortOut(reports);
    args.push(told, specs.length, ...specs);
    for (const report of others) pushReport(args, report);
    return args;
  },
  // Takes the reply's parts out of it: what the client made for a call often outlives a few collections, and its texts need not.
  decode(reply, { session, lane, seq, reports }) {
    const [status, ...rest] = (reply as [string, ...unknown[]]).splice(0) as [string, ...unknown[]];
    if (status === "late") {
      throw new JobbersError(
        "session-lost",
        `lane ${lane} of session ${session} is at ${rest[0]}, ${seq} comes too late`,
      );
    }
    const [alive, letters, more, dueMs, mail, singles, kinds, packed, heads, others, places, taken, opensMs] =
      rest as [
        number,
        string,
        number,
        number | null,
        string[],
        string[],
        string,
        string,
        string,
        unknown[],
        string,
        string,
        number | null,
      ];
    return {
      results: resultsOf(letters, reports),
      grants: readGrants({ singles, kinds, packed, heads, others, places }),
      mail: mail.map((run) => ({ type: "cancel", run })),
      more: more === 1,
      alive: alive === 1,
      nextDueMs: dueMs ?? undefined,
      ...(typeof opensMs === "number" && { opensInMs: opensMs }),
      ...(taken !== "" && { taken: taken.split(",").map(Number) }),
    };
  },
};

/** Plain successes are answered first, whatever their places; which matters only where not all are accepted. */
function resultsOf(letters: string, reports: readonly Report[]): ("accepted" | "stale")[] {
  if (isAllAccepted(letters)) return reports.map(() => "accepted");
  let plain = 0;
  for (const report of reports) if (isPlain(report)) plain += 1;
  let other = plain;
  let next = 0;
  return reports.map((report) =>
    letters[isPlain(report) ? next++ : other++] === "a" ? "accepted" : "stale",
  );
}

function isAllAccepted(letters: string): boolean {
  for (let i = 0; i < letters.length; i++) if (letters[i] !== "a") return false;
  return true;
}

const typeLetters = {
  succeeded: "s",
  failed: "f",
  skipped: "k",
  admitted: "a",
  retry: "r",
  released: "g",
  entered: "e",
  advanced: "v",
} as const satisfies Record<Report["type"], string>;

/** A report as shared/report.lua reads it: a head, the payload, and the specs of the steps that follow. */
function pushReport(args: Argument[], report: Report): void {
  const { run, address, fence } = report.lease;
  const start = `${typeLetters[report.type]}${US}${run}${US}${packText(address)}${US}${fence}${US}`;
  switch (report.type) {
    case "succeeded":
    case "failed":
    case "skipped":
    case "advanced": {
      const { successors, rescues = [], hop } = report.follow;
      const reason = report.type === "failed" ? report.reason : "";
      const payload =
        report.type === "succeeded" ? report.output : report.type === "failed" ? report.error : "";
      const { items, next = "" } = successors;
      const caught = rescues.length === 0 ? "" : rescues.map(packText).join(GS);
      args.push(
        `${start}${reason}${US}${hop ? 1 : ""}${US}${US}${US}${next}${US}${items.length}${US}${caught}`,
        payload,
      );
      pushSpecs(args, items);
      return;
    }
    case "entered": {
      const { members, onFailure, entries, input } = report;
      args.push(
        `${start}${US}${US}${members}${US}${onFailure ? 1 : 0}${US}${entries.next ?? ""}${US}${entries.items.length}${US}`,
        input,
      );
      pushSpecs(args, entries.items);
      return;
    }
    case "retry": {
      const delayMs = Math.max(0, Math.ceil(report.delayMs));
      args.push(`${start}${report.reason}${US}${delayMs}${US}${US}${US}${US}0${US}`, report.error);
      return;
    }
    case "admitted":
      args.push(`${start}${US}${US}${US}${US}${US}0${US}`, packUses(report.limits ?? []));
      return;
    case "released":
      args.push(`${start}${report.first ? "first" : ""}${US}${US}${US}${US}${US}0${US}`, "");
      return;
    default:
      args.push(`${start}${US}${US}${US}${US}${US}0${US}`, "");
  }
}
