import {
  LOG_CALL_BYTES,
  LOG_CALL_PARTS,
  LOG_PART_BYTES,
  LOG_PART_LINES,
  type LogLevel,
  type LogPart,
  logLevels,
  packLine,
  STEP_LOG_BYTES,
  STEP_LOG_LINES,
  type Store,
  type TaskLog,
} from "@jobbers/core";
import type { Attempt } from "./attempt.js";
import { logWith } from "./log.js";
import { type Asker, GaveUp, messageOf, untilAnswered } from "./persistence.js";
import { after, pause } from "./waiting.js";

/**
 * What handlers log, on its way to be kept with their steps:
 *
 *   ctx.log.info ──▶ waits with its attempt ──▶ in a call of the store ──answered──▶ kept
 *                      │          ▲                     │
 *                      │          └── there is more ────┘
 *                      └── too much for what may wait: the attempt's oldest lines are dropped
 *
 * A call is made half a second after the first line, and before an attempt that has logged is reported: so whoever sees that a step has
 * ended sees its lines. One call is under way at a time, so those of an attempt arrive in their order. Lines are numbered when they are
 * logged: what is dropped here is missing there.
 */
export interface AttemptLogsOptions {
  readonly store: Pick<Store, "appendLogs">;
  /** The worker's own log, which has every line. */
  readonly log: TaskLog;
  /** From which level on lines are kept, where their task does not say. */
  readonly keepLogs: KeepLogs;
  readonly asker: Asker;
}

/** From which level on lines are kept with their steps. */
export type KeepLogs = LogLevel | "none";

/** How long lines wait for others, in milliseconds. */
const SEND_MS = 500;

/** How long a report waits for the lines before it, in milliseconds. */
const REPORT_MS = 250;

/** The most bytes of lines that wait, those of all attempts together. */
const WAITING_BYTES = 8 * 1024 * 1024;

/** What a line takes beside its text. */
const LINE_BYTES = 12;

interface Line {
  readonly number: number;
  readonly level: LogLevel;
  readonly text: string;
  readonly bytes: number;
  readonly atMs: number;
}

/** The lines of one attempt that wait. */
export interface WaitingLines {
  readonly attempt: Attempt;
  lines: Line[];
  bytes: number;
  /** The number of its last line. */
  last: number;
}

export class AttemptLogs {
  readonly #options: AttemptLogsOptions;
  readonly #waiting = new Set<WaitingLines>();
  #bytes = 0;
  #stopTimer: (() => void) | undefined;
  /** The round of calls that is under way, and the one that follows it, once somebody wants one. */
  #round: Promise<void> | undefined;
  #nextRound: Promise<void> | undefined;
  /** True when an attempt that has logged is about to be reported; what its report waits for. */
  #isUrgent = false;
  #urgent: Promise<void> | undefined;
  /** True while the store keeps a round waiting for so long that reports do not wait for it. */
  #isSlow = false;

  constructor(options: AttemptLogsOptions) {
    this.#options = options;
  }

  /** The log of an attempt: what it is told goes to the worker's log, and from some level on to the store. */
  of(attempt: Attempt): TaskLog {
    const { log, keepLogs } = this.#options;
    const least = attempt.task?.keepLogs ?? keepLogs;
    if (least === "none") return logWith(log, attempt.lease);
    const from = logLevels.indexOf(least);
    return logWith(log, attempt.lease, (level, message, fields) => {
      if (logLevels.indexOf(level) >= from) this.#note(attempt, level, packLine(message, fields));
    });
  }

  /** An attempt is about to be reported. */
  urge({ logged }: Attempt): void {
    if (logged && (logged.lines.length > 0 || this.#round)) this.#isUrgent = true;
  }

  /** To be waited for before reports are sent: until the lines of their attempts are kept, or a short while; nothing where there are none. */
  beforeReports(): Promise<void> | undefined {
    if (!this.#isUrgent) return this.#urgent;
    this.#isUrgent = false;
    const sent = this.#send();
    if (this.#isSlow) return undefined;
    const urgent = this.#orSlow(sent).finally(() => {
      if (this.#urgent === urgent) this.#urgent = undefined;
    });
    this.#urgent = urgent;
    return urgent;
  }

  /** Resolves when all that waits is kept, or was refused. */
  async settle(): Promise<void> {
    while (this.#waiting.size > 0 || this.#round) await this.#send();
  }

  #note(attempt: Attempt, level: LogLevel, text: string): void {
    attempt.logged ??= { attempt, lines: [], bytes: 0, last: 0 };
    const { logged } = attempt;
    const bytes = Buffer.byteLength(text) + LINE_BYTES;
    logged.lines.push({ number: ++logged.last, level, text, bytes, atMs: performance.now() });
    this.#add(logged, bytes);
    while (
      logged.lines.length > STEP_LOG_LINES ||
      logged.bytes > STEP_LOG_BYTES ||
      (this.#bytes > WAITING_BYTES && logged.lines.length > 0)
    )
      this.#add(logged, -(logged.lines.shift() as Line).bytes);
    if (logged.lines.length === 0) return;
    this.#waiting.add(logged);
    this.#stopTimer ??= after(SEND_MS, () => void this.#send(), "unref");
  }

  #add(logged: WaitingLines, bytes: number): void {
    logged.bytes += bytes;
    this.#bytes += bytes;
  }

  /** Sends what waits at this moment, after what is under way; never rejects. */
  #send(): Promise<void> {
    if (this.#round) {
      this.#nextRound ??= this.#round.then(() => {
        this.#nextRound = undefined;
        return this.#send();
      });
      return this.#nextRound;
    }
    this.#stopTimer?.();
    this.#stopTimer = undefined;
    this.#round = this.#sendRound().finally(() => {
      this.#round = undefined;
      this.#isSlow = false;
    });
    return this.#round;
  }

  async #sendRound(): Promise<void> {
    const { store, asker, log } = this.#options;
    // What is logged meanwhile is for the next one, or a round of those who log without end would have none.
    const those = new Set(this.#waiting);
    this.#waiting.clear();
    while (those.size > 0) {
      const parts = this.#takeParts(those);
      if (parts.length === 0) return;
      try {
        await untilAnswered("appendLogs", () => store.appendLogs(partsOf(parts)), asker);
      } catch (error) {
        if (error instanceof GaveUp) return;
        // Whoever refuses these lines may well take others.
        log.warn("the store refuses log lines, which are dropped", { error: messageOf(error) });
      }
    }
  }

  /** Lines for one call: at most so many, those of one attempt in their order. */
  #takeParts(those: Set<WaitingLines>): TakenPart[] {
    const parts: TakenPart[] = [];
    let room = LOG_CALL_BYTES;
    for (const logged of those) {
      while (logged.lines.length > 0) {
        if (parts.length === LOG_CALL_PARTS || room <= 0) return parts;
        const lines = this.#takeLines(logged);
        parts.push({ attempt: logged.attempt, lines });
        for (const { bytes } of lines) room -= bytes;
      }
      those.delete(logged);
    }
    return parts;
  }

  /** Lines of one part; their numbers have no gap. */
  #takeLines(logged: WaitingLines): Line[] {
    let [count, bytes] = [0, 0];
    for (const line of logged.lines) {
      const isFull = count === LOG_PART_LINES || bytes + line.bytes > LOG_PART_BYTES;
      if (count > 0 && isFull) break;
      count += 1;
      bytes += line.bytes;
    }
    this.#add(logged, -bytes);
    return logged.lines.splice(0, count);
  }

  async #orSlow(sent: Promise<void>): Promise<void> {
    const enough = new AbortController();
    let isSent = false;
    const done = sent.then(() => {
      isSent = true;
    });
    await Promise.race([done, pause(REPORT_MS, enough.signal)]);
    enough.abort();
    if (!isSent) this.#isSlow = true;
  }
}

interface TakenPart {
  readonly attempt: Attempt;
  readonly lines: readonly Line[];
}

/** Made anew for each try, since how long ago a line was logged is told. */
function partsOf(parts: readonly TakenPart[]): LogPart[] {
  const nowMs = performance.now();
  return parts.map(({ attempt, lines }) => ({
    lease: attempt.lease,
    from: lines[0]?.number ?? 1,
    lines: lines.map(({ level, text, atMs }) => ({ level, text, agoMs: nowMs - atMs })),
  }));
}
