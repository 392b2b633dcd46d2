import { type JsonValue, type ReadValues, type StepAddress, valueKey } from "@jobbers/core";
import type { MachineRun } from "./machine/run.js";

const FAILURE_KEY = valueKey.failure("");

/** The values of a run in memory, by the keys that stores keep them under. */
export class RunValues {
  readonly #run: MachineRun;
  readonly #texts = new Map<string, string>();

  constructor(run: MachineRun) {
    this.#run = run;
  }

  readonly read: ReadValues = async (keys) => Object.fromEntries(keys.map((key) => [key, this.#text(key)]));

  set(key: string, text: string): void {
    this.#texts.set(key, text);
  }

  /** What a step's handler answered. */
  outputOf(address: StepAddress): JsonValue | undefined {
    const text = this.#texts.get(address);
    return text === undefined ? undefined : (JSON.parse(text) as JsonValue);
  }

  /** What was set, and what the machine knows of bodies: their first failure, and that and how they succeeded. */
  #text(key: string): string | null {
    const kept = this.#texts.get(key);
    if (kept !== undefined) return kept;
    const { steps, body } = this.#run;
    if (key.endsWith(FAILURE_KEY)) {
      const owner = key.slice(0, -FAILURE_KEY.length);
      const failure = (owner === "" ? body : steps.get(owner)?.body)?.failure;
      return failure ? JSON.stringify(failure) : null;
    }
    const step = steps.get(key);
    if (step?.state !== "succeeded" || !step.body) return null;
    return step.spec.kind === "map" ? String(step.count) : "null";
  }
}
