import { setTimeout as sleep } from "node:timers/promises";
import type { Fault, FaultKind, Scene } from "./fault.js";
import { createBag } from "./random.js";

/** Injects faults for a time; they may overlap. */
export interface Injector {
  /** Those that are over. */
  readonly faults: readonly Fault[];
  /** How many are under way. */
  readonly open: number;
  /** Injects until the signal aborts; resolves when everything is made good again. */
  run(signal: AbortSignal): Promise<void>;
}

/** The most faults under way at a time: the rest of the crew has to keep the work going. */
const MAX_OPEN = 3;

/** @param everyMs the mean time from one fault to the next */
export function createInjector(kinds: readonly FaultKind[], scene: Scene, everyMs: number): Injector {
  const faults: Fault[] = [];
  const open = new Set<Promise<void>>();
  const busy = new Set<FaultKind>();
  const next = createBag(kinds, scene.random);

  const inject = async (kind: FaultKind) => {
    busy.add(kind);
    try {
      const fault = await kind.inject(scene);
      if (fault) faults.push(fault);
    } finally {
      busy.delete(kind);
    }
  };
  return {
    faults,
    get open() {
      return open.size;
    },
    async run(signal) {
      let broken: unknown;
      while (!signal.aborted && broken === undefined) {
        await sleep(everyMs * (0.4 + 1.2 * scene.random()), undefined, { signal }).catch(() => {});
        if (signal.aborted || open.size >= MAX_OPEN || kinds.length === 0) continue;
        const kind = next();
        // Two of one kind at a time would undo each other's repairs.
        if (busy.has(kind)) continue;
        const under: Promise<void> = inject(kind)
          .catch((error: unknown) => {
            broken = error;
          })
          .finally(() => open.delete(under));
        open.add(under);
      }
      await Promise.all(open);
      if (broken !== undefined) throw broken;
    },
  };
}
