import {
  type AttemptRecord,
  type DeadLetterCount,
  type DeadLetterFilter,
  type DeadLetterRecord,
  type DeadLetterRef,
  type JsonValue,
  locate,
  type ReadValues,
  resolveEdited,
  resolveWiring,
  type Store,
} from "@jobbers/core";
import type { Plans } from "./plans.js";
import { purgeLetters, type RedriveOptions, type Restarted, redriveLetters, redriveStep } from "./redrive.js";

/** A dead letter with the tries that it took and the input that its step was given. */
export interface DeadLetterDetail extends DeadLetterRecord {
  /** Tries that did not succeed, oldest first, at most 100. */
  readonly attempts: readonly AttemptRecord[];
  /** Absent where it is too large to be shown. */
  readonly input?: JsonValue | undefined;
}

/** Steps that failed for good: looks at them, has them run again, and forgets them. */
export interface DeadLetters {
  /**
   * Dead letters, newest first; pages are read as they are needed.
   *
   * @throws JobbersError `flag-invalid`
   * @example
   * for await (const letter of jobbers.deadLetters.list({ task: "fetch-page" })) console.log(letter.run, letter.step, letter.error);
   */
  list(filter?: DeadLetterFilter): AsyncIterable<DeadLetterRecord>;
  /** One dead letter with its attempts and its input; undefined where there is none. */
  get(run: string, step: string): Promise<DeadLetterDetail | undefined>;
  /** How many each task has. */
  count(): Promise<DeadLetterCount[]>;
  /**
   * Has one step that failed run again, then what depends on it; all else of its run is kept. With an `input`, that takes the place of
   * the one that its wiring says, for this attempt and all later ones. Answers "running" where the run has not ended: a step can
   * only be redriven in a run that has.
   *
   * @throws JobbersError `run-unknown`, `step-unknown`, `step-not-retryable`, `input-invalid` naming what does not fit, `not-json`
   * @example
   * await jobbers.deadLetters.redrive({ run: letter.run, step: letter.step }, { input: { url: "https://example.org" }, task: fetchPage });
   */
  redrive(letter: DeadLetterRef, options?: RedriveOptions): Promise<Restarted>;
  /**
   * Redrives all dead letters that a filter fits, run by run, and answers how many runs go on. Runs that have not ended, or that have
   * succeeded all the same, are left alone.
   *
   * @example
   * const { runs } = await jobbers.deadLetters.redriveAll({ task: "fetch-page", reason: "timeout" });
   */
  redriveAll(filter?: DeadLetterFilter): Promise<{ readonly runs: number }>;
  /** Forgets one dead letter; its step and run stay as they are. False where there was none. */
  purge(letter: DeadLetterRef): Promise<boolean>;
  /** Forgets all dead letters that a filter fits; answers how many. */
  purgeAll(filter?: DeadLetterFilter): Promise<{ readonly letters: number }>;
}

/** What reading and redriving dead letters needs. */
export interface DeadLetterDeps {
  readonly store: Store;
  readonly plans: Plans;
}

const PAGE = 200;

/** An input beyond so many characters is not shown. */
const MAX_INPUT_CHARS = 1024 * 1024;

/** Makes a connection's face of dead letters. */
export function createDeadLetters(deps: DeadLetterDeps): DeadLetters {
  const { store } = deps;
  return {
    async *list(filter = {}) {
      let cursor: string | undefined;
      do {
        const page = await store.listDeadLetters({ ...filter, limit: PAGE, cursor });
        yield* page.letters;
        cursor = page.next;
      } while (cursor !== undefined);
    },
    get: (run, step) => readDeadLetter(deps, run, step),
    count: () => store.countDeadLetters(),
    redrive: (letter, options) => redriveStep(deps, letter, options),
    async redriveAll(filter = {}) {
      const runs = new Set<string>();
      let cursor: string | undefined;
      do {
        const page = await redriveLetters(store, filter, { limit: PAGE, cursor });
        for (const run of page.runs) runs.add(run);
        cursor = page.next;
      } while (cursor !== undefined);
      return { runs: runs.size };
    },
    purge: async ({ run, step }) => (await store.purgeDeadLetters([{ run, step }])) > 0,
    async purgeAll(filter = {}) {
      let letters = 0;
      let cursor: string | undefined;
      do {
        const page = await purgeLetters(store, filter, { limit: PAGE, cursor });
        letters += page.done;
        cursor = page.next;
      } while (cursor !== undefined);
      return { letters };
    },
  };
}

/** One dead letter with its attempts and its input. */
export async function readDeadLetter(
  deps: DeadLetterDeps,
  run: string,
  step: string,
): Promise<DeadLetterDetail | undefined> {
  const letter = await deps.store.getDeadLetter(run, step);
  if (!letter) return undefined;
  const [attempts, input] = await Promise.all([deps.store.listAttempts(run, step), readInput(deps, letter)]);
  return { ...letter, attempts, ...(input !== undefined && { input }) };
}

class TooLarge extends Error {}

/** What the step is given: put together as its worker does. */
async function readInput(
  { store, plans }: DeadLetterDeps,
  { run, step: address, version, edited }: DeadLetterRecord,
): Promise<JsonValue | undefined> {
  const index = await plans.read(version);
  const { step, indices } = locate(index, address);
  if (step.kind !== "task") return undefined;
  const scene = { index, indices, read: boundedReader(store, run) };
  try {
    const input = await (edited ? resolveEdited(scene, address) : resolveWiring(scene, step.input));
    return input as JsonValue | undefined;
  } catch (error) {
    if (error instanceof TooLarge) return undefined;
    throw error;
  }
}

function boundedReader(store: Pick<Store, "readValues">, run: string): ReadValues {
  let room = MAX_INPUT_CHARS;
  return async (keys) => {
    const texts = await store.readValues(run, keys);
    for (const text of Object.values(texts)) room -= text?.length ?? 0;
    if (room < 0) throw new TooLarge();
    return texts;
  };
}
