import { expect } from "vitest";
import type { Model, Real } from "./world.js";

/** Every task step that failed for good has a dead letter, and nothing else has. */
export async function lettersAgree(model: Model, { store }: Real): Promise<void> {
  const expected: string[] = [];
  for (const [id, { machine }] of model.runs) {
    for (const { spec, state, definite } of machine.steps.values())
      if (spec.kind === "task" && state === "failed" && definite) expected.push(`${id} ${spec.address}`);
  }
  const found: string[] = [];
  for (let cursor: string | undefined, more = true; more; more = cursor !== undefined) {
    const page = await store.listDeadLetters({ limit: 100, cursor });
    found.push(...page.letters.map(({ run, step }) => `${run} ${step}`));
    cursor = page.next;
  }
  expect(found.sort()).toEqual(expected.sort());
  const counts = await store.countDeadLetters();
  expect(counts.reduce((sum, { letters }) => sum + letters, 0)).toBe(expected.length);
}
