import type { Report } from "@jobbers/core";

/** How a report fared: `refused` is one that the store rejects whenever it is sent. */
export type Verdict = "accepted" | "stale" | "refused";

/** A report on its way, and who wants to know how it fared. */
export interface Parcel {
  readonly report: Report;
  settle(verdict: Verdict, cause?: unknown): void;
}

const MAX_CHARS = 8 * 1024 * 1024;

/**
 * The most work of one exchange. The port takes 500 reports, but a store that does one thing at a time is busy with each of them,
 * and with the step that is taken in its place, for 15 to 45 µs, and others wait: with 200, and a third of that inside maps, a
 * Redis is busy for some 3 ms. A quarter cost 10 % of the rate of a wide map for what each call costs.
 */
const MAX_WORK = 200;

/**
 * Reports that wait for the next exchange, in order. Those of one turn of the event loop travel together, as many as make a
 * call of bounded work: 200 reports, or steps that follow them, or 66 inside maps, and 8 MiB.
 */
export class Outbox {
  #parcels: Parcel[] = [];
  /** Parcels of an exchange that the store refused: sent one at a time, to find the one that it cannot take. */
  #suspects: Parcel[] = [];

  constructor(private readonly onPut: () => void) {}

  get size(): number {
    return this.#parcels.length + this.#suspects.length;
  }

  put(parcel: Parcel): void {
    this.#parcels.push(parcel);
    this.onPut();
  }

  /** The parcels of the next exchange. */
  take(): Parcel[] {
    const suspect = this.#suspects.shift();
    if (suspect) return [suspect];
    let count = 0;
    for (let work = 0, chars = 0; count < this.#parcels.length; count++) {
      const { report } = this.#parcels[count] as Parcel;
      work += workOf(report);
      chars += charsOf(report);
      if (count > 0 && (work > MAX_WORK || chars > MAX_CHARS)) break;
    }
    return this.#parcels.splice(0, count);
  }

  /** Takes parcels back that were not answered, to be sent first. */
  putBack(parcels: readonly Parcel[]): void {
    this.#parcels.unshift(...parcels);
  }

  /** Takes parcels back of which at least one is refused. */
  putAside(parcels: readonly Parcel[]): void {
    this.#suspects.push(...parcels);
  }
}

/** Steps inside maps, whose records are not packed, cost more. */
function workOf(report: Report): number {
  const each = report.lease.address.includes("[") ? 4 : 1;
  if ("follow" in report) return each * Math.max(1, report.follow.successors.items.length);
  return report.type === "entered" ? each * (1 + report.entries.items.length) : each;
}

function charsOf(report: Report): number {
  switch (report.type) {
    case "succeeded":
      return report.output.length;
    case "failed":
    case "retry":
      return report.error.length;
    case "entered":
      return report.input.length;
    default:
      return 0;
  }
}
