import { setTimeout as sleep } from "node:timers/promises";
import { createBag } from "./bag.js";
import type { Fault, FaultKind, Scene } from "./fault.js";

/** Injects faults for a time; they may overlap. */
export interface Injector {
  /** Those that are over. */
  readonly faults: readonly Fault[];
  /** How many are under way. */
  readonly open: number;
  /** Injects until its time is over; resolves when everything is made good again. */
  run(time: InjectingTime): Promise<void>;
}

export interface InjectingTime {
  /** Aborts when it has lasted as long as it was meant to: from then on only what has not been done yet is. */
  readonly over: AbortSignal;
  /** Aborts when nothing more may be injected, whatever is missing. */
  readonly ended: AbortSignal;
}

/** The most faults under way at a time: the rest of the crew has to keep the work going. */
const MAX_OPEN = 3;

/** @param everyMs the mean time from one fault to the next */
export function createInjector(kinds: readonly FaultKind[], scene: Scene, everyMs: number): Injector {
  const faults: Fault[] = [];
  const open = new Map<FaultKind, Promise<void>>();
  const bag = createBag(kinds, scene.random);
  const isMissing = (kind: FaultKind) =>
    !faults.some((fault) => fault.kind === kind.name) || kind.hasProvoked?.(scene) === false;

  const inject = async (kind: FaultKind) => {
    const fault = await kind.inject(scene);
    if (fault) faults.push(fault);
    else bag.putBack(kind);
  };
  return {
    faults,
    get open() {
      return open.size;
    },
    async run({ over, ended }) {
      let broken: unknown;
      while (!ended.aborted && broken === undefined && (!over.aborted || kinds.some(isMissing))) {
        const restMs = everyMs * (0.4 + 1.2 * scene.random());
        await sleep(restMs, undefined, { signal: over.aborted ? ended : over }).catch(() => {});
        if (ended.aborted || open.size >= MAX_OPEN) continue;
        // Two of one kind at a time would undo each other's repairs.
        const kind = bag.draw((each) => !open.has(each) && (!over.aborted || isMissing(each)));
        if (!kind) continue;
        const under = inject(kind)
          .catch((error: unknown) => {
            broken = error;
          })
          .finally(() => open.delete(kind));
        open.set(kind, under);
      }
      await Promise.all(open.values());
      if (broken !== undefined) throw broken;
    },
  };
}
