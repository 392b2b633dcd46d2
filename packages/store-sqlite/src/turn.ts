import type { Sql } from "./driver.js";

/** Lines are never deleted, so their numbers may be remembered once they are committed. */
export interface KnownLine {
  readonly id: number;
  readonly queue: string;
  readonly priority: number;
  readonly needs: string;
  /** What its steps stand under, as text; such a line is gone when it is empty, so its number is remembered by one verb only. */
  readonly limits: string;
  /** Whose turn its steps take; "" where they have no key. */
  readonly tenant: string;
  /** Whose sticky steps stand in it, and for how long; such a line is gone when it is empty, too. */
  readonly near?: Near | undefined;
}

/** The worker that steps stick to, and for how long. */
export interface Near {
  readonly worker: string;
  readonly withinMs: number;
}

/** What a session may do, which never changes; its lease is read each time. */
export interface KnownSession {
  readonly seq: number;
  readonly worker: string;
  readonly serves: ReadonlySet<string>;
}

/** What a store remembers between transactions. */
export interface Memory {
  readonly lines: Map<string, KnownLine>;
  readonly sessions: Map<string, KnownSession>;
  /** How many events the feed keeps. */
  readonly eventsKept: number;
  eventsSinceTrim: number;
}

/** What others have to hear of once a transaction is committed. */
export interface Effects {
  /** How many entries each line has gained or, below zero, lost. */
  readonly grown: Map<KnownLine, number>;
  /** Sessions with new mail, by number. */
  readonly mail: Set<number>;
  /** True when runs were scheduled. A retry is no news: who reports it is told when it is due. */
  timers: boolean;
  /** True when a queue was resumed, so that its lines are worth a look. */
  opened: boolean;
  events: boolean;
}

/** One transaction, which several verbs may share: its instant, and the numbers that it gives out. */
export class Turn {
  readonly now: number;
  readonly memory: Memory;
  readonly effects: Effects = {
    grown: new Map(),
    mail: new Set(),
    timers: false,
    opened: false,
    events: false,
  };
  /** Lines that this transaction made: known to others only once it is committed. */
  readonly newLines = new Map<string, KnownLine>();
  readonly #sql: Sql;
  readonly #start: { readonly ms: number; readonly seq: number };
  #seq: number;

  /** To be made within a transaction. The store's time never goes back, whatever the clock does. */
  constructor(sql: Sql, memory: Memory, clockMs: number) {
    const [ms, seq] = sql.tuple("SELECT ms, seq FROM clock WHERE id = 1") as [number, number];
    this.#sql = sql;
    this.#start = { ms, seq };
    this.#seq = seq;
    this.memory = memory;
    this.now = Math.max(Math.floor(clockMs), ms);
  }

  /** A number that was never given out before, larger than all before. */
  nextSeq(): number {
    return ++this.#seq;
  }

  /** A number that was never given out before, smaller than all before. */
  nextFrontSeq(): number {
    return -this.nextSeq();
  }

  /** Keeps the instant and the numbers; the last act before COMMIT. */
  end(): void {
    if (this.now === this.#start.ms && this.#seq === this.#start.seq) return;
    this.#sql.run("UPDATE clock SET ms = ?, seq = ? WHERE id = 1", this.now, this.#seq);
  }

  /** Called after COMMIT. */
  committed(): void {
    for (const [key, line] of this.newLines) this.memory.lines.set(key, line);
  }
}
