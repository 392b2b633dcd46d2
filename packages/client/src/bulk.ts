import type { BulkAnswer, Problem } from "@jobbers/api";
import { JobbersHttpError } from "./errors.js";
import { backoffMs, pause } from "./pause.js";
import { problemError } from "./problem.js";
import { requestOf, type SubmitItem, type Target } from "./submit.js";
import { checkType, isPassing, type Transport } from "./transport.js";

/** What became of one item; its id is known in any case, so that it can be sent again without harm. */
export type Submitted = { readonly id: string; readonly status: "created" | "existing" } | Refused;

interface Refused {
  readonly id: string;
  readonly status: "refused";
  readonly error: Error;
}

/** How many lines one request has at most, and how many characters, unless a single line is longer. */
const MAX_LINES = 500;
const MAX_CHARS = 512 * 1024;

/** How many requests are under way: one is executed while the next is on its way. */
const MAX_SENT = 4;

interface Line {
  readonly id: string;
  readonly text: string;
}

/**
 * Submits many runs, a chunk of lines a request; each line carries its id, so that a chunk whose answer was lost is sent again.
 *
 * @param items what to submit, each with its id
 */
export async function submitBulk(
  transport: Transport,
  target: Target,
  items: readonly (SubmitItem & { readonly id: string })[],
): Promise<Submitted[]> {
  const lines = items.map((item) => lineOf(target, item));
  const chunks = chunksOf(lines.filter((line): line is Line => "text" in line));
  const answers: Submitted[][] = [];
  let next = 0;
  const sender = async () => {
    for (let at = next++; at < chunks.length; at = next++) {
      answers[at] = await sendChunk(transport, chunks[at] as Line[]);
    }
  };
  await Promise.all(Array.from({ length: Math.min(MAX_SENT, chunks.length) }, sender));
  const answered = answers.flat().values();
  return lines.map((line) => ("status" in line ? line : (answered.next().value as Submitted)));
}

/** Writes an item as a line; one that cannot be written is refused here, and keeps no other from being sent. */
function lineOf(target: Target, item: SubmitItem & { readonly id: string }): Line | Refused {
  const { id } = item;
  try {
    return { id, text: JSON.stringify(requestOf(target, id, item)) };
  } catch (error) {
    return { id, status: "refused", error: error as Error };
  }
}

function chunksOf(lines: readonly Line[]): Line[][] {
  const chunks: Line[][] = [];
  let chars = Number.POSITIVE_INFINITY;
  for (const line of lines) {
    const chunk = chunks.at(-1);
    if (chunk && chunk.length < MAX_LINES && chars + line.text.length <= MAX_CHARS) {
      chunk.push(line);
      chars += line.text.length;
    } else {
      chunks.push([line]);
      chars = line.text.length;
    }
  }
  return chunks;
}

/** Sends a chunk until its lines are answered for good; what was answered so is not sent again. */
async function sendChunk(transport: Transport, lines: readonly Line[]): Promise<Submitted[]> {
  const answers = await sendLines(transport, lines);
  for (let round = 1; round < MAX_ROUNDS; round++) {
    const open = [...answers.keys()].filter((at) => mayPass(answers[at] as Submitted));
    if (open.length === 0) break;
    await pause(backoffMs(round));
    const again = await sendLines(
      transport,
      open.map((at) => lines[at] as Line),
    );
    for (const [i, at] of open.entries()) answers[at] = again[i] as Submitted;
  }
  return answers;
}

/** How often lines are sent that a store was too busy for, or that no replica confirmed. */
const MAX_ROUNDS = 4;

async function sendLines(transport: Transport, lines: readonly Line[]): Promise<Submitted[]> {
  const body = { text: lines.map(({ text }) => `${text}\n`).join(""), type: "application/x-ndjson" };
  const headers = { accept: "application/x-ndjson" };
  try {
    return await transport.read(
      { path: "/v1/runs/bulk", body, headers, patienceMs: BULK_MS },
      async (response) => {
        checkType(response, "json");
        return answersIn(await response.text(), lines);
      },
    );
  } catch (error) {
    // The caller has tried long enough: the transport only gives up when its time is over.
    return lines.map(({ id }) => ({ id, status: "refused", error: error as Error }));
  }
}

/** How much longer than a single submit a chunk may take. */
const BULK_MS = 20_000;

/** Reads the answers; throws when they break off, so that the chunk is sent again. */
function answersIn(text: string, lines: readonly Line[]): Submitted[] {
  const answers = text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as BulkAnswer);
  if (answers.length !== lines.length) {
    throw new Error(`${answers.length} answers came for ${lines.length} lines`);
  }
  return answers.map((answer, at) => submittedOf(answer, lines[at] as Line));
}

function submittedOf(answer: BulkAnswer, { id }: Line): Submitted {
  return answer.status === "refused"
    ? { id, status: "refused", error: problemError(answer.error as Problem) }
    : { id: answer.id, status: answer.status };
}

/** True where the line was refused because of the moment, and not because of what it says. */
function mayPass(answer: Submitted): boolean {
  if (answer.status !== "refused") return false;
  const { error } = answer;
  return error instanceof JobbersHttpError && error.status !== undefined && isPassing(error);
}
