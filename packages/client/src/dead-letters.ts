import type {
  DeadLetterCounts,
  DeadLetterPage,
  DeadLetterProgress,
  DeadLetter as Read,
  DeadLetterDetail as ReadDetail,
  RedriveAnswer,
} from "@jobbers/api";
import type { StepReason } from "@jobbers/core";
import { JobbersHttpError } from "./errors.js";
import { type InMs, inMs } from "./instants.js";
import { instantOf } from "./lists.js";
import type { Transport } from "./transport.js";

/** A task step that failed for good. */
export type DeadLetter = InMs<Read>;

/** A dead letter with the tries that it took, and the input that its step is given. */
export interface DeadLetterDetail extends Omit<InMs<ReadDetail>, "attempts"> {
  readonly attempts: readonly InMs<ReadDetail["attempts"][number]>[];
}

/** Which dead letters are meant; what is left out does not matter. */
export interface DeadLetterFilter {
  /** Only of runs of this dag or task. */
  readonly workflow?: string | undefined;
  /** Only of steps of this task. */
  readonly task?: string | undefined;
  readonly queue?: string | undefined;
  readonly reason?: StepReason | undefined;
  readonly run?: string | undefined;
  /** Only those that died at this moment (milliseconds since 1970, or a Date) or later. */
  readonly after?: number | Date | undefined;
  /** Only those that died before this moment. */
  readonly before?: number | Date | undefined;
}

/** Which dead letter is meant. */
export interface DeadLetterRef {
  readonly run: string;
  readonly step: string;
}

/** Steps that failed for good: looks at them, has them run again, and forgets them. */
export interface DeadLettersClient {
  /**
   * Dead letters, newest first; pages are read as they are needed.
   *
   * @example
   * for await (const letter of client.deadLetters.list({ task: "fetch-page" })) console.log(letter.run, letter.step, letter.error);
   */
  list(filter?: DeadLetterFilter): AsyncIterable<DeadLetter>;
  /** One dead letter with its attempts and its input; undefined where there is none. */
  get(run: string, step: string): Promise<DeadLetterDetail | undefined>;
  /** How many each task has. */
  count(): Promise<DeadLetterCounts["tasks"]>;
  /**
   * Has one step that failed run again, then what depends on it; with an `input`, that takes the place of the one that it had. Answers
   * "running" where the run has not ended.
   *
   * @throws JobbersHttpError `run-unknown`, `step-unknown`, `step-not-retryable`, `input-invalid` with a pointer to what does not fit
   */
  redrive(letter: DeadLetterRef, options?: { readonly input?: unknown }): Promise<RedriveAnswer["status"]>;
  /** Redrives all that a filter fits, run by run; answers how many runs go on. */
  redriveAll(filter?: DeadLetterFilter): Promise<{ readonly runs: number }>;
  /** Forgets one dead letter, if it is there; its step and run stay as they are. */
  purge(letter: DeadLetterRef): Promise<void>;
  /** Forgets all that a filter fits; answers how many. */
  purgeAll(filter?: DeadLetterFilter): Promise<{ readonly letters: number }>;
}

const PATH = "/v1/dead-letters";
const PAGE = 100;

/** Makes the part of a client that is about dead letters. */
export function createDeadLettersClient(transport: Transport): DeadLettersClient {
  const pathOf = ({ run, step }: DeadLetterRef) =>
    `${PATH}/${encodeURIComponent(run)}/${encodeURIComponent(step)}`;
  return {
    async *list(filter = {}) {
      let cursor: string | undefined;
      do {
        const query = { ...rangeOf(filter), limit: PAGE, cursor };
        const page: DeadLetterPage = await transport.json({ path: PATH, query });
        yield* page.letters.map(inMs);
        cursor = page.next;
      } while (cursor !== undefined);
    },
    async get(run, step) {
      try {
        const { attempts, ...letter } = await transport.json<ReadDetail>({ path: pathOf({ run, step }) });
        return { ...inMs(letter), attempts: attempts.map(inMs) };
      } catch (error) {
        if (error instanceof JobbersHttpError && error.code === "dead-letter-unknown") return undefined;
        throw error;
      }
    },
    count: async () => (await transport.json<DeadLetterCounts>({ path: `${PATH}/counts` })).tasks,
    async redrive(letter, options = {}) {
      const body = { json: options.input === undefined ? {} : { input: options.input } };
      return (await transport.json<RedriveAnswer>({ path: `${pathOf(letter)}/redrive`, body })).status;
    },
    async redriveAll(filter = {}) {
      let runs = 0;
      for await (const page of pages(transport, `${PATH}/redrive`, filter)) runs += page.runs;
      return { runs };
    },
    async purge(letter) {
      await transport.send({ method: "DELETE", path: pathOf(letter) });
    },
    async purgeAll(filter = {}) {
      let letters = 0;
      for await (const page of pages(transport, `${PATH}/purge`, filter)) letters += page.done;
      return { letters };
    },
  };
}

/** A page may be sent twice: what was done is no dead letter any more. */
async function* pages(
  transport: Transport,
  path: string,
  filter: DeadLetterFilter,
): AsyncGenerator<DeadLetterProgress> {
  let cursor: string | undefined;
  do {
    const body = { json: { ...rangeOf(filter), cursor } };
    const page: DeadLetterProgress = await transport.json({ path, body });
    yield page;
    cursor = page.next;
  } while (cursor !== undefined);
}

function rangeOf({ after, before, ...rest }: DeadLetterFilter) {
  return { ...rest, after: instantOf(after), before: instantOf(before) };
}
