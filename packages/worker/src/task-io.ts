import { type AnyTask, encodeJson, JobbersError, parseSoon, type StepReason } from "@jobbers/core";

/** The largest output that a step may have, in bytes of JSON. */
export const MAX_OUTPUT_BYTES = 16 * 1024 * 1024;

/** A failure that another try would not change. */
export class Final {
  constructor(
    readonly thrown: unknown,
    readonly reason: StepReason,
  ) {}
}

/** What a task's own output schema refuses may pass at the next try; what is no JSON will not. */
export function reasonOf(thrown: unknown): StepReason {
  return thrown instanceof JobbersError && thrown.code === "output-invalid" ? "invalid-output" : "error";
}

/** The input as the task's schema has it, a promise where the schema's answer is one; throws {@link Final}, or rejects with it. */
export function parseInput(task: AnyTask, raw: unknown): unknown {
  const refuse = (thrown: unknown) => {
    throw new Final(thrown, "invalid-input");
  };
  try {
    const parsed = parseSoon(task.input, raw, `input of ${task.name}`);
    return parsed instanceof Promise ? parsed.catch(refuse) : parsed;
  } catch (thrown) {
    return refuse(thrown);
  }
}

/** The output as JSON text; throws {@link Final}. */
export function encodeOutput(output: unknown, task: string): string {
  try {
    const text = encodeJson(output === undefined ? null : output, `output of ${task}`);
    if (text.length <= MAX_OUTPUT_BYTES / 3) return text;
    const bytes = Buffer.byteLength(text);
    if (bytes <= MAX_OUTPUT_BYTES) return text;
    const size = `${(bytes / 2 ** 20).toFixed(1)} MiB`;
    throw new JobbersError("value-too-large", `output of ${task} has ${size} of JSON; 16 MiB is the most`);
  } catch (thrown) {
    throw new Final(thrown, "invalid-output");
  }
}
