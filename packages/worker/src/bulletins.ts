import {
  BEATS_LIMIT,
  type Bulletin,
  DURATION_BUCKETS,
  type DurationCounts,
  durationBucket,
  type Lease,
  type PackedProgress,
  packProgress,
} from "@jobbers/core";
import type { Attempt } from "./attempt.js";

/**
 * What the main loop has to tell with the next renewal, however often attempts have said something since the last:
 *
 *   heartbeat ──▶ noted ──▶ in a bulletin ──confirmed──▶ told
 *                   ▲             │
 *                   └─────────────┘ the session is another, or the attempt has said more
 *
 * One bulletin is under way at a time. Until somebody has heard that it arrived it is sent again under its number, so that the store
 * applies it once, from whatever thread it comes. Those who have waited longest go first.
 */

/** The most bytes of progress in one bulletin; what has no room goes with the next. */
export const BULLETIN_BYTES = 64 * 1024;

/** What a beat takes beside what the attempt said: run, address, times. */
const BEAT_BYTES = 100;

/** The most tasks of which one bulletin tells durations. */
const DURATIONS_LIMIT = 100;

/** How many handlers may run, and how many do, and how many steps wait to begin. */
export type Load = Pick<Bulletin, "slots" | "running" | "waiting">;

/** Bulletins as they are sent: none before there is anything that could tell. */
export interface BulletinSource {
  next(session: string): Bulletin | undefined;
  hear(session: string, seq: number, stale: readonly Lease[]): void;
}

interface Saying {
  readonly attempt: Attempt;
  readonly packed: PackedProgress;
}

interface UnderWay {
  readonly seq: number;
  readonly sayings: readonly Saying[];
  readonly durations: readonly (readonly [task: string, counts: DurationCounts])[];
}

export class Bulletins implements BulletinSource {
  readonly #load: () => Load;
  readonly #noted = new Set<Attempt>();
  readonly #durations = new Map<string, number[]>();
  #session = "";
  #seq = 0;
  #underWay: UnderWay | undefined;

  constructor(load: () => Load) {
    this.#load = load;
  }

  /** An attempt has given a sign of life. */
  note(attempt: Attempt): void {
    this.#noted.add(attempt);
  }

  /** An attempt is over: nobody wants to know how far it was. */
  forget(attempt: Attempt): void {
    this.#noted.delete(attempt);
  }

  /** A task's attempt has succeeded after so long. */
  took(task: string, ms: number): void {
    (this.#durations.get(task) ?? this.#startCounting(task))[durationBucket(ms)]! += 1;
  }

  #startCounting(task: string): number[] {
    const counts = new Array<number>(DURATION_BUCKETS).fill(0);
    this.#durations.set(task, counts);
    return counts;
  }

  /** The bulletin to send with a session's renewal: the last one, as long as nobody has heard that it arrived. */
  next(session: string): Bulletin {
    if (session !== this.#session) this.#begin(session);
    this.#underWay ??= { seq: ++this.#seq, sayings: this.#takeSayings(), durations: this.#takeDurations() };
    const { seq, sayings, durations } = this.#underWay;
    const nowMs = performance.now();
    return {
      seq,
      ...this.#load(),
      beats: sayings.map(({ attempt, packed }) => ({
        ...packed,
        lease: attempt.lease,
        agoMs: nowMs - attempt.lastSignMs,
        forMs: nowMs - attempt.atSinceMs,
      })),
      durations: durations.map(([task, counts]) => ({ task, counts })),
    };
  }

  /** The store has a session's bulletin. Whom it calls stale may have been taken by another worker. */
  hear(session: string, seq: number, stale: readonly Lease[]): void {
    if (session !== this.#session || seq !== this.#underWay?.seq) return;
    const { sayings } = this.#underWay;
    this.#underWay = undefined;
    for (const { run, address, fence } of stale) {
      const found = sayings.find(({ attempt: { lease } }) => {
        return lease.run === run && lease.address === address && lease.fence === fence;
      });
      // What was reported meanwhile is no longer held, and that is well so.
      if (found && !found.attempt.reported) found.attempt.disown();
    }
  }

  /** A session of its own counts its bulletins from 1; what the last one may not have heard is told to this one. */
  #begin(session: string): void {
    this.#session = session;
    this.#seq = 0;
    for (const { attempt } of this.#underWay?.sayings ?? []) if (!attempt.reported) this.#noted.add(attempt);
    for (const [task, told] of this.#underWay?.durations ?? []) {
      const counts = this.#durations.get(task) ?? this.#startCounting(task);
      for (const [bucket, n] of Object.entries(told)) counts[Number(bucket)]! += n;
    }
    this.#underWay = undefined;
  }

  #takeSayings(): Saying[] {
    const sayings: Saying[] = [];
    let bytes = 0;
    for (const attempt of this.#noted) {
      const packed = attempt.progress ? packProgress(attempt.progress) : { rest: "" };
      bytes += BEAT_BYTES + Buffer.byteLength(packed.rest) + Buffer.byteLength(packed.at ?? "");
      if (sayings.length > 0 && (bytes > BULLETIN_BYTES || sayings.length === BEATS_LIMIT)) break;
      this.#noted.delete(attempt);
      sayings.push({ attempt, packed });
    }
    return sayings;
  }

  #takeDurations(): (readonly [string, DurationCounts])[] {
    const taken = [...this.#durations].slice(0, DURATIONS_LIMIT);
    return taken.map(([task, counts]) => {
      this.#durations.delete(task);
      const filled = counts.flatMap((n, bucket) => (n > 0 ? [[bucket, n] as const] : []));
      return [task, Object.fromEntries(filled)];
    });
  }
}
