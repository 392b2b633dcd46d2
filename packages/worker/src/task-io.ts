import { type AnyTask, encodeJson, JobbersError, parseSoon, type StepReason, showBytes } from "@jobbers/core";

/** A failure that another try would not change. */
export class Final {
  constructor(
    readonly thrown: unknown,
    readonly reason: StepReason,
  ) {}
}

/** What a handler, or who puts its input together, meets where a value has been lost: no other try would find it. */
const hopeless: ReadonlySet<string> = new Set(["blob-missing", "blob-altered"]);

/** Whether a failure is one that another try would not change. */
export function isHopeless(thrown: unknown): boolean {
  return thrown instanceof JobbersError && hopeless.has(thrown.code);
}

/** Whether a place of large values is troubled, which may pass. */
export function isBlobTrouble(thrown: unknown): thrown is JobbersError {
  return (
    thrown instanceof JobbersError &&
    (thrown.code === "blob-unreachable" || thrown.code === "blob-unwritable")
  );
}

/** What goes wrong when an input is put together: a value that is lost or too large stays so, a place that does not answer may. */
export function refuseInput(thrown: unknown): never {
  if (thrown instanceof JobbersError && !isBlobTrouble(thrown)) throw new Final(thrown, "invalid-input");
  throw thrown;
}

/** What a task's own output schema refuses may pass at the next try; what is no JSON will not. */
export function reasonOf(thrown: unknown): StepReason {
  return thrown instanceof JobbersError && thrown.code === "output-invalid" ? "invalid-output" : "error";
}

/** The input as the task's schema has it, a promise where the schema's answer is one; throws {@link Final}, or rejects with it. */
export function parseInput(task: AnyTask, raw: unknown): unknown {
  try {
    const parsed = parseSoon(task.input, raw, `input of ${task.name}`);
    return parsed instanceof Promise ? parsed.catch(refuseParsed) : parsed;
  } catch (thrown) {
    return refuseParsed(thrown);
  }
}

function refuseParsed(thrown: unknown): never {
  throw new Final(thrown, "invalid-input");
}

/** The output as JSON text of at most so many bytes; throws {@link Final}. */
export function encodeOutput(output: unknown, task: string, maxBytes: number): string {
  try {
    const text = encodeJson(output === undefined ? null : output, `output of ${task}`);
    if (text.length <= maxBytes / 3) return text;
    const bytes = Buffer.byteLength(text);
    if (bytes <= maxBytes) return text;
    const what = `output of ${task} has ${showBytes(bytes)} of JSON`;
    throw new JobbersError("value-too-large", `${what}; ${showBytes(maxBytes)} is the most`);
  } catch (thrown) {
    throw new Final(thrown, "invalid-output");
  }
}
