import type { Lease, Wants } from "@jobbers/core";
import { expire, expiryOf, hasExpired } from "./expiry.js";
import { lease } from "./lease.js";
import { CONTROL } from "./ledger.js";
import { readUses } from "./limit-rules.js";
import { type Entry, Head } from "./line-head.js";
import { enqueue, isControl, isStopped, needsOf } from "./ready.js";
import type { Step } from "./records.js";
import { rotate } from "./session.js";
import { settle } from "./settle.js";
import { type Steered, steeredQueues } from "./steering.js";
import { PRIORITIES, takeByLevel } from "./take-by-level.js";
import { type Parts, takeApart, takeByWeight } from "./take-in-parts.js";
import { hasLimitedLines, limitedPriorities, takeInTurn } from "./take-in-turn.js";
import type { KnownLine, KnownSession } from "./turn.js";
import type { Unit } from "./unit.js";

/**
 * Taking steps from lines. A line's entries are read from its old end and deleted up to the last one read, so whatever does not
 * match its record any more goes by the way, and nothing is ever searched for in the middle.
 */

/** How many entries one exchange may drop or move before it answers with what it has. */
const DROP_LIMIT = 500;

/** The most steps that one exchange hands out. */
const GRANT_LIMIT = 1000;

/** The steps that one session takes in one exchange. */
export class Taker {
  readonly leases: Lease[] = [];
  readonly steps: Step[] = [];
  /** Of wants with weights: how many steps came from the lines of each queue. */
  taken: number[] | undefined;
  readonly #unit: Unit;
  readonly #session: KnownSession;
  readonly #wants: Wants;
  /** Whatever else decides what is taken, nothing of paused queues is. */
  readonly #steered: Steered;
  #slots: number;
  /** How many of the slots that are asked for its role leaves no room for, and how many steps that runs beyond what it may. */
  #withheld = 0;
  #excess = 0;
  #control: number;
  #drops = 0;
  /** How many entries went to another line. */
  #moved = 0;
  /** True when a popped step was settled, which may have made control work. */
  #hasSettled = false;

  constructor(unit: Unit, session: KnownSession, wants: Wants) {
    this.#unit = unit;
    this.#session = session;
    this.#wants = wants;
    this.#steered = steeredQueues(unit.sql);
    this.#slots = Math.min(wants.slots, GRANT_LIMIT);
    this.#control = Math.min(wants.control, GRANT_LIMIT);
    this.#cap();
  }

  /** A role may run so many steps at once; to be called before anything is reported. */
  #cap(): void {
    const room = this.#slots > 0 ? this.#unit.roles.of(this.#session) : undefined;
    if (room === undefined) return;
    this.#withheld = Math.max(0, this.#slots - Math.max(0, room));
    this.#excess = Math.max(0, -room);
    this.#slots -= this.#withheld;
    this.#unit.roles.watch(this.#session, () => {
      if (this.#excess > 0) this.#excess--;
      else if (this.#withheld > 0) {
        this.#withheld--;
        this.#slots++;
      }
    });
  }

  /** True when it stopped at its cap of dropped entries. */
  get more(): boolean {
    return this.#drops >= DROP_LIMIT;
  }

  /** Takes a step that has just become ready, past the line, where that is wanted. */
  takeInline(step: Step): boolean {
    const { queue } = step.spec;
    if (!this.#wants.inline || this.#slots <= 0 || !this.#wants.queues.includes(queue)) return false;
    if (this.#steered.paused.has(queue)) return false;
    const needs = needsOf(step);
    // One that a limit may hold back stands in its line like all others.
    if (!this.#session.serves.has(needs) || this.#unit.limits.mayLimit(needs, queue)) return false;
    // It stands in no line: that it is started without having been ready says so for good.
    step.ready = null;
    step.due = expiryOf(this.#unit, step);
    this.#grant(step);
    return true;
  }

  /** Control work goes first, and once more where a popped step was settled. */
  takeFromLines(): void {
    // What ends while it takes makes room for the next exchange.
    this.#unit.roles.unwatch();
    this.#unit.limits.wakeFreed();
    this.#unit.ledger.flush();
    this.#takeControl();
    if (this.#slots > 0) this.#takeRuns();
    if (!this.#hasSettled) return;
    this.#unit.ledger.flush();
    this.#takeControl();
  }

  #takeRuns(): void {
    const { queues, weights } = this.#wants;
    const { paused, weighted } = this.#steered;
    const parts: Parts = {
      room: () => this.#slots,
      take: (these, most) => this.#takeAtMost(most, () => this.#takeOpen(these)),
      rotate: () => rotate(this.#unit.sql, this.#session),
    };
    if (weights) this.taken = takeByWeight(parts, queues, weights);
    else
      takeApart(
        parts,
        queues.filter((queue) => !paused.has(queue)),
        weighted,
      );
  }

  /** Takes steps to run of queues together, or of one weighted queue. */
  #takeOpen(queues: readonly string[]): void {
    const { paused, weighted } = this.#steered;
    const open = queues.filter((queue) => !paused.has(queue));
    const [queue] = open;
    if (queue === undefined) return;
    if (!weighted.has(queue)) this.#takeOf(open);
    else this.#takeByLevel(queue);
  }

  #takeByLevel(queue: string): void {
    takeByLevel(this.#unit.sql, queue, {
      room: () => this.#slots,
      isFull: () => this.more,
      open: () => this.#openPriorities(queue),
      take: (priority, most) => this.#takeAtMost(most, () => this.#takeOf([queue], [priority])),
    });
  }

  /** Takes at most so many; answers how many. */
  #takeAtMost(most: number, take: () => void): number {
    const before = this.#slots;
    const rest = Math.max(0, before - most);
    if (before <= rest) return 0;
    this.#slots -= rest;
    take();
    this.#slots += rest;
    return before - this.#slots;
  }

  #takeControl(): void {
    if (this.#control > 0) this.#takeFrom(this.#openLines([CONTROL]), () => this.#control);
  }

  /** The priorities of a queue with lines that the session may pop. */
  #openPriorities(queue: string): ReadonlySet<number> {
    const plain = this.#openLines([queue]).map(({ priority }) => priority);
    const limited = this.#unit.limits.isOn ? limitedPriorities(this.#unit, queue, this.#session.serves) : [];
    return new Set([...plain, ...limited]);
  }

  /** Takes steps to run from the lines of queues, the highest priority first. */
  #takeOf(queues: readonly string[], priorities: readonly number[] = PRIORITIES): void {
    const room = () => this.#slots;
    const isOn = this.#unit.limits.isOn;
    if (!isOn || !hasLimitedLines(this.#unit, queues)) {
      const lines = this.#openLines(queues).filter(({ priority }) => priorities.includes(priority));
      this.#takeFrom(lines, room);
      if (this.#moved === 0) return;
    }
    const turns = {
      ...{ queues, room, serves: this.#session.serves, isFull: () => this.more, moved: () => this.#moved },
      plain: (priority: number) => this.#openLines(queues).filter((line) => line.priority === priority),
      merge: (lines: readonly KnownLine[], most: number) => this.#mergeSome(lines, most),
      drain: (line: KnownLine, most: number) => this.#drain(line, most),
    };
    for (const priority of priorities)
      if (this.#slots > 0 && !this.more) takeInTurn(this.#unit, turns, priority);
  }

  /** Takes at most so many, the oldest first, of several lines; answers how many. */
  #mergeSome(lines: readonly KnownLine[], most: number): number {
    const before = this.#slots;
    const heads = lines.map((line) => new Head(this.#unit, line));
    this.#merge(heads, () => this.#slots - Math.max(0, before - most));
    return before - this.#slots;
  }

  /** Takes at most so many from a line that its limits let through; answers how many, and whether more stand in it. */
  #drain(line: KnownLine, most: number): { readonly taken: number; readonly isDry: boolean } {
    const head = new Head(this.#unit, line);
    let taken = 0;
    while (taken < most && !this.more) {
      if (!head.peek(most - taken)) break;
      if (this.#offer(line, head.next())) taken++;
      else this.#drops++;
    }
    const isDry = head.peek(1) === undefined;
    head.done();
    return { taken, isDry };
  }

  /** The lines with entries that the session may pop, higher priorities first; none of those that stand under limits. */
  #openLines(queues: readonly string[]): KnownLine[] {
    const select =
      "SELECT id, queue, priority, needs FROM lines WHERE queue = ? AND depth > 0 AND limits = ''";
    return [...new Set(queues)]
      .flatMap((queue) => this.#unit.sql.all<KnownLine>(select, queue))
      .map(({ queue, priority, needs }) => this.#unit.ledger.line(queue, priority, needs))
      .filter(({ needs }) => needs === "" || this.#session.serves.has(needs))
      .sort((a, b) => b.priority - a.priority);
  }

  #takeFrom(lines: readonly KnownLine[], room: () => number): void {
    for (let i = 0; i < lines.length && room() > 0 && !this.more; ) {
      const { priority } = lines[i] as KnownLine;
      const end = lines.findIndex((line, at) => at > i && line.priority !== priority);
      const next = end === -1 ? lines.length : end;
      this.#merge(
        lines.slice(i, next).map((line) => new Head(this.#unit, line)),
        room,
      );
      i = next;
    }
  }

  /** Takes the oldest first of several lines of one priority. */
  #merge(heads: readonly Head[], room: () => number): void {
    while (room() > 0 && !this.more) {
      let oldest: Head | undefined;
      for (const head of heads) {
        const seq = head.peek(room())?.seq;
        if (seq !== undefined && (oldest === undefined || seq < (oldest.peek(1)?.seq as number)))
          oldest = head;
      }
      if (!oldest) break;
      if (!this.#offer(oldest.line, oldest.next())) this.#drops++;
    }
    for (const head of heads) head.done();
  }

  /** False when an entry is dropped or moved. */
  #offer(line: KnownLine, { seq, run: runSeq, address }: Entry): boolean {
    const run = this.#unit.run(runSeq);
    const step = run && this.#unit.step(run, address);
    if (!step || step.seq !== seq || run.ended !== null) return false;
    const fate = fateOf(this.#unit, step);
    if (fate !== "runs") {
      if (fate === "expired") expire(this.#unit, step);
      else if (fate !== "stays") settle(this.#unit, step, "cancelled", fate);
      this.#hasSettled = true;
      return false;
    }
    const needs = needsOf(step);
    const { limits, ledger } = this.#unit;
    const text = isControl(step.phase) ? "" : limits.textOf(step);
    if (text === undefined) {
      // Limits of its task have come since it was put here: a worker has to say its keys.
      enqueue(this.#unit, step);
      this.#hasSettled = true;
      return false;
    }
    if (text !== line.limits) {
      // Once only, as for those whom only capable sessions pop.
      this.#moved++;
      ledger.push(
        ledger.line(line.queue, line.priority, text === "" ? "" : needs, text),
        seq,
        runSeq,
        address,
      );
      return false;
    }
    if (needs !== "" && !this.#session.serves.has(needs)) {
      ledger.push(ledger.line(line.queue, line.priority, needs), seq, runSeq, address);
      return false;
    }
    this.#grant(step);
    if (text !== "") limits.take(readUses(text), step);
    return true;
  }

  #grant(step: Step): void {
    this.leases.push(lease(this.#unit, step, this.#session));
    this.steps.push(step);
    if (isControl(step.phase)) this.#control--;
    else this.#slots--;
  }
}

/** What popping a step means for it: cancelling a run or stopping it reaches a ready step only now. */
function fateOf(unit: Unit, step: Step): "runs" | "stays" | "cancelled" | "stopped" | "expired" {
  if (step.run.cancelling) return step.phase === "advance" ? "stays" : "cancelled";
  if (isStopped(step)) return "stopped";
  return hasExpired(unit, step) ? "expired" : "runs";
}
