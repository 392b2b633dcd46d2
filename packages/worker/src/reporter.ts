import { errorShape, followOf, type Lease, type Report, type StepReason, type TaskLog } from "@jobbers/core";
import type { Observer } from "./events.js";
import type { Found } from "./finder.js";
import type { Holding, Ledger } from "./ledger.js";
import type { Outbox, Parcel, Verdict } from "./outbox.js";

/** How many last reports the store has answered, by type, and how many of all came too late. */
export interface ReportCounts {
  readonly byType: Readonly<Record<Report["type"], number>>;
  readonly stale: number;
}

/** What came of a report, and why where it was refused. */
export interface Reply {
  readonly verdict: Verdict;
  readonly cause?: unknown;
}

/** A report after which the step is no longer this worker's. There are many, so it is no object with a function of its own. */
class LastReport implements Parcel {
  constructor(
    private readonly reporter: Reporter,
    private readonly holding: Holding,
    readonly report: Report,
    private readonly onAnswer: (() => void) | undefined,
  ) {}

  settle(verdict: Verdict, cause?: unknown): void {
    this.reporter.settled(this.holding, this.report, verdict, cause);
    this.onAnswer?.();
  }
}

/** Sends reports, and strikes a step off the ledger when its last one was answered. */
export class Reporter {
  readonly #byType = {
    succeeded: 0,
    failed: 0,
    skipped: 0,
    admitted: 0,
    retry: 0,
    released: 0,
    entered: 0,
    advanced: 0,
  };
  #stale = 0;

  constructor(
    private readonly outbox: Outbox,
    private readonly ledger: Ledger,
    private readonly log: TaskLog,
    private readonly observe: Observer | undefined,
  ) {}

  get counts(): ReportCounts {
    return { byType: { ...this.#byType }, stale: this.#stale };
  }

  /** Sends a report after which the step is no longer this worker's; tells when the store has answered it. */
  last(holding: Holding, report: Report, onAnswer?: () => void): void {
    this.outbox.put(new LastReport(this, holding, report, onAnswer));
  }

  /** Sends a report after which the step stays this worker's; resolves to what the store says. */
  step(report: Report): Promise<Reply> {
    return new Promise((resolve) => {
      this.outbox.put({ report, settle: (verdict, cause) => resolve({ verdict, cause }) });
    });
  }

  /** The store has answered a last report, or refuses it. */
  settled(holding: Holding, report: Report, verdict: Verdict, cause: unknown): void {
    const { lease } = report;
    if (verdict === "refused" && report.type === "succeeded") {
      const error = errorText(cause);
      this.last(holding, { type: "failed", lease, error, reason: "invalid-output", follow: report.follow });
      return;
    }
    if (verdict === "refused") {
      const { run, address: step } = lease;
      this.log.error("the store refuses a report", { run, step, report: report.type, error: String(cause) });
    }
    this.ledger.remove(holding);
    this.#byType[report.type] += 1;
    if (verdict === "stale") this.#stale += 1;
    if (!this.observe) return;
    const reason = "reason" in report ? report.reason : undefined;
    const { run, address: step } = lease;
    this.observe({ type: "reported", run, step, report: report.type, reason, verdict });
  }
}

/** Anything thrown, as the JSON text of a report. */
export function errorText(thrown: unknown): string {
  return JSON.stringify(errorShape(thrown));
}

/** A failure of a control step; where its plan is not known, nothing is known to follow. */
export function failed(lease: Lease, found: Found | undefined, thrown: unknown, reason: StepReason): Report {
  const follow = found ? followOf(found.index, found.located) : { successors: { items: [] } };
  return { type: "failed", lease, error: errorText(thrown), reason, follow };
}
