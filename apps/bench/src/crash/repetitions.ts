import { type Evidence, LINGER_MS, type Violation } from "./evidence.js";
import type { Fault } from "./fault.js";
import type { HandlerLine } from "./ledgers.js";

/** An execution of a step whose try was executed once more. */
export interface Repetition {
  readonly before: HandlerLine;
  readonly again: HandlerLine;
}

/** How many executions were repeated under each kind of fault, and what no fault explains. */
export interface Repeated {
  readonly violations: readonly Violation[];
  readonly counts: ReadonlyMap<string, number>;
  /** Those without a fault. */
  readonly uncaused: number;
}

/** A declared retry counts a try; an execution with the same count is the same try once more. */
export function repetitionsOf(started: readonly HandlerLine[]): Repetition[] {
  return started.flatMap((again, i) => {
    const before = started[i - 1];
    return before && before.tries === again.tries ? [{ before, again }] : [];
  });
}

/**
 * Puts each repetition down to a fault that its worker bore. A fault costs a worker what is in its slots, and no more: where
 * faults overlap, nobody can say which of them it was, so any way to share the repetitions out among them will do. What finds no
 * room in any is a violation, and so is what has no fault at all.
 */
export function explain(repetitions: readonly Repetition[], { faults, terms }: Evidence): Repeated {
  const violations: Violation[] = [];
  const counts = new Map<string, number>();
  const rooms = new Map<Fault, Map<number, Repetition[]>>();
  const roomOf = (fault: Fault, { before: { pid } }: Repetition) => {
    const byWorker = rooms.get(fault) ?? new Map<number, Repetition[]>();
    rooms.set(fault, byWorker);
    const taken = byWorker.get(pid) ?? [];
    byWorker.set(pid, taken);
    return taken;
  };
  /** Finds room for one, and makes it where one of those inside finds room elsewhere. */
  const place = (one: Repetition, tried: Set<Fault>): boolean =>
    causesOf(faults, one).some((fault) => {
      if (tried.has(fault)) return false;
      tried.add(fault);
      const taken = roomOf(fault, one);
      const at = taken.length < terms.slots ? taken.length : taken.findIndex((other) => place(other, tried));
      if (at < 0) return false;
      taken[at] = one;
      return true;
    });

  let uncaused = 0;
  for (const one of repetitions) {
    if (place(one, new Set())) continue;
    const [cause] = causesOf(faults, one);
    if (cause) counts.set(cause.kind, (counts.get(cause.kind) ?? 0) + 1);
    else uncaused++;
    violations.push({
      class: "executed again",
      kind: cause?.kind,
      run: one.before.run,
      what: told(one, cause),
    });
  }
  for (const [{ kind }, byWorker] of rooms)
    for (const taken of byWorker.values()) counts.set(kind, (counts.get(kind) ?? 0) + taken.length);
  return { violations, counts, uncaused };
}

/** The most executions that faults of a kind may have cost: what was in the slots of those who bore them. */
export function mostRepeated(kind: string, { faults, lives, terms }: Evidence): number {
  const bearers = ({ reach, pids, at, until }: Fault) => {
    if (reach === "nobody") return 0;
    if (reach === "victims") return pids.length;
    return lives.filter(({ readyAt, endedAt = at }) => readyAt <= until && endedAt >= at).length;
  };
  const own = faults.filter((fault) => fault.kind === kind);
  return terms.slots * own.reduce((sum, fault) => sum + bearers(fault), 0);
}

/** The faults that its worker bore after it had started and before it was repeated, the likeliest first. */
function causesOf(faults: readonly Fault[], { before, again }: Repetition): Fault[] {
  const end = Math.max(before.at, again.at);
  const isOwn = ({ pids }: Fault) => pids.includes(before.pid);
  return faults
    .filter(({ at, until }) => at <= end && until >= before.at - LINGER_MS)
    .filter((fault) => fault.reach === "everybody" || (fault.reach === "victims" && isOwn(fault)))
    .sort((a, b) => Number(isOwn(b)) - Number(isOwn(a)) || b.at - a.at);
}

function told({ before, again }: Repetition, cause: Fault | undefined): string {
  const who = `pid ${before.pid} under fence ${before.fence}, then pid ${again.pid} under ${again.fence}`;
  return `${before.step} was executed again ${cause ? "beyond faults × slots" : "without a fault"} (${who})`;
}
