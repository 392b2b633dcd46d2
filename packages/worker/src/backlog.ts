import { type Lease, MAX_LOST } from "@jobbers/core";
import type { Asks } from "./asks.js";
import type { Berth, Bulkheads, Granted } from "./bulkheads.js";
import type { Executor } from "./executor.js";
import type { Holding, Ledger } from "./ledger.js";
import type { Pace } from "./pace.js";
import type { Reporter } from "./reporter.js";
import type { Slots } from "./slots.js";
import { after } from "./waiting.js";

/**
 * Steps between their grant and the beginning of their handler:
 *
 *   granted ──▶ a slot is free ───────────────────────────────────▶ begins
 *      │                                                              ▲
 *      ├──────▶ waits ──── a slot is free ────────────────────────────┤
 *      │          └── longer than its patience (see asks.ts for what then), its run is cancelled, │
 *      │              the worker stops or doubts its lease ──▶ given back, to the head of its line
 *      │                                                              │
 *      └──────▶ suspect (lost twice before) ── nothing else waits ────┘
 *                 └── there is a suspect already ──▶ given back, to the end of its line
 *
 * A worker that dies takes all that it holds along, and a step that is lost three times is quarantined. So a suspect begins when
 * nothing waits beside it any more, nothing new is taken for ten seconds or until it has returned, and as long as it runs, for five
 * minutes at most, no other suspect is kept: a step that kills workers meets no other one on its third time.
 */
export interface BacklogOptions {
  readonly slots: Slots;
  readonly bulkheads: Pick<Bulkheads, "berthOf">;
  readonly asks: () => Pick<Asks, "note" | "closeFor">;
  readonly pace: Pace;
  readonly ledger: Ledger;
  readonly reporter: Reporter;
  readonly executor: () => Pick<Executor, "start" | "admits" | "mayAdmit">;
  /** There is room again that nobody asks for by himself. */
  readonly onRoom: () => void;
}

class Waiting implements Holding {
  readonly sinceMs = performance.now();
  place = -1;

  constructor(
    readonly grant: Granted,
    readonly berth: Berth,
    private readonly backlog: Backlog,
  ) {}

  get lease(): Lease {
    return this.grant.lease;
  }

  disown(): void {
    this.backlog.drop(this);
  }
}

/** How long a step waits for a slot before other workers may have it, in milliseconds. */
const PATIENCE_MS = 50;

/** How long a suspect runs before new steps are taken again, and before another suspect may begin, in milliseconds. */
const ALONE_MS = 10_000;
const TRIAL_MS = 5 * 60_000;

/** How long nothing is taken after a suspect was refused, in milliseconds, while the other one runs: it may well be the next in line. */
const REFUSED_MS = 250;

interface Trial {
  readonly lease: Lease;
  /** What waited beside the suspect has been given back. */
  isClear: boolean;
  readonly stops: (() => void)[];
}

export class Backlog {
  readonly #options: BacklogOptions;
  readonly #waiting: Waiting[] = [];
  #givingBack: Promise<unknown> = Promise.resolve();
  #trial: Trial | undefined;
  /** How many reasons there are to take nothing new. */
  #closings = 0;
  #impatient: (() => void) | undefined;

  constructor(options: BacklogOptions) {
    this.#options = options;
  }

  /** True while nothing new is to be taken, because of a suspect. */
  get closed(): boolean {
    return this.#closings > 0;
  }

  /** Begins a step, or keeps it until there is a slot. */
  receive(grant: Granted): void {
    const { pace, executor, bulkheads, asks } = this.#options;
    const berth = bulkheads.berthOf(grant);
    asks().note(berth);
    if (grant.lost > 0) pace.warn();
    if (grant.lost >= MAX_LOST - 1) this.#suspect(grant, berth);
    else if (this.#waiting.length === 0 && executor().admits(grant, berth)) executor().start(grant, berth);
    else {
      this.#waiting.push(this.#keep(grant, berth));
      this.#beginNext();
    }
  }

  /** A handler has returned: begins what waits and may begin now. */
  next(): void {
    this.#beginNext();
  }

  /** An attempt has ended. */
  ended({ lease }: { readonly lease: Lease }): void {
    if (this.#trial?.lease === lease) this.#endTrial();
  }

  /** Gives back what waits and belongs to a run, or all of it; what has begun goes on. */
  giveBack(run?: string): void {
    // The oldest last, so that it is the first again.
    for (const waiting of this.#waiting.toReversed()) {
      if (run === undefined || waiting.lease.run === run) this.drop(waiting);
    }
  }

  #keep(grant: Granted, berth: Berth): Waiting {
    const waiting = new Waiting(grant, berth, this);
    this.#options.ledger.add(waiting);
    berth.wait(1);
    this.#impatient ??= after(PATIENCE_MS, () => this.#lookAtTheOldest());
    return waiting;
  }

  /**
   * Begins what may, the oldest first. A step that finds room in a batch may overtake others, and so may any one that waits for its
   * own bulkhead only; but whoever waits for slots gets the next ones, however many it takes.
   */
  #beginNext(): void {
    const { slots, ledger } = this.#options;
    const executor = this.#options.executor();
    let isOwed = false;
    for (let at = 0; at < this.#waiting.length && executor.mayAdmit; ) {
      const next = this.#waiting[at] as Waiting;
      const isEarly = next.lease === this.#trial?.lease && !this.#trial.isClear;
      if (isEarly || !executor.admits(next.grant, next.berth, isOwed)) {
        isOwed ||= !isEarly && next.berth.full === slots;
        at += 1;
        continue;
      }
      if (at === 0) this.#waiting.shift();
      else this.#waiting.splice(at, 1);
      next.berth.wait(-1);
      executor.start(next.grant, next.berth);
      ledger.remove(next);
    }
  }

  /** Gives a step back that waits. */
  drop(waiting: Waiting): void {
    const at = this.#waiting.indexOf(waiting);
    if (at < 0) return;
    this.#waiting.splice(at, 1);
    this.#release(waiting);
  }

  #release(waiting: Waiting, first = true): void {
    waiting.berth.wait(-1);
    if (this.#trial?.lease === waiting.lease) this.#endTrial();
    const told = new Promise<void>((resolve) =>
      this.#options.reporter.last(waiting, { type: "released", lease: waiting.lease, first }, resolve),
    );
    this.#givingBack = Promise.all([this.#givingBack, told]);
  }

  #lookAtTheOldest(): void {
    this.#impatient = undefined;
    const [oldest] = this.#waiting;
    if (!oldest) return;
    const waitedMs = performance.now() - oldest.sinceMs;
    if (waitedMs < PATIENCE_MS) {
      this.#impatient = after(PATIENCE_MS - waitedMs, () => this.#lookAtTheOldest());
      return;
    }
    const { slots, pace, asks } = this.#options;
    const { grant, berth } = oldest;
    const { full } = berth;
    asks().closeFor(grant, berth);
    if (full === undefined || full === slots) {
      pace.stalled();
      this.giveBack();
      return;
    }
    // It and others like it wait for a bulkhead; what waits for slots goes on to do so.
    for (const waiting of this.#waiting.toReversed()) if (waiting.berth.full === full) this.drop(waiting);
    this.#lookAtTheOldest();
  }

  /** Has a suspect begin once all that waited beside it has been given back, and the store knows. */
  #suspect(grant: Granted, berth: Berth): void {
    const suspect = this.#keep(grant, berth);
    if (this.#trial) {
      this.#trial.stops.push(this.#closeFor(REFUSED_MS));
      this.#release(suspect, false);
      return;
    }
    const stops = [this.#closeFor(ALONE_MS), after(TRIAL_MS, () => this.#endTrial(), "unref")];
    const trial: Trial = { lease: suspect.lease, isClear: false, stops };
    this.#trial = trial;
    this.giveBack();
    this.#waiting.unshift(suspect);
    void this.#allGivenBack().then(() => {
      trial.isClear = true;
      this.#beginNext();
    });
  }

  /** Takes nothing new for so long, or until the answer is called. */
  #closeFor(ms: number): () => void {
    let isOver = false;
    this.#closings += 1;
    const open = () => {
      if (isOver) return;
      isOver = true;
      cancel();
      this.#closings -= 1;
      this.#options.onRoom();
    };
    const cancel = after(ms, open, "unref");
    return open;
  }

  /** Resolves when the store has all that was given back, what comes with the same exchange included. */
  async #allGivenBack(): Promise<void> {
    for (let known: Promise<unknown> | undefined; known !== this.#givingBack; ) {
      known = this.#givingBack;
      await known;
    }
  }

  #endTrial(): void {
    const trial = this.#trial;
    this.#trial = undefined;
    for (const stop of trial?.stops ?? []) stop();
  }
}
